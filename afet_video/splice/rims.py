"""Rims of glasses in one frame after the other: a rigid layer before the face, which moves with the head alone.

in: a frame with the face's rest, what covers the face -> out: the same cover with the rims in it.  Must not: look for
glasses, remember a frame.

The rims of the neutral are carried to the frame with the head, as the flat thing before the face that they are, with
temples that lead back; then they are moved to where they match it best, as one rigid thing with a little room for
perspective. Under them the skin is filled up from both sides, so that they neither bend with it nor leave a trace where
it has moved.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from afet_video import facemesh
from afet_video.datatypes import FloatArray
from afet_video.splice.cover import Cover
from afet_video.splice.glasses import RimCourse, find_glasses
from afet_video.splice.lens_shape import WORK_IOD_PX, normals
from afet_video.splice.skin import OFFSET

_STABLE = np.array([33, 133, 263, 362, 168, 6, 197, 195, 5, 4, 127, 234, 93, 356, 454, 323, 21, 251, 98, 327], np.int64)
"""Landmarks that the head carries and hardly any muscle moves: corners of the eyes, nose, outline."""

_SADDLE = 6
"""Landmark of the nose on which glasses rest: as near to the camera as they are."""

_REACH, _TEMPLATE = (8, 4, 2), 5
"""How far across itself a rim is looked for, turn by turn, and the half-width of what is compared; in steps of 1/160 of
the inter-ocular distance."""

_PRIOR = 1.0 / np.square([0.03, 0.02, 0.02])
"""Of the shift and the two linear parts of each coordinate, in inter-ocular distances: one over their variances."""

_FOUND = (0.22, 0.3)
"""Likeness to the neutral's rims below which none are seen, and from which they are there in full. Bare faces have 0.21
at most; shining metal in another light, blurred by a turn of the head, has 0.31 and more."""

_SIDES = 7
"""Steps from a rim at which there is skin, in the neutral."""

_CORE = 0.3
_HALF_WIDTH = (1.2, 5.0)
_BITS = 4


@dataclass(frozen=True, slots=True, eq=False)
class _Placed:
    """Rims in one picture: places and normals (n, 2), `seen` 0..1 how surely they are there."""

    xy: FloatArray
    normal: FloatArray
    iod: float
    seen: float


@dataclass(frozen=True, slots=True, eq=False)
class Rims:
    """The rims of one person's glasses, as they are in a neutral.

    `xy`, `normal` (n, 2): their courses one after the other. `parts`: range and closedness of each. `half_width` (n,)
    in inter-ocular distances. `profile` (n, k): the picture across them. `depth` (n,), and `stable` (m, 3): landmarks
    that carry them.
    """

    xy: FloatArray
    depth: FloatArray
    normal: FloatArray
    parts: tuple[tuple[slice, bool], ...]
    half_width: FloatArray
    profile: FloatArray
    stable: FloatArray

    @classmethod
    def of(cls, rgb: FloatArray, xyz: FloatArray) -> Rims | None:
        """Return the rims in a neutral's picture (h, w, 3) with landmarks (478, 3), or None without glasses."""
        courses = find_glasses(rgb, xyz)
        if not courses:
            return None
        ends = np.cumsum([0, *(len(course.xy) for course in courses)]).tolist()
        parts = tuple(
            (slice(start, stop), course.is_ring)
            for course, start, stop in zip(courses, ends[:-1], ends[1:], strict=True)
        )
        places = np.concatenate([course.xy for course in courses])
        normal = np.concatenate([normals(course.xy, ring=course.is_ring) for course in courses])
        depth = np.concatenate([_depth(course, xyz) for course in courses])
        placed = _Placed(places, normal, facemesh.iod_px(xyz), 1.0)
        widths = _half_widths(_across(rgb, placed, _SIDES), parts)
        contrast = _contrast(_across(rgb, placed, _TEMPLATE))
        return cls(places, depth, normal, parts, widths, contrast, np.asarray(xyz[_STABLE], np.float32))

    def over(self, cover: Cover, current: FloatArray, rest_xy: FloatArray) -> Cover:
        """Return `cover` with the rims on top.

        Parameters
        ----------
        cover : what else covers the face.
        current : (h, w, 3) the rectangle of the frame.
        rest_xy : (478, 2) the face at rest in this frame, pixels of that rectangle.
        """
        placed = self._placed(current, rest_xy)
        if placed.seen <= 0:
            return cover
        drawn = self._drawn(placed, current.shape[:2])
        if drawn is None:
            return cover
        part, opacity, wide = drawn
        clean = cover.clean.copy()
        clean[part] = _filled(clean[part], wide, 0.5 * float(self.half_width.max()) * placed.iod + 1.0)
        mask = np.ones(current.shape[:2], np.float32) if cover.mask is None else cover.mask.copy()
        mask[part] *= 1.0 - np.float32(placed.seen) * opacity
        if cover.mask is not None:
            part = _around(part, cover.part)
        return Cover(mask, clean, part)

    def _placed(self, picture: FloatArray, rest_xy: FloatArray) -> _Placed:
        """Return the rims in a picture whose face at rest has these landmarks (478, 2)."""
        iod = facemesh.iod_px(rest_xy)
        xy = _moved(np.column_stack([self.xy, self.depth]), _affine(self.stable, rest_xy[_STABLE]))
        middle = xy.mean(axis=0)
        weight = np.minimum(self.profile.std(axis=1), 0.3)
        placed = _Placed(xy, self._normals(xy), iod, 0.0)
        likeness = np.zeros(len(xy), np.float32)
        for reach in _REACH:
            shift, likeness = self._matched(picture, placed, reach)
            change = _rigid(placed, shift, weight * likeness, middle)
            xy = placed.xy + change
            placed = _Placed(xy, self._normals(xy), iod, 0.0)
        seen = float(np.average(likeness, weights=weight + 1e-6))
        return _Placed(
            placed.xy, placed.normal, iod, float(np.clip((seen - _FOUND[0]) / (_FOUND[1] - _FOUND[0]), 0, 1))
        )

    def _normals(self, xy: FloatArray) -> FloatArray:
        return np.concatenate([normals(xy[part], ring=ring) for part, ring in self.parts])

    def _matched(self, picture: FloatArray, placed: _Placed, reach: int) -> tuple[FloatArray, FloatArray]:
        """Return how many pixels across itself each place matches best (n,), and how well it does there (n,), 0..1."""
        seen = _across(picture, placed, _TEMPLATE + reach)
        windows = np.lib.stride_tricks.sliding_window_view(seen, 2 * _TEMPLATE + 1, axis=1)
        off = _contrast(windows) - self.profile[:, None]
        cost = np.square(off).mean(axis=2)
        best = cost.argmin(axis=1)
        rows = np.arange(len(cost))
        inner = np.clip(best, 1, cost.shape[1] - 2)
        low, middle, high = (cost[rows, inner + step] for step in (-1, 0, 1))
        curve = np.maximum(low + high - 2 * middle, 1e-9)
        fine = np.where(best == inner, np.clip((low - high) / (2 * curve), -0.5, 0.5), 0.0)
        own = np.square(self.profile).mean(axis=1) + 1e-6
        likeness = np.clip(1.0 - cost[rows, best] / own, 0.0, 1.0)
        return ((best + fine - reach) * placed.iod / WORK_IOD_PX).astype(np.float32), likeness.astype(np.float32)

    def _drawn(
        self, placed: _Placed, shape: tuple[int, ...]
    ) -> tuple[tuple[slice, slice], FloatArray, FloatArray] | None:
        """Return rows and columns around the rims, and there: how opaque they are, and where skin is filled in."""
        grow = max(round(0.008 * placed.iod), 1)
        reach = _HALF_WIDTH[1] * placed.iod / WORK_IOD_PX + grow + 4
        low = np.maximum(np.floor(placed.xy.min(axis=0) - reach), 0).astype(int)
        high = np.minimum(np.ceil(placed.xy.max(axis=0) + reach), shape[1::-1]).astype(int)
        if (high - low < 2).any():
            return None
        mask = np.zeros((high[1] - low[1], high[0] - low[0]), np.uint8)
        half = (self.half_width * placed.iod)[:, None] * placed.normal
        for part, ring in self.parts:
            sides = placed.xy[part] - low + half[part], placed.xy[part] - low - half[part]
            lines = sides if ring else (np.concatenate([sides[0], sides[1][::-1]]),)
            whole = [np.rint(line * (1 << _BITS)).astype(np.int32) for line in lines]
            drawn = np.zeros_like(mask)
            cv2.fillPoly(drawn, whole, 255, cv2.LINE_AA, _BITS)
            np.maximum(mask, drawn, out=mask)
        opacity = np.asarray(np.float32(1 / 255) * cv2.GaussianBlur(mask, (0, 0), 0.6), np.float32)
        wide = cv2.dilate(mask, np.ones((2 * grow + 1, 2 * grow + 1), np.uint8))
        spread = np.asarray(np.float32(1 / 255) * cv2.GaussianBlur(wide, (0, 0), 0.8), np.float32)
        rows, columns = slice(int(low[1]), int(high[1])), slice(int(low[0]), int(high[0]))
        return (rows, columns), opacity, spread


def without_rims(rims: Rims | None, clean: FloatArray, picture: FloatArray, xy: FloatArray) -> FloatArray:
    """Return `clean`, made from a neutral's picture with landmarks (478, 2), with skin where its rims are."""
    if rims is None:
        return clean
    return rims.over(Cover(None, clean), picture, xy).clean


def _filled(picture: FloatArray, wide: FloatArray, width: float) -> FloatArray:
    """Return the picture with what lies around filled into where `wide` (h, w) is 1."""
    known = 1.0 - wide
    around = cv2.GaussianBlur(picture * known[..., None], (0, 0), width)
    weight = cv2.GaussianBlur(known, (0, 0), width) + np.float32(1e-3)
    return np.asarray(picture + wide[..., None] * (around / weight[..., None] - picture), np.float32)


def _around(one: tuple[slice, slice], other: tuple[slice, slice]) -> tuple[slice, slice]:
    rows, columns = (slice(min(a.start, b.start), max(a.stop, b.stop)) for a, b in zip(one, other, strict=True))
    return rows, columns


def _across(picture: FloatArray, placed: _Placed, reach: int) -> FloatArray:
    """Return the logarithm of the brightness (n, 2 * reach + 1) across the rims."""
    steps = np.arange(-reach, reach + 1, dtype=np.float32) * np.float32(placed.iod / WORK_IOD_PX)
    places = placed.xy[:, None] + steps[None, :, None] * placed.normal[:, None]
    colors = cv2.remap(picture, places[..., 0], places[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(np.log(colors.mean(axis=2) + np.float32(OFFSET)), np.float32)


def _contrast(across: FloatArray) -> FloatArray:
    """Return what of profiles (..., k) is a line, and not that one side is darker than the other."""
    steps = np.linspace(-1, 1, across.shape[-1], dtype=np.float32)
    slope = across @ steps / (steps @ steps)
    return np.asarray(across - across.mean(axis=-1, keepdims=True) - slope[..., None] * steps, np.float32)


def _half_widths(across: FloatArray, parts: tuple[tuple[slice, bool], ...]) -> FloatArray:
    """Return the half-width (n,) of rims in inter-ocular distances: as far as they differ from the skin beside them."""
    count = across.shape[1]
    share = np.linspace(0, 1, count, dtype=np.float32)
    skin = across[:, :2].mean(axis=1)[:, None] * (1 - share) + across[:, -2:].mean(axis=1)[:, None] * share
    off = np.abs(across - skin)[:, 2:-2]
    limit = np.maximum(_CORE * off.max(axis=1, keepdims=True), 0.03)
    reach = np.abs(np.arange(off.shape[1]) - off.shape[1] // 2)
    widths = np.where(off > limit, reach, 0).max(axis=1).astype(np.float32) + 0.5
    smooth = np.empty_like(widths)
    for part, ring in parts:
        held = np.concatenate([widths[part][-6:], widths[part], widths[part][:6]] if ring else [widths[part]])
        padded = np.pad(held, 4, mode="edge")
        middle = np.median(np.lib.stride_tricks.sliding_window_view(padded, 9), axis=1)
        smooth[part] = middle[6:-6] if ring else middle
    return np.asarray(np.clip(smooth, *_HALF_WIDTH) / WORK_IOD_PX, np.float32)


def _depth(course: RimCourse, xyz: FloatArray) -> FloatArray:
    """Return the depth (n,) of a course in the neutral with landmarks (478, 3).

    Lenses and bridge lie in a plane before the face that goes through the nose; a temple leads back from there to the
    face's outline.
    """
    slope = _affine(xyz[_STABLE, :2], xyz[_STABLE, 2:])
    plane = _moved(course.xy, slope)[:, 0] + xyz[_SADDLE, 2] - _moved(xyz[[_SADDLE], :2], slope)[0, 0]
    if course.cheek is None:
        return np.asarray(plane, np.float32)
    share = np.linspace(0, 1, len(plane), dtype=np.float32)
    return np.asarray(plane + share * (xyz[course.cheek, 2] - plane[-1]), np.float32)


def _affine(one: FloatArray, other: FloatArray) -> NDArray[np.float64]:
    """Return the linear map (k + 1, m) of homogeneous points (n, k) on others (n, m), by least squares."""
    known = np.column_stack([one, np.ones(len(one))])
    return np.asarray(np.linalg.lstsq(known, other, rcond=None)[0], np.float64)


def _moved(points: FloatArray, by: NDArray[np.float64]) -> FloatArray:
    return np.asarray(points @ by[:-1] + by[-1], np.float32)


def _rigid(placed: _Placed, shift: FloatArray, weight: FloatArray, middle: FloatArray) -> FloatArray:
    """Return the displacement (n, 2) of a nearly rigid body that moves its places across themselves by `shift` (n,)."""
    place = (placed.xy - middle) / placed.iod
    terms = np.column_stack([np.ones(len(place)), place])
    rows = np.concatenate([placed.normal[:, :1] * terms, placed.normal[:, 1:] * terms], axis=1).astype(np.float64)
    precision = np.diag(np.tile(_PRIOR, 2)) / placed.iod**2
    weighted = rows * weight[:, None]
    solution = np.linalg.solve(weighted.T @ rows + precision, weighted.T @ shift)
    return np.asarray(terms @ solution.reshape(2, 3).T, np.float32)
