"""Shapes of lenses, fitted to the thin lines around the eyes.

in: brightness around both eyes -> out: the outline of each lens.  Must not: decide whether there are glasses.

A lens is a superellipse. Both are mirror images of each other at first, which a lid or a brow that looks like half a
rim does not upset; then each gets a little of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from afet_video.datatypes import FloatArray

WORK_IOD_PX = 160.0
"""Distance of the outer corners of the eyes in the picture that is looked at."""

FIT_ENOUGH = (0.07, 0.1)
"""Strength of a line above which no more is gained, of both lenses together and of each."""

_FIT_PLACES = 64


@dataclass(frozen=True, slots=True, eq=False)
class Eyes:
    """A picture at working size: `log` (h, w) of its brightness, and where the eyes lie in it.

    `middle` (2,) between both, `axes` (2, 2): unit vectors towards the subject's left, and down.
    """

    log: FloatArray
    middle: FloatArray
    axes: FloatArray

    def at(self, across: FloatArray, down: FloatArray) -> FloatArray:
        """Return the places (..., 2) that lie so many pixels from the middle along the axes."""
        away = across[..., None] * self.axes[0] + down[..., None] * self.axes[1]
        return np.asarray(self.middle + away, np.float32)


# A lens: middle across and down from the middle of both eyes, half-width, half-height (each in inter-ocular distances),
# exponent of the superellipse, tilt. Of both together: middle, half their distance, then as of one.
_GRID = np.stack(
    np.meshgrid(
        *([-0.02, 0.02], np.arange(-0.02, 0.12, 0.02), [0.34, 0.37, 0.40], np.arange(0.22, 0.36, 0.02)),
        *(np.arange(0.14, 0.28, 0.02), [2.2, 3.2], [0.0]),
        indexing="ij",
    ),
    axis=-1,
).reshape(-1, 7)
_STEPS = np.array([0.015, 0.015, 0.015, 0.015, 0.015, 0.4, 0.03])
_LOWEST = np.array([-0.06, -0.06, 0.30, 0.20, 0.13, 1.9, -0.12])
_HIGHEST = np.array([0.06, 0.16, 0.44, 0.38, 0.30, 5.0, 0.12])
_OWN_STEPS = np.array([0.008, 0.008, 0.008, 0.008, 0.3, 0.02])
_OWN_SCALE, _OWN_COST = np.array([0.02, 0.02, 0.02, 0.02, 1.0, 0.05]), 0.01


def fitted_lenses(eyes: Eyes, random: np.random.Generator) -> list[FloatArray]:
    """Return the outlines (256, 2) of both lenses as superellipses, the subject's left first, by random search."""
    coarse, fine = (_hessian(eyes.log, width) for width in (3.0, 1.5))
    angles = (np.arange(_FIT_PLACES) + 0.5) * 2 * np.pi / _FIT_PLACES

    def both(pairs: NDArray[np.float64], hessian: FloatArray) -> NDArray[np.float64]:
        left, right = (_evidence(hessian, _outline(eyes, _one(pairs, side), angles), FIT_ENOUGH[0]) for side in (1, -1))
        return left + right

    best = _GRID[both(_GRID, coarse).argsort()[-12:]]
    steps = _STEPS.copy()
    for turn in range(12):
        tried = best[:, None] + random.normal(size=(len(best), 40, 7)) * steps
        tried[:, 0] = best
        tried = tried.reshape(-1, 7).clip(_LOWEST, _HIGHEST)
        best = tried[both(tried, coarse if turn < 4 else fine).argsort()[-12 if turn < 4 else -3 :]]
        steps *= 0.82
    whole = np.linspace(0, 2 * np.pi, 256, endpoint=False)
    return [_outline(eyes, _own(eyes, fine, best[-1:], side, angles, random), whole)[0] for side in (1, -1)]


def _one(pairs: NDArray[np.float64], side: int) -> NDArray[np.float64]:
    """Return the lens of one side, 1 = the subject's left, of pairs (n, 7)."""
    return np.column_stack([pairs[:, 0] + side * pairs[:, 2], pairs[:, 1], pairs[:, 3:6], side * pairs[:, 6]])


def _own(
    eyes: Eyes,
    hessian: FloatArray,
    pair: NDArray[np.float64],
    side: int,
    angles: NDArray[np.float64],
    random: np.random.Generator,
) -> NDArray[np.float64]:
    """Return a lens (1, 6) of its own, near that of the pair: a head is never quite straight."""
    first = best = _one(pair, side)
    steps = _OWN_STEPS.copy()
    for _ in range(10):
        tried = best + random.normal(size=(200, 6)) * steps
        tried[0] = best
        tried[:, 4] = tried[:, 4].clip(_LOWEST[5], _HIGHEST[5])
        worth = _evidence(hessian, _outline(eyes, tried, angles), FIT_ENOUGH[1])
        worth -= _OWN_COST * np.square((tried - first) / _OWN_SCALE).sum(axis=1)
        best = tried[worth.argmax()][None]
        steps *= 0.85
    return best


def _outline(eyes: Eyes, lenses: NDArray[np.float64], angles: NDArray[np.float64]) -> FloatArray:
    """Return the outlines (n, m, 2) of superellipses (n, 6)."""
    power = (2.0 / lenses[:, 4])[:, None]
    u, v = (
        np.sign(wave) * np.abs(wave) ** power * half[:, None]
        for wave, half in ((np.cos(angles), lenses[:, 2]), (np.sin(angles), lenses[:, 3]))
    )
    cos, sin = np.cos(lenses[:, 5])[:, None], np.sin(lenses[:, 5])[:, None]
    across, down = lenses[:, :1] + u * cos - v * sin, lenses[:, 1:2] + u * sin + v * cos
    return eyes.at((across * WORK_IOD_PX).astype(np.float32), (down * WORK_IOD_PX).astype(np.float32))


def _hessian(log: FloatArray, width: float) -> FloatArray:
    """Return second derivatives (h, w, 3): across, down, mixed; scaled for lines of that width."""
    smooth = cv2.GaussianBlur(log, (0, 0), width)
    orders = ((2, 0), (0, 2), (1, 1))
    return np.dstack([cv2.Sobel(smooth, cv2.CV_32F, dx, dy, ksize=3) for dx, dy in orders]) * np.float32(width**2 / 4)


def _evidence(hessian: FloatArray, outlines: FloatArray, enough: float) -> NDArray[np.float64]:
    """Return how much of a line (n,) runs along outlines (n, m, 2), on average over their places."""
    normal = normals(outlines, ring=True)
    x, y = normal[..., 0], normal[..., 1]
    bend = cv2.remap(hessian, outlines[..., 0], outlines[..., 1], cv2.INTER_LINEAR)
    across = np.abs(bend[..., 0] * x * x + bend[..., 1] * y * y + 2 * bend[..., 2] * x * y)
    return np.asarray(np.minimum(across, enough).mean(axis=1), np.float64)


def normals(xy: FloatArray, *, ring: bool) -> FloatArray:
    """Return unit vectors (..., n, 2) across a course (..., n, 2)."""
    ahead, behind = np.roll(xy, -1, axis=-2), np.roll(xy, 1, axis=-2)
    along = ahead - behind if ring else np.gradient(xy, axis=-2)
    along = along / (np.linalg.norm(along, axis=-1, keepdims=True) + 1e-6)
    return np.stack([along[..., 1], -along[..., 0]], axis=-1).astype(np.float32)
