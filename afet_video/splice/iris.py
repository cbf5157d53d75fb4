"""A whole iris from the part of it that lids leave to be seen.

in: an open eye with the circle of its iris -> out: the iris without lids and without reflections, and how soft its edge
is.  Must not: know lids, or where the iris is shown.

What is hidden goes on from what is seen at the same radius, as in a mirror at the lid: an iris' fibres run outwards, so
the next ones look like the last ones. A reflection of a lamp is no part of it, and is not repeated.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from afet_video.datatypes import FloatArray
from afet_video.splice.limbus_kernel import fill_hidden

_REACH = 1.3
"""Radius up to which an iris and what is beside it are looked at."""
_FEWEST, _MOST = 13, 48
"""Radii that it is cut into: about one to a pixel."""
_USUAL = 0.6
"""Share of what is seen at one radius that is surely no reflection."""
_REFLECTION, _LASH = 1.25, 0.7
"""Times the usual brightness of a radius from which something is a reflection, and below which it is a lash."""
_DETAIL = np.array([0.85, 1.15])
"""How far what is filled in may differ from what is usual at its radius."""
_SOFTEST = (0.18, 0.5)
"""Least and greatest width of the edge, in radii."""
_OFF = (0.92, 1.06)
"""Radii between which the middle of the edge may lie."""
_QUARTER = 0.348
"""Share of a smoothstep's width from its first to its third quarter."""


def whole_iris(
    part: FloatArray, seen: FloatArray, white: FloatArray, middle: FloatArray, radius: float
) -> tuple[FloatArray, tuple[float, float]] | None:
    """Return the iris (h, w, 3) without lids and reflections, and between which radii it goes over into the white.

    None if too little of it is seen.

    Parameters
    ----------
    part : (h, w, 3) float32 picture of an open eye.
    seen : (h, w) in 0..1: what of it is eyeball, and no lid.
    white : (h, w, 3) colour of the white.
    middle, radius : the circle of the iris, pixels.
    """
    rings = int(np.clip(np.ceil(_REACH * radius), _FEWEST, _MOST))
    away = (_REACH * (np.arange(rings) + 0.5) / rings).astype(np.float32)
    turn = (2 * np.pi * np.arange(4 * rings) / (4 * rings)).astype(np.float32)
    columns = middle[0] + np.float32(radius) * away[:, None] * np.cos(turn)
    rows = middle[1] + np.float32(radius) * away[:, None] * np.sin(turn)
    polar = np.asarray(cv2.remap(part, columns, rows, cv2.INTER_LINEAR), np.float32)
    shown = cv2.remap(seen, columns, rows, cv2.INTER_LINEAR) > 0.5
    beside = cv2.remap(white.mean(axis=2), columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    luma = polar.mean(axis=2)
    inner = away < _OFF[0]
    if not shown[inner].any():
        return None
    edge = _edge(luma, beside, shown, away)
    within = max(int(np.searchsorted(away, edge[0])), 2)
    profile = _profile(polar, luma, shown, within)
    usual = profile.mean(axis=1)[:, None]
    plain = shown & (luma < _REFLECTION * usual + 4) & (luma > _LASH * usual - 4)
    plain[within:] = False
    fill_hidden(polar, plain, profile, _DETAIL)
    return _unrolled(polar, part.shape, middle, radius), edge


def _profile(polar: FloatArray, luma: FloatArray, shown: NDArray[np.bool_], within: int) -> FloatArray:
    """Return the usual colour at each radius (r, 3): reflections left out, beyond the iris as at its edge."""
    colors, known = np.zeros((len(polar), 3), np.float32), []
    for i in range(within):
        if shown[i].any():
            there = luma[i][shown[i]]
            usual = np.argsort(there)[: int(_USUAL * (len(there) - 1)) + 1]
            colors[i] = polar[i][shown[i]][usual].mean(axis=0)
            known.append(i)
    if not known:
        known, colors[0] = [0], polar[shown].mean(axis=0)
    for channel in range(3):
        colors[:, channel] = np.interp(np.arange(len(polar)), known, colors[known, channel])
    return colors


def _edge(luma: FloatArray, beside: FloatArray, shown: NDArray[np.bool_], away: FloatArray) -> tuple[float, float]:
    """Return the radii between which the picture goes over from iris to white."""
    dark = shown & ((away > 0.6) & (away < 0.85))[:, None]
    if dark.sum() < 3:
        return 1.0 - 0.5 * _SOFTEST[0], 1.0 + 0.5 * _SOFTEST[0]
    iris = float(np.median(luma[dark]))
    outer = away > 0.6
    share = np.clip((luma - iris) / np.maximum(beside - iris, 8.0), 0.0, 1.0)
    count = shown.sum(axis=1)
    rising = outer & (count > 2)
    if rising.sum() < 4:
        return 1.0 - 0.5 * _SOFTEST[0], 1.0 + 0.5 * _SOFTEST[0]
    mean = np.maximum.accumulate((share * shown).sum(axis=1)[rising] / count[rising])
    first, third = (float(np.interp(level, mean, away[rising])) for level in (0.25, 0.75))
    middle = float(np.clip(0.5 * (first + third), *_OFF))
    half = 0.5 * float(np.clip((third - first) / _QUARTER, *_SOFTEST))
    return middle - half, middle + half


def _unrolled(polar: FloatArray, shape: tuple[int, ...], middle: FloatArray, radius: float) -> FloatArray:
    """Return the picture (h, w, 3) of an iris that is given by radius and angle."""
    rings, angles = polar.shape[:2]
    rows, columns = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    columns, rows = columns - middle[0], rows - middle[1]
    ring = np.clip(np.hypot(columns, rows) * np.float32(rings / (_REACH * radius)) - np.float32(0.5), 0, rings - 1)
    angle = np.arctan2(rows, columns) * np.float32(angles / (2 * np.pi)) % np.float32(angles)
    closed = np.concatenate([polar, polar[:, :1]], axis=1)
    return np.asarray(cv2.remap(closed, angle, ring, cv2.INTER_LINEAR), np.float32)
