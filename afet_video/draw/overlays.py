"""Marks on a frame: landmarks, outlines, the midline.

in: a picture and points of it -> out: a new picture.  Must not: change its input.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from afet_video.datatypes import ByteArray, FloatArray, Midline
from afet_video.draw.picture import Color, copied

_SUBPIXEL_BITS = 4
"""OpenCV takes fixed-point coordinates: sixteenths of a pixel."""


def draw_landmarks(
    rgb: ByteArray, xy: NDArray[Any], *, color: Color = (80, 230, 120), radius: float = 1.5
) -> ByteArray:
    """Return the picture with a dot on every point of `xy` (N, 2 or more columns); NaN points are left out.

    `radius` in pixels.
    """
    canvas = copied(rgb)
    for x, y in np.asarray(xy, np.float64)[:, :2]:
        if np.isfinite(x) and np.isfinite(y):
            cv2.circle(canvas, _fixed(x, y), round(radius * 2**_SUBPIXEL_BITS), color, -1, cv2.LINE_AA, _SUBPIXEL_BITS)
    return canvas


def draw_contours(
    rgb: ByteArray,
    xy: NDArray[Any],
    contours: Iterable[Sequence[int]],
    *,
    color: Color = (90, 200, 250),
    thickness: int = 1,
) -> ByteArray:
    """Return the picture with closed outlines; each contour is a sequence of landmark indices into `xy` (N, 2 or more).

    A contour with a NaN point is left out.
    """
    canvas = copied(rgb)
    for contour in contours:
        _polyline(canvas, np.asarray(xy, np.float64)[list(contour), :2], color, thickness, is_closed=True)
    return canvas


def draw_midline(rgb: ByteArray, midline: Midline, *, color: Color = (255, 200, 60), thickness: int = 1) -> ByteArray:
    """Return the picture with the facial midline over its samples."""
    canvas = copied(rgb)
    _polyline(canvas, np.stack([midline.x, midline.y], axis=1), color, thickness, is_closed=False)
    return canvas


def draw_mesh(
    rgb: ByteArray, xy: NDArray[Any], triangles: NDArray[np.int32], *, color: Color = (90, 200, 250)
) -> ByteArray:
    """Return the picture with the edges of triangles (M, 3) over points `xy` (N, 2 or more); NaN ones are left out."""
    canvas = copied(rgb)
    corners = np.asarray(xy, np.float64)[triangles][..., :2]
    corners = corners[np.isfinite(corners).all(axis=(1, 2))]
    points = np.round(corners * 2**_SUBPIXEL_BITS).astype(np.int32)
    cv2.polylines(canvas, list(points), True, color, 1, cv2.LINE_AA, _SUBPIXEL_BITS)
    return canvas


def draw_arrows(
    rgb: ByteArray, start: NDArray[Any], end: NDArray[Any], *, color: Color = (255, 200, 60), least_px: float = 0.5
) -> ByteArray:
    """Return the picture with a line from each point of `start` (N, 2 or more) to that of `end`, and a dot at its end.

    Pairs less than `least_px` apart, or with NaN, are left out.
    """
    canvas = copied(rgb)
    pairs = np.stack([np.asarray(start, np.float64)[:, :2], np.asarray(end, np.float64)[:, :2]], axis=1)
    long = np.linalg.norm(pairs[:, 1] - pairs[:, 0], axis=1) >= least_px
    for (x0, y0), (x1, y1) in pairs[long]:
        cv2.line(canvas, _fixed(x0, y0), _fixed(x1, y1), color, 1, cv2.LINE_AA, _SUBPIXEL_BITS)
        cv2.circle(canvas, _fixed(x1, y1), round(1.4 * 2**_SUBPIXEL_BITS), color, -1, cv2.LINE_AA, _SUBPIXEL_BITS)
    return canvas


def draw_heat(rgb: ByteArray, share: FloatArray, *, color: Color, most: float = 0.65) -> ByteArray:
    """Return the picture with a color laid over it, `most` of it where `share` (H, W) is 1, none where it is 0."""
    canvas = copied(rgb)
    weight = most * np.clip(share, 0.0, 1.0)[..., None]
    return np.asarray(np.round(canvas + weight * (np.array(color, np.float32) - canvas)), np.uint8)


def _polyline(canvas: ByteArray, xy: NDArray[Any], color: Color, thickness: int, *, is_closed: bool) -> None:
    if len(xy) and np.isfinite(xy).all():
        points = np.round(xy * 2**_SUBPIXEL_BITS).astype(np.int32)
        cv2.polylines(canvas, [points], is_closed, color, thickness, cv2.LINE_AA, _SUBPIXEL_BITS)


def _fixed(x: float, y: float) -> tuple[int, int]:
    return round(x * 2**_SUBPIXEL_BITS), round(y * 2**_SUBPIXEL_BITS)
