"""A face at working size: how its skin would look everywhere, and how far from that every pixel is.

in: picture, landmarks -> out: maps (h, w) at working size.  Must not: decide what is covered, remember a frame.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from afet_video import facemesh
from afet_video.datatypes import ByteArray, FloatArray
from afet_video.splice.skin_kernel import fill_distance
from afet_video.vectors import gaussian, squared_distances

_WORK_IOD_PX = 80.0
"""Distance of the outer corners of the eyes in the picture that is looked at: larger faces are scaled down."""

_SHADE = 0.6
"""Skin in a fold or shadow is redder: by so much of how much darker it is, red may gain and blue may lose."""

LogScales = tuple[np.float32, np.float32, np.float32, np.float32]


def log_scales(dark: float, bright: float, chroma: float) -> LogScales:
    """Return what `skin_kernel` measures by: differences of a colour's logarithm, in each way, that count as 1."""
    return np.float32(_SHADE), np.float32(1 / dark), np.float32(1 / bright), np.float32(1 / chroma)


_DEVIATION = log_scales(0.55, 0.65, 0.25)
"""Of a pixel from the skin's colour: darker, brighter and in hue."""

OFFSET = 10.0
"""Added to colours (0..255) before the logarithm is taken: noise in the dark says nothing."""

SMOOTH_IOD = 0.20
"""How far around itself a landmark tells the colour of the skin."""

_NODE_IOD, _OUTLINE_IOD = 0.08, 0.15
BROW_MARGIN_IOD = 0.07
_FEATURE_MARGIN_IOD = {"eye": 0.09, "brow": BROW_MARGIN_IOD, "lips": 0.06, "nostrils": 0.04}
_FINGERS = ((1, 2, 3, 4), (5, 6, 7, 8), (9, 10, 11, 12), (13, 14, 15, 16), (17, 18, 19, 20))
_FINGER, _WRIST, _HAND_REACH = 0.36, 0.7, 1.0
"""Breadth of a finger and of a wrist as shares of the hand's; how far fingers may reach that the detector lost."""


def _skin() -> NDArray[np.int64]:
    left_out = np.zeros(facemesh.SKIN_COUNT, bool)
    for part in (facemesh.LIP_ROWS, (facemesh.LEFT_BROW, facemesh.RIGHT_BROW, facemesh.LEFT_EYE, facemesh.RIGHT_EYE)):
        for row in part:
            left_out[list(row)] = True
    left_out[list(facemesh.FACE_OVAL)] = True
    return np.flatnonzero(~left_out)


SKIN = _skin()
"""Landmarks on skin and nothing else, inside the outline."""

_OVAL = np.array(facemesh.FACE_OVAL)
_NOSTRILS = (64, 98, 97, 2, 326, 327, 294, 1)
_FEATURES = tuple(
    (name, np.array(points))
    for name, points in (
        ("eye", facemesh.LEFT_EYE),
        ("eye", facemesh.RIGHT_EYE),
        ("brow", facemesh.LEFT_BROW),
        ("brow", facemesh.RIGHT_BROW),
        ("lips", facemesh.LIPS_OUTER),
        ("nostrils", _NOSTRILS),
    )
)


Outline = tuple[NDArray[np.int32], float]
"""Corners (m, 1, 2) of a convex outline in whole pixels, and the width of the margin around it."""


@dataclass(frozen=True, slots=True, eq=False)
class Feature:
    """An eye, a brow, the lips or the nostrils: the rectangle `part` of a view, and where in it (h, w) they lie.

    `kind`: a key of `_FEATURE_MARGIN_IOD`. `filled`: with the margin in which their colour shows. `ring`: around that,
    not in it.
    """

    kind: str
    part: tuple[slice, slice]
    filled: NDArray[np.bool_]
    ring: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class SkinView:
    """A picture at working size: logarithm of its colours, and the landmarks in it."""

    log: FloatArray
    xy: FloatArray
    iod: float
    scale: float

    @classmethod
    def of(cls, rgb: FloatArray, xy: FloatArray) -> SkinView:
        """Look at a picture (h, w, 3), 0..255, with landmarks (478, 2 or more) in its pixels."""
        xy = np.asarray(xy[:, :2], np.float32)
        iod = facemesh.iod_px(xy)
        scale = min(1.0, _WORK_IOD_PX / max(iod, 1.0))
        if scale < 1.0:
            size = (max(round(rgb.shape[1] * scale), 1), max(round(rgb.shape[0] * scale), 1))
            rgb = np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.float32)
        log = np.log(np.maximum(rgb, np.float32(0)) + np.float32(OFFSET))
        return cls(np.asarray(log, np.float32), (xy + 0.5) * scale - 0.5, iod * scale, scale)

    @property
    def size_wh(self) -> tuple[int, int]:
        """Width and height at working size."""
        return self.log.shape[1], self.log.shape[0]

    def enlarged(self, values: FloatArray, low: NDArray[np.int64], high: NDArray[np.int64]) -> FloatArray:
        """Return the part from `low` to `high` (x, y) in pixels of the full-size picture of values at working size."""
        size = (int(high[0] - low[0]), int(high[1] - low[1]))
        scale = np.float64(self.scale)
        matrix = np.array([[scale, 0, (low[0] + 0.5) * scale - 0.5], [0, scale, (low[1] + 0.5) * scale - 0.5]])
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        return np.asarray(cv2.warpAffine(values, matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE))

    def inside(self, points: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return which of the landmarks `points` lie in the picture."""
        xy = self.xy[points]
        return np.asarray(((xy >= 0) & (xy <= np.array(self.size_wh) - 1)).all(axis=1))

    def skin_colors(self) -> FloatArray:
        """Return the logarithm of the mean colour (n, 3) around the skin landmarks."""
        cell = max(round(0.03 * self.iod), 1)
        mean = cv2.blur(self.log, (cell, cell))
        at = self.xy[SKIN]
        colors = cv2.remap(mean, at[:, :1], at[:, 1:], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(colors[:, 0], np.float32)

    def expected(self, colors: FloatArray, weight: FloatArray) -> FloatArray:
        """Return the skin's colour (h, w, 3) as the skin landmarks with `weight` tell it."""
        if not weight.any():
            return self.log
        known = weight > 0
        return self._interpolated(self.xy[SKIN[known]], colors[known], weight[known], SMOOTH_IOD)

    def spread(self, values: FloatArray, radius_iod: float) -> FloatArray:
        """Return values (478,) of the landmarks between them, (h, w)."""
        return self._interpolated(self.xy, values[:, None], np.ones(478, np.float32), radius_iod)

    def _interpolated(self, xy: FloatArray, values: FloatArray, weight: FloatArray, radius_iod: float) -> FloatArray:
        step = _NODE_IOD * self.iod
        # A Gaussian in x and y is the product of the two, and so is the sum over all nodes: two thin matrices.
        across, down = (
            _gaussian(size, max(int(np.ceil(size / step)), 2), at, radius_iod * self.iod)
            for size, at in zip(self.size_wh, xy.T, strict=True)
        )
        across *= weight
        planes = np.concatenate([across[None], across * values.T[:, None]])  # of the weights, of weights times values
        sums = (down @ planes.reshape(-1, len(xy)).T).reshape(len(down), -1, len(across))
        floor = np.float32(1e-6)
        fallback = floor / weight.sum() * (weight @ values)
        nodes = ((sums[:, 1:] + fallback[:, None]) / (sums[:, :1] + floor)).transpose(0, 2, 1)
        return np.asarray(cv2.resize(np.ascontiguousarray(nodes), self.size_wh, interpolation=cv2.INTER_LINEAR))

    def deviation(self, expected: FloatArray) -> FloatArray:
        """Return how far every pixel (h, w) is from the skin's colour."""
        deviation = np.empty(self.log.shape[:2], np.float32)
        fill_distance(self.log, expected, _DEVIATION, deviation)
        return deviation

    def hands(self, hands: FloatArray | None) -> FloatArray | None:
        """Return (h, w): 1 on hands (n, 21, 2), given in full-size pixels, 0.5 around them; None if there are none."""
        if hands is None or not len(hands):
            return None
        filled = np.zeros(self.log.shape[:2], np.float32)
        for points in hands:
            low, high = points.min(axis=0) * self.scale, points.max(axis=0) * self.scale
            reach = _HAND_REACH * float((high - low).max())
            x0, y0 = np.maximum(low - reach, 0).astype(int)
            x1, y1 = np.maximum(high + reach, 0).astype(int)
            filled[y0:y1, x0:x1] = np.maximum(filled[y0:y1, x0:x1], 0.5)
        for points in hands:
            self._draw_hand(filled, points)
        return filled

    def at_skin(self, values: FloatArray) -> FloatArray:
        """Return values (h, w) at the skin landmarks (n,)."""
        at = np.round(self.xy[SKIN]).astype(int)
        x, y = (at[:, k].clip(0, self.size_wh[k] - 1) for k in range(2))
        return np.asarray(values[y, x], np.float32)

    def _draw_hand(self, filled: FloatArray, points: FloatArray) -> None:
        at = (points + 0.5) * self.scale - 0.5
        breadth = float(np.linalg.norm(at[5] - at[17])) + 0.3 * float(np.linalg.norm(at[0] - at[9]))
        whole = np.round(at).astype(np.int32)
        palm = cv2.convexHull(whole[[0, 1, 5, 9, 13, 17]])
        cv2.fillConvexPoly(filled, palm, 1.0)
        cv2.polylines(filled, [palm], True, 1.0, thickness=max(round(_FINGER * breadth), 1))
        for finger in _FINGERS:
            cv2.polylines(filled, [whole[list(finger)]], False, 1.0, thickness=max(round(_FINGER * breadth), 1))
        arm = np.round(at[0] + (at[0] - at[9])).astype(np.int32)
        cv2.line(filled, whole[0].tolist(), arm.tolist(), 1.0, thickness=max(round(_WRIST * breadth), 1))

    def outlines(self) -> list[Outline]:
        """Return the outlines of eyes, brows, lips and nostrils, in this order, and how wide a margin each has."""
        return [
            (
                np.asarray(cv2.convexHull(np.rint(self.xy[points]).astype(np.int32)), np.int32),
                _FEATURE_MARGIN_IOD[name] * self.iod,
            )
            for name, points in _FEATURES
        ]

    def plain(self, oval: ByteArray, outlines: list[Outline]) -> ByteArray:
        """Return where (h, w) uint8 skin is to be expected: the mesh `oval` without its features."""
        plain = oval.copy()
        for hull, margin in outlines:
            _draw(plain, hull, margin, 0)
        return plain

    def features(self, outlines: list[Outline], ring_px: float, *, near: ByteArray) -> Iterator[Feature]:
        """Yield those features, each with a ring of that width around it, where `near` (h, w) is not 0 everywhere."""
        for (kind, _), (hull, margin) in zip(_FEATURES, outlines, strict=True):
            part = self._part(hull, round(margin + ring_px) + 2)
            if not near[part].any():
                continue
            filled, wider = (np.zeros(near[part].shape, np.uint8) for _ in range(2))
            within = hull - np.array([part[1].start, part[0].start], np.int32)
            _draw(filled, within, margin, 1)
            _draw(wider, within, margin + ring_px, 1)
            yield Feature(kind, part, filled.view(np.bool_), wider.view(np.bool_) & ~filled.view(np.bool_))

    def _part(self, hull: NDArray[np.int32], reach: int) -> tuple[slice, slice]:
        """Return rows and columns of the rectangle around an outline, as far as it lies in the picture."""
        x, y, width, height = cv2.boundingRect(hull)
        starts, stops = (x - reach, y - reach), (x + width + reach, y + height + reach)
        columns, rows = (
            slice(min(max(start, 0), size), min(max(stop, 0), size))
            for start, stop, size in zip(starts, stops, self.size_wh, strict=True)
        )
        return rows, columns

    def from_outline(self) -> FloatArray:
        """Return how far inside the outline each landmark (478,) lies: 0 on it, 1 well within."""
        squared = squared_distances(self.xy, self.xy[_OVAL]).min(axis=1)
        return np.asarray(np.clip(np.sqrt(squared) / (_OUTLINE_IOD * self.iod), 0.0, 1.0), np.float32)

    def oval(self) -> ByteArray:
        """Return where (h, w) uint8 the mesh lies."""
        filled = np.zeros(self.log.shape[:2], np.uint8)
        cv2.fillPoly(filled, [np.rint(self.xy[_OVAL]).astype(np.int32)], 1)
        return filled


def _gaussian(size: int, count: int, at: FloatArray, width_px: float) -> FloatArray:
    """Return how near (count, n) nodes, spread evenly over `size` pixels, are to places `at` (n,) along them."""
    nodes = (np.arange(count, dtype=np.float32) + 0.5) * size / count - 0.5
    return gaussian(np.square(nodes[:, None] - at), width_px)


def _draw(picture: ByteArray, hull: NDArray[np.int32], margin_px: float, value: int) -> None:
    """Fill an outline with a margin around it."""
    cv2.fillConvexPoly(picture, hull, value)
    cv2.polylines(picture, [hull], True, value, thickness=max(2 * round(margin_px) + 1, 1))
