"""The nasolabial fold of a side that has lost its tone: flatter than it was.

in: a picture with its landmarks -> out: the picture with the fold's shadow filled up.  Must not: move anything.

A fold shows by the dark line between cheek and lip. Of what is darker there than its surroundings, at the scale of the
line, a share is taken back; what is finer (grain, stubble, pores) and what is coarser (light) stays as it is.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from afet_video import facemesh
from afet_video.datatypes import FloatArray, Side

_LINE: tuple[tuple[int, int], ...] = ((129, 142), (203, 36), (206, 205), (216, 207), (212, 214))
"""The fold's course on the right half, from the wing of the nose past the corner of the mouth: landmarks that lie along
it on the lip's side, each with the next one towards the cheek."""
_TOWARDS_CHEEK = 0.25
"""How far from the first to the second of each pair the middle of the band runs."""

_BAND_IOD, _CLEAR_IOD = 0.085, 0.035
"""Half-width of the band around the line; distance from lips and nostril within which nothing changes at all."""
_FINE_IOD, _COARSE_IOD = 0.008, 0.07
"""Scales (standard deviations) between which a shadow is taken for the fold's."""
_MOST = 0.85
"""Share of the shadow that is taken away at most."""
_NOSTRIL = (98, 64, 240, 97)
_BITS = 4
"""Binary places in which OpenCV takes the corners of what it draws."""


def flatten_fold(rgb: FloatArray, xy: FloatArray, side: Side, amount: float) -> FloatArray:
    """Return the picture with the nasolabial fold of one side made flatter; outside of its band it is unchanged.

    Parameters
    ----------
    rgb : (h, w, 3) float32, 0..255.
    xy : (478, 2) landmarks in pixels of `rgb`.
    side : whose fold.
    amount : 0 (nothing changes) .. 1.
    """
    if amount <= 0:
        return rgb
    iod = facemesh.iod_px(xy)
    line = _line(xy, side)
    low, high = line.min(axis=0) - 3 * _COARSE_IOD * iod, line.max(axis=0) + 3 * _COARSE_IOD * iod
    x0, y0 = np.clip(np.floor(low), 0, None).astype(int)
    x1, y1 = np.minimum(np.ceil(high), (rgb.shape[1], rgb.shape[0])).astype(int)
    if x1 - x0 < 2 or y1 - y0 < 2:
        return rgb
    part = rgb[y0:y1, x0:x1]
    fine = cv2.GaussianBlur(part, (0, 0), max(_FINE_IOD * iod, 0.5))
    coarse = cv2.GaussianBlur(part, (0, 0), _COARSE_IOD * iod)
    mask = _band(part.shape[:2], (line - (x0, y0)), _lips_and_nostril(xy, side) - (x0, y0), iod)
    out = rgb.copy()
    out[y0:y1, x0:x1] += np.float32(_MOST * amount) * mask[..., None] * np.maximum(coarse - fine, 0.0)
    return out


def _line(xy: FloatArray, side: Side) -> FloatArray:
    pairs = np.array(_LINE)
    if side is Side.LEFT:
        pairs = facemesh.TWIN[pairs]
    inner, outer = xy[pairs[:, 0], :2], xy[pairs[:, 1], :2]
    return np.asarray(inner + _TOWARDS_CHEEK * (outer - inner), np.float32)


def _lips_and_nostril(xy: FloatArray, side: Side) -> FloatArray:
    nostril = facemesh.TWIN[list(_NOSTRIL)] if side is Side.LEFT else np.array(_NOSTRIL)
    return np.asarray(xy[[*facemesh.LIPS_OUTER, *nostril], :2], np.float32)


def _band(shape: tuple[int, int], line: FloatArray, keep: FloatArray, iod: float) -> FloatArray:
    """Return (h, w) 1 around the line, falling smoothly to 0 at the band's edge, at its ends, and near what is kept."""
    blank = np.full(shape, 255, np.uint8)
    cv2.polylines(blank, _fixed_point(line), False, 0, 1, cv2.LINE_8, _BITS)
    away = cv2.distanceTransform(blank, cv2.DIST_L2, 5) / (_BAND_IOD * iod)
    lips = np.full(shape, 255, np.uint8)
    count = len(facemesh.LIPS_OUTER)
    for outline in (keep[:count], keep[count:]):
        cv2.fillPoly(lips, _fixed_point(outline), 0, cv2.LINE_8, _BITS)
    clear = cv2.distanceTransform(lips, cv2.DIST_L2, 5) / (_CLEAR_IOD * iod) - 1.0
    return _smooth(2.0 * (1.0 - away)) * _smooth(clear)


def _fixed_point(points: FloatArray) -> list[NDArray[np.int32]]:
    return [np.round(points * (1 << _BITS)).astype(np.int32)]


def _smooth(values: NDArray[Any]) -> FloatArray:
    t = np.clip(values, 0.0, 1.0)
    return np.asarray(t * t * (3 - 2 * t), np.float32)
