"""What lies between the lids of an eye, as soft masks.

in: lid margins -> out: masks, places between them.  Must not: look at pictures.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from afet_video.datatypes import FloatArray

_LID_MARGIN = 0.15
"""Share of an opening next to its lids in which lashes and shadow may be seen, and not the eyeball alone."""
_RIM, _CORNERS = 0.05, (0.04, 0.12)
"""What of an opening stays as the lids bring it: the wet rim of the lower lid, a share of the gap, and the eye's outer
and inner corner (the caruncle), of its width."""


def within_lids(ring: FloatArray, shape: tuple[int, ...]) -> FloatArray:
    """Return (h, w): 1 well between the lids of `ring` (16, 2), 0 near them and outside."""
    upper, lower = ring[1:8], ring[:8:-1]
    gap = np.zeros((16, 1), np.float32)
    gap[1:8, 0] = np.linalg.norm(upper - lower, axis=1)
    gap[9:, 0] = gap[7:0:-1, 0]
    opposite = ring[-np.arange(16) % 16]
    least = np.maximum(_LID_MARGIN * gap, np.minimum(1.5, 0.4 * gap))
    towards = (opposite - ring) / np.maximum(gap, 1e-3)
    shrunk = ring + np.where(gap > 0, least * towards, 0)
    for corner, far in ((0, 8), (8, 0)):
        shrunk[corner] += 2 * _CORNERS[0] * (ring[far] - ring[corner])
    return soft(filled(shrunk, shape), 0.4 * float(least.max()))


def seen_lids(ring: FloatArray, beyond: tuple[float, float]) -> FloatArray:
    """Return the edges (16, 2) of lids whose upper and lower landmarks lie `beyond` pixels inside of them."""
    up = ring[1:8] - ring[:8:-1]
    up = up / max(float(np.linalg.norm(up, axis=1).max()), 1.0)  # towards the corners, they meet
    result = ring.copy()
    result[1:8] += np.float32(beyond[0]) * up
    result[:8:-1] -= np.float32(beyond[1]) * up
    return result


def between_lids(ring: FloatArray, shape: tuple[int, ...], blur: float = 0.0) -> FloatArray:
    """Return (h, w): 1 where the eyeball is seen between the lids of `ring` (16, 2), but for caruncle and lower rim.

    `blur`: standard deviation of the picture's, pixels, which the edges are to have too.
    """
    outline = ring.copy()
    outline[9:] += _RIM * (ring[7:0:-1] - ring[9:])
    for corner, far in ((0, 8), (8, 0)):
        outline[corner] += _CORNERS[corner > 0] * (ring[far] - ring[corner])
    return soft(filled(outline, shape), math.hypot(0.5 * _RIM * float(np.linalg.norm(ring[4] - ring[12])), blur))


def below_lid(ring: FloatArray, place: FloatArray, up: NDArray[np.float64]) -> float:
    """Return how far a place (2,) lies below the upper lid of `ring` (16, 2), pixels; `up` (2,): a pixel's way up."""
    upper = ring[:9]
    along = np.array([-up[1], up[0]])
    order = np.argsort(upper @ along)
    return float(np.interp(place @ along, (upper @ along)[order], (upper @ up)[order]) - place @ up)


def soft(mask: FloatArray, spread_px: float) -> FloatArray:
    """Return a mask with edges that are smooth over about `spread_px`, and half a pixel at least."""
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), max(spread_px, 0.5)), np.float32)


def filled(outline: FloatArray, shape: tuple[int, ...]) -> FloatArray:
    """Return (h, w): 1 inside an outline (n, 2), 0 outside."""
    picture = np.zeros(shape[:2], np.uint8)
    cv2.fillPoly(picture, [np.round(outline * 16).astype(np.int32)], 255, lineType=cv2.LINE_AA, shift=4)
    return np.asarray(picture * np.float32(1 / 255), np.float32)


def similarity(source: FloatArray, target: FloatArray) -> NDArray[np.float64]:
    """Return the similarity (2, 3) that takes two points to two others."""
    before, after = complex(*(source[1] - source[0])), complex(*(target[1] - target[0]))
    turn = after / before
    linear = np.array([[turn.real, -turn.imag], [turn.imag, turn.real]])
    return np.column_stack([linear, target.mean(axis=0) - linear @ source.mean(axis=0)])
