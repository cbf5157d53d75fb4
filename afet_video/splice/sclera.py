"""The white of one person's eye: its colour, and how lids and corners shade it.

in: pixels of open eyes that show the white -> out: the white between any lids.  Must not: know irises, paint.

What lids hide of it is made from all that was seen of it so far, and in the same way in every frame: a white that each
frame found for itself would flash. The logarithm of its colour is a sum of few smooth terms: light that falls on it
unevenly, the ball that turns away towards the corners, and the shadows of both lids.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from afet_video.datatypes import FloatArray
from afet_video.splice.opening import soft

_LIT = 3
"""How many of the terms say how light falls on the ball; the others are the lids' shadows."""
_REACH = 0.4
"""How far a lid's shadow reaches, radii of the iris: there it is a third of what it is at the lid."""
_USUAL = np.array(
    [[0, 0, 0], [0, 0, 0], [-0.15, -0.2, -0.2], [-0.6, -0.75, -0.8], [-0.1, -0.12, -0.13]], dtype=np.float64
)
"""What an eye's terms are if it was never seen: red suffers least, for light through lids and lashes is warm."""
_LEAST = np.array([[-np.inf], [-0.4], [-0.6], [-1.6], [-0.9]])
_MOST = np.array([[np.inf], [0.4], [0.0], [-0.35], [0.0]])
_COLORED = np.array([[np.inf], [0.05], [0.06], [0.12], [0.12]])
"""What they may be at the least and the most, all colours together, and how far each may differ from the others: no
corner and no shadow is brighter than the middle, the upper lid's was 0.37 to 0.64 in all real clips that were looked
at, and what is far redder there is a lid, or the caruncle."""
_FAITH = np.diag([0.0, 0.05, 0.05, 0.02, 0.02])
"""How much the usual terms count beside one eye that is seen well."""
_OUTLIER, _REDDER, _ROUNDS = 0.12, 0.04, 4
"""Differences (logarithm) of brightness and of red to green beyond which a pixel counts less: lashes and glitter are no
white, nor are the lids' edges; how often that is found."""
_ENOUGH_PX = 30.0
"""Seen pixels of white from which an eye counts by half."""
_MOST_SEEN = 10.0
"""Eyes seen after which the next one counts no less: light changes."""
_BRIGHTEST, _DARKEST = 0.9, 4.0
"""Share of the seen pixels that are darker than the brightest white, which is no glitter; the darkest, grey levels."""


class Sclera:
    """Learns the white from open eyes, all in the same light."""

    def __init__(self) -> None:
        self._square, self._product = np.zeros((5, 5)), np.zeros((5, 3))
        self._seen = 0.0
        self._factors: NDArray[np.float64] = _USUAL
        self._brightest: NDArray[np.float64] = np.zeros(3)

    def see(self, colors: FloatArray, terms: FloatArray) -> None:
        """Take in pixels (n, 3) that show the white of one eye, and the terms (n, 5) there."""
        if not len(colors):
            return
        values, terms = np.log(np.maximum(colors, _DARKEST)).astype(np.float64), terms.astype(np.float64)
        factors = self._factors.copy()
        factors[0] += np.median(values - terms @ factors, axis=0)
        seen = len(colors) / (len(colors) + _ENOUGH_PX)
        kept = min(self._seen, _MOST_SEEN - seen) / max(self._seen, 1e-9)
        for _ in range(_ROUNDS):
            left = values - terms @ factors
            off = np.maximum(np.abs(left.mean(axis=1)) / _OUTLIER, (left[:, 0] - left[:, 1]) / _REDDER)
            weighted = terms * (seen / len(colors) / np.maximum(off, 1.0))[:, None]
            square, product = kept * self._square + weighted.T @ terms, kept * self._product + weighted.T @ values
            factors = _plausible(np.linalg.solve(square + _FAITH, product + _FAITH @ _USUAL))
            factors[0] = (product[0] - square[0, 1:] @ factors[1:]) / square[0, 0]
        before = kept * self._seen
        brightest = np.quantile(values, _BRIGHTEST, axis=0)
        self._brightest = (before * self._brightest + seen * brightest) / (before + seen)
        self._square, self._product, self._factors, self._seen = square, product, factors, before + seen

    def remembered(self) -> dict[str, NDArray[Any]]:
        """Return what it knows; `recall` takes it back."""
        sums = np.concatenate([self._square, self._product, self._factors], axis=1)
        return {"sclera": sums, "sclera_seen": np.array([self._seen, *self._brightest])}

    def recall(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Go on from what `remembered` gave."""
        self._square, self._product, self._factors = np.split(arrays["sclera"], [5, 8], axis=1)
        self._seen, self._brightest = float(arrays["sclera_seen"][0]), arrays["sclera_seen"][1:]

    def shaded(self, terms: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the white (h, w, 3) by itself, and what lids leave of it in their shadow (h, w, 3), see `terms_of`.

        In the shadow it is nowhere brighter than the brightest that was seen: what lies between is a guess.
        """
        factors = self._factors.astype(np.float32)
        shadow: FloatArray = np.exp(terms[..., _LIT:] @ factors[_LIT:])
        lit: FloatArray = np.exp(terms[..., :_LIT] @ factors[:_LIT])
        return np.minimum(lit, np.exp(self._brightest).astype(np.float32) / shadow), shadow


def _plausible(factors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return factors (5, 3) within what an eye's may be."""
    level = factors.mean(axis=1, keepdims=True).clip(_LEAST, _MOST)
    usual = _USUAL - _USUAL.mean(axis=1, keepdims=True)
    own = np.clip(factors - level - usual, -_COLORED, _COLORED)
    return np.asarray(level + usual + own, np.float64)


def terms_of(canthi: FloatArray, lids: FloatArray, radius: float, shape: tuple[int, ...]) -> FloatArray:
    """Return the terms (h, w, 5) of an eye: one, across, across squared, and the shadows of upper and lower lid.

    Parameters
    ----------
    canthi : (2, 2) outer and inner corner of the eye, pixels of the picture.
    lids : (16, 2) edges of its lids.
    radius : of its iris, pixels.
    shape : of the picture.
    """
    half = 0.5 * (canthi[0] - canthi[1])
    per_px = half / max(float(half @ half), 1e-6)
    start = float(canthi.mean(axis=0) @ per_px)
    rows, columns = np.arange(shape[0]), np.arange(shape[1])
    terms = np.empty((*shape[:2], 5), np.float32)
    terms[..., 0] = 1.0
    across = columns * per_px[0] + (rows * per_px[1])[:, None] - start
    np.clip(across, -1.0, 1.0, out=terms[..., 1])
    np.square(terms[..., 1], out=terms[..., 2])
    for i, margin in enumerate((lids[1:8], lids[9:])):
        line = np.full(shape[:2], 255, np.uint8)
        cv2.polylines(line, [np.round(margin * 16).astype(np.int32)], False, 0, 1, cv2.LINE_8, 4)
        away = soft(np.asarray(cv2.distanceTransform(line, cv2.DIST_L2, 3), np.float32), 0.06 * radius)
        np.exp(away / np.float32(-_REACH * max(radius, 1e-6)), out=terms[..., _LIT + i])
    return terms
