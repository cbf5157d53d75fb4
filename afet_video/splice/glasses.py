"""Glasses: where their rims run in a picture of a face.

in: a picture of a face at rest, its landmarks -> out: the course of the rims, or None.  Must not: change a pixel.

A bridge over the nose is looked for first: skin there is smooth, and it costs next to nothing. Only if there is one,
the two lenses are fitted as superellipses, mirror images of each other at first, to the thin lines around the eyes;
then each course follows its line from place to place. The outline of a lens is convex; a lid or a fold that leads the
course astray leads it inwards, and the convex hull takes that back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from afet_video import facemesh
from afet_video.datatypes import FloatArray
from afet_video.splice.lens_shape import FIT_ENOUGH, WORK_IOD_PX, Eyes, fitted_lenses, normals
from afet_video.splice.lines import best_course, line_strength
from afet_video.splice.skin import OFFSET

_MARGIN_IOD = 0.2
_GRAY = np.array([[0.30, 0.59, 0.11]], np.float32)

_BRIDGE_COLUMNS, _BRIDGE_ROWS_IOD = 10, (-0.16, 0.22)
_BRIDGE_STRENGTH = 0.04
"""Mean strength of a bridge of glasses. Bare skin has less than 0.02, a thin metal bridge 0.12 and more."""

_LENS_STRENGTH, _LENS_SHARE = 0.03, 0.75
"""Strength of the line that a rim is, and the share of each lens that must have one. A bare eye's surroundings have it
on 0.65 at most, rims on 0.87 and more."""

_LENS_WIDTH = 1.5
"""Width of a lens at the least, in those of the eye behind it. The outline of a dark, deep-set eye is as strong a line
as a rim all the way around, and 0.8 to 1.4 times as wide as the eye; glasses were 1.6 to 2.1 times as wide."""

_CHEEKS = (454, 234)
"""Landmarks of the outline at the height of the eyes, left and right."""

_TEMPLE_PX, _LEAST_TEMPLE_PX, _TEMPLE_STRENGTH = 12, 4.0, 0.06
_ENOUGH = 0.2
_STARTS = 2
_PLACES = 160
_RULES = ((6, 0.05, _ENOUGH), (4, 0.04, _ENOUGH))
_LAST_RULE = (5, 0.06, 1.0)
"""How far a course is moved at most, what its bends cost, and the strength above which no more is gained; at last the
middle of a thick rim is wanted, not its edge."""

_LEAN = 0.004
_EDGE = 4
"""Columns on both sides of the searched ones that the lines' strength is measured with."""


@dataclass(frozen=True, slots=True, eq=False)
class RimCourse:
    """A course along a rim: `xy` (n, 2) in pixels, `is_ring` whether it is closed."""

    xy: FloatArray
    is_ring: bool


@dataclass(frozen=True, slots=True, eq=False)
class _View:
    """The picture at working size, landmarks `xy` in it, and how to get back: `scale`, `origin`."""

    eyes: Eyes
    xy: FloatArray
    scale: float
    origin: FloatArray

    @classmethod
    def of(cls, rgb: FloatArray, xy: FloatArray) -> _View:
        across = xy[facemesh.LEFT_EYE_OUTER] - xy[facemesh.RIGHT_EYE_OUTER]
        iod = float(np.linalg.norm(across))
        scale = WORK_IOD_PX / iod
        margin = _MARGIN_IOD * iod
        x0, y0 = np.maximum(xy.min(axis=0) - margin, 0).astype(int)
        x1, y1 = np.minimum(xy.max(axis=0) + margin, rgb.shape[1::-1]).astype(int)
        how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        gray = cv2.transform(rgb[y0 : max(y1, y0 + 1), x0 : max(x1, x0 + 1)], _GRAY)
        small = cv2.resize(gray, None, fx=scale, fy=scale, interpolation=how)
        here = (xy - (x0, y0) + 0.5) * scale - 0.5
        along = across / iod
        axes = np.array([along, (-along[1], along[0])], np.float32)
        corners = [facemesh.LEFT_EYE[0], facemesh.LEFT_EYE[8], facemesh.RIGHT_EYE[0], facemesh.RIGHT_EYE[8]]
        eyes = Eyes(np.log(small + np.float32(OFFSET)), here[corners].mean(axis=0).astype(np.float32), axes)
        return cls(eyes, here.astype(np.float32), scale, np.array([x0, y0]))

    def unrolled(self, places: FloatArray) -> FloatArray:
        """Return the brightness at places (n, k, 2)."""
        return np.asarray(
            cv2.remap(self.eyes.log, places[..., 0], places[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        )

    def in_picture(self, xy: FloatArray) -> FloatArray:
        """Return places of the working picture in pixels of the picture it was made from."""
        return np.asarray((xy + 0.5) / self.scale - 0.5 + self.origin, np.float32)


def find_glasses(rgb: FloatArray, xy: FloatArray) -> tuple[RimCourse, ...]:
    """Return the courses of the rims: both lenses (the subject's left first), the bridge, and those ends of the temples
    that are seen; nothing without glasses.

    Parameters
    ----------
    rgb : (h, w, 3) float32 picture of a face, 0..255.
    xy : (478, 2) its landmarks, pixels of `rgb`.
    """
    view = _View.of(rgb, np.asarray(xy[:, :2], np.float32))
    bridge, strength = _bridge(view)
    if strength < _BRIDGE_STRENGTH:
        return ()
    lenses = _lenses(view)
    if lenses is None:
        return ()
    temples = [_temple(view, lens, cheek) for lens, cheek in zip(lenses, _CHEEKS, strict=True)]
    open_ends = [_between(bridge, lenses), *(temple for temple in temples if temple is not None)]
    courses = [RimCourse(view.in_picture(lens), True) for lens in lenses]
    return (*courses, *(RimCourse(view.in_picture(line), False) for line in open_ends))


def _bridge(view: _View) -> tuple[FloatArray, float]:
    """Return the course (n, 2) of the strongest line across the nose between the eyes, and its mean strength."""
    middle = (view.xy[facemesh.LEFT_EYE[8]] + view.xy[facemesh.RIGHT_EYE[8]]) / 2
    columns = np.arange(-_BRIDGE_COLUMNS, _BRIDGE_COLUMNS + 1, dtype=np.float32)
    rows = np.arange(_BRIDGE_ROWS_IOD[0] * WORK_IOD_PX, _BRIDGE_ROWS_IOD[1] * WORK_IOD_PX, dtype=np.float32)
    places = middle + columns[:, None, None] * view.eyes.axes[0] + rows[None, :, None] * view.eyes.axes[1]
    strength = line_strength(view.unrolled(places))
    course = best_course(strength, bend=0.0, lean=_LEAN, enough=1.0, ring=False)
    everywhere = np.arange(len(columns))
    return places[everywhere, course], float(np.minimum(strength[everywhere, course], _ENOUGH).mean())


def _between(bridge: FloatArray, lenses: Sequence[FloatArray]) -> FloatArray:
    """Return the bridge, drawn out to the nearest place of each lens (left, right)."""
    left, right = (
        lens[np.linalg.norm(lens - end, axis=1).argmin()] for lens, end in zip(lenses, bridge[[-1, 0]], strict=True)
    )
    return np.concatenate([right[None], bridge, left[None]]).astype(np.float32)


def _temple(view: _View, lens: FloatArray, cheek: int) -> FloatArray | None:
    """Return the course (n, 2) from the upper outer end of a lens to the face's outline, None if nothing is seen."""
    apart = (lens - view.eyes.middle) @ view.eyes.axes.T
    outwards = float(np.sign(apart[:, 0].mean()))
    down = apart[:, 1]
    upper = apart[down < down.min() + 0.5 * np.ptp(down)]
    corner = upper[(outwards * upper[:, 0]).argmax()]
    length = outwards * float((view.xy[cheek] - view.eyes.middle) @ view.eyes.axes[0] - corner[0])
    if length < _LEAST_TEMPLE_PX:
        return None
    columns = corner[0] + outwards * np.arange(0, length, dtype=np.float32)
    rows = corner[1] + np.arange(-_TEMPLE_PX, _TEMPLE_PX + 1, dtype=np.float32)
    places = view.eyes.at(columns[:, None], rows)
    strength = line_strength(view.unrolled(places))
    course = best_course(strength, bend=0.0, lean=_LEAN, enough=_ENOUGH, ring=False)
    everywhere = np.arange(len(columns))
    if np.minimum(strength[everywhere, course], _ENOUGH).mean() < _TEMPLE_STRENGTH:
        return None
    return np.asarray(places[everywhere, course], np.float32)


def _lenses(view: _View) -> list[FloatArray] | None:
    """Return the courses of both lenses (n, 2), left first, or None if there are none."""
    found: list[list[tuple[float, float, FloatArray]]] = [[], []]
    for start in range(_STARTS):
        for side, lens in enumerate(fitted_lenses(view.eyes, np.random.default_rng(start))):
            found[side].append(_followed(view, lens))
    best = [max(courses, key=lambda course: course[0]) for courses in found]
    # Where one is harder to see than the other, it is looked for where the other one's mirror image lies.
    images = [_followed(view, _mirrored(view, course)) for _, _, course in best[::-1]]
    best = [max(both, key=lambda course: course[0]) for both in zip(best, images, strict=True)]
    if any(share < _LENS_SHARE for _, share, _ in best):
        return None
    lenses = [course for _, _, course in best]
    widths = [
        np.ptp(lens @ view.eyes.axes[0]) / np.ptp(view.xy[list(eye)] @ view.eyes.axes[0])
        for lens, eye in zip(lenses, (facemesh.LEFT_EYE, facemesh.RIGHT_EYE), strict=True)
    ]
    return None if min(widths) < _LENS_WIDTH else lenses


def _mirrored(view: _View, course: FloatArray) -> FloatArray:
    """Return the mirror image of a course on the other half of the face."""
    apart = np.asarray((course - view.eyes.middle) @ view.eyes.axes.T, np.float32)
    return view.eyes.at(-apart[:, 0], apart[:, 1])


def _followed(view: _View, outline: FloatArray) -> tuple[float, float, FloatArray]:
    """Return the course near an outline that follows a line: its mean strength, the share that has one, its places."""
    course = _even(outline)
    for rule in _RULES:
        course = _even(_smooth(_shifted(view, course, *rule)[0]))
    course = _convex(_even(_smooth(_shifted(view, _convex(course), *_LAST_RULE)[0])))
    strength = _shifted(view, course, 1, *_LAST_RULE[1:])[1]
    return float(np.minimum(strength, FIT_ENOUGH[1]).mean()), float((strength > _LENS_STRENGTH).mean()), course


def _shifted(view: _View, course: FloatArray, reach: int, bend: float, enough: float) -> tuple[FloatArray, FloatArray]:
    """Return a closed course (n, 2), moved across itself to the best line within reach, and its strength (n,)."""
    normal = normals(course, ring=True)
    offsets = np.arange(-reach - _EDGE, reach + _EDGE + 1, dtype=np.float32)
    unrolled = view.unrolled(course[:, None] + offsets[None, :, None] * normal[:, None])
    wrapped = np.concatenate([unrolled[-8:], unrolled, unrolled[:8]])
    strength = np.ascontiguousarray(line_strength(wrapped, along=1.5)[8:-8, _EDGE:-_EDGE])
    columns = best_course(strength, bend=bend, lean=_LEAN, enough=enough, ring=True)
    return course + (columns - reach)[:, None].astype(np.float32) * normal, strength[np.arange(len(course)), columns]


def _even(course: FloatArray) -> FloatArray:
    """Return places evenly spaced along a closed course."""
    closed = np.concatenate([course, course[:1]])
    at = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(closed, axis=0), axis=1))])
    where = np.arange(_PLACES) * at[-1] / _PLACES
    return np.stack([np.interp(where, at, closed[:, k]) for k in range(2)], axis=1).astype(np.float32)


def _smooth(course: FloatArray) -> FloatArray:
    padded = np.concatenate([course[-8:], course, course[:8]])
    return np.asarray(cv2.GaussianBlur(padded, (1, 0), sigmaX=0.1, sigmaY=1.5)[8:-8], np.float32)


def _convex(course: FloatArray) -> FloatArray:
    return _smooth(_even(np.asarray(cv2.convexHull(course)[:, 0], np.float32)))
