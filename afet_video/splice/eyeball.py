"""The eyeball by itself, so that lids can be moved over it: it neither stretches nor shuts with them.

in: an eye that is open, with its lids and iris -> out: an eyeball that can be turned, and seen between other lids.
Must not: decide where lids and gaze are, paint.

A mesh that carries lids apart carries what lies between them too, and makes an egg of the iris. So the eyeball is put
back between the lids of the result (`eyeball_paint`): what the frame shows of it stays where it is, and what its lids
hid is filled in. The white comes from the white beside the iris, a hidden part of the iris from what is seen of it at
the same radius (`iris`).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from afet_video.datatypes import FloatArray
from afet_video.splice.blur import blur_px
from afet_video.splice.iris import whole_iris
from afet_video.splice.limbus import RADII, find_limbus, radius_of
from afet_video.splice.opening import filled, within_lids
from afet_video.vectors import smoothsteps

_CLEAR_OF_IRIS = 1.2
"""Radius from which a pixel is surely white."""
_WHITEST, _WHITE = 0.9, (0.8, 1.1)
"""What is nearly whitest beside the iris, a share of it, and how much darker and brighter its white may be: corners and
what lids shade are darker, and what is brighter glitters."""
_LEAST_RED = (0.25, 0.06)
"""Share of it that is surely not red, and how much redder the white may be: corners and edges of lids are."""
_COLDEST = (1.0, 1.07)
"""Times its red how green, and times its green how blue the white may be: screens shine into eyes, but not under lids.
"""
_WIDER, _TALLER = 0.35, 1.1
"""How far beyond the kept lids there is an eyeball: shares of the eye's width, and of the iris' diameter."""
_DIMMEST = 0.82
"""Of the white's colour beside the iris, what is left of it in the corners, where the ball turns away."""
_COLOR_LIMITS = (0.9, 1.1)
"""How far, besides, one side of it is darker than the other: it is a guess where none was seen."""
_LEAST_SEEN = 6
_CORE, _NO_IRIS = 0.65, 0.55
"""Radius up to which what is bright may be a reflection; beyond it, what is brighter than this share of the way to the
white is no iris: a lid's edge."""
_MID, _REDDER = 0.4, 0.12
"""Radius from which a pixel that is redder than the iris by this share of its brightness is the edge of a lid."""
_SPREAD = 0.9
"""Radius up to which a pixel is surely iris."""
_BEFORE_EDGE = 0.15
"""Radii before its edge from which what is seen of an iris gives way to its usual colour: white shines into it."""


@dataclass(frozen=True, slots=True, eq=False)
class Eyeball:
    """An eyeball without lids, on a picture (h, w) whose first pixel is at `origin` of a larger one.

    `white`, `iris` (h, w, 4): colour, and how much of it was really seen. `modelled`, `plain` (h, w, 4): the white
    where nothing was seen of it, and the iris without its reflections. `disc` (h, w): where the iris is. `canthi`
    (2, 2): outer and inner corner of the eye, `middle` (2,) and `radius`: the iris; pixels of the larger picture.
    `iris_seen` in 0..1: how much of it was not hidden. `sure` in 0..1: how clearly its edge was seen. `blur`: that of
    the picture around the eye, pixels, see `blur_px`.
    """

    white: FloatArray
    modelled: FloatArray
    iris: FloatArray
    plain: FloatArray
    disc: FloatArray
    origin: FloatArray
    canthi: FloatArray
    middle: FloatArray
    radius: float
    iris_seen: float
    sure: float
    blur: float

    def turned(
        self,
        to_frame: NDArray[np.float64],
        middle: FloatArray,
        radius: float,
        size_wh: tuple[int, int],
        turn: float,
        own: float,
    ) -> tuple[FloatArray, FloatArray]:
        """Return the eyeball (h, w, 4) as `to_frame` (2, 3) lays it on a picture, and where (h, w) its iris is.

        Parameters
        ----------
        to_frame : similarity from the larger picture.
        middle, radius : circle (2,) that the iris is moved to.
        size_wh : of the result.
        turn : 0..1, how far what was seen of the eyeball is out of place.
        own : 0..1, how much the frame shows of its own iris, with the reflections that are in it now.
        """
        flags, border = cv2.INTER_LINEAR, cv2.BORDER_REPLICATE
        at = to_frame.copy()
        at[:, 2] += to_frame[:, :2] @ self.origin
        # What was seen beside the iris lies elsewhere now: with the lids' shadow and the iris' glow it would stand out.
        white, iris = _between(self.white, self.modelled, turn), _between(self.iris, self.plain, own)
        seen = cv2.warpAffine(white, at, size_wh, flags=flags, borderMode=border)
        at[:, :2] *= radius / max(self.radius * float(np.hypot(*to_frame[0, :2])), 1e-6)
        at[:, 2] = middle - at[:, :2] @ (self.middle - self.origin)
        disc = np.asarray(cv2.warpAffine(self.disc, at, size_wh), np.float32)
        within = cv2.warpAffine(iris, at, size_wh, flags=flags, borderMode=border)
        return np.asarray(seen + disc[..., None] * (within - seen), np.float32), disc


def _between(first: FloatArray, second: FloatArray, share: float) -> FloatArray:
    """Return what lies between two pictures."""
    if share <= 0 or share >= 1:
        return second if share >= 1 else first
    return np.asarray(cv2.addWeighted(first, 1 - share, second, share, 0), np.float32)


def eyeball(rgb: FloatArray, ring: FloatArray, iris: FloatArray, radii: NDArray[np.float32] = RADII) -> Eyeball | None:
    """Return the eyeball of an open eye, or None if there is too little to see of it.

    Parameters
    ----------
    rgb : (h, w, 3) float32 picture.
    ring : (16, 2) lid margin, in the order of `facemesh.LEFT_EYE`, pixels of the picture.
    iris : (5, 2) centre and four points of the rim, as detected.
    radii : shares of the detected radius that the iris may have.
    """
    radius = radius_of(iris)
    width = float(np.linalg.norm(ring[0] - ring[8]))
    low = np.floor(ring.min(axis=0) - (_WIDER * width, 2 * _TALLER * radius))
    high = np.ceil(ring.max(axis=0) + np.array([_WIDER * width, 2 * _TALLER * radius])) + 1
    low, high = np.maximum(low, 0).astype(int), np.minimum(high, (rgb.shape[1], rgb.shape[0])).astype(int)
    part = rgb[low[1] : high[1], low[0] : high[0]]
    if radius < 2.0 or width < 6.0 or min(part.shape[:2]) < 4:
        return None
    ring = ring - low
    opening, inner = filled(ring, part.shape[:2]), within_lids(ring, part.shape[:2])
    limbus = find_limbus(part, inner, iris - low, radii)
    middle, radius = limbus.middle, limbus.radius
    rows, columns = np.mgrid[: part.shape[0], : part.shape[1]].astype(np.float32)
    away = np.hypot(columns - middle[0], rows - middle[1]) / np.float32(radius)
    white = (inner > 0.5) & (away > _CLEAR_OF_IRIS)
    if white.sum() < _LEAST_SEEN or ((opening > 0.5) & (away < 1)).sum() < _LEAST_SEEN:
        return None
    seen = inner * np.clip((away - _CLEAR_OF_IRIS) / 0.2 + 1, 0, 1)
    modelled = _white_model(part, white, (columns - middle[0]) / width)
    whole = np.dstack([modelled + seen[..., None] * (part - modelled), seen])
    luma = part.mean(axis=2)
    core = luma[(inner > 0.5) & (away < _CORE)]
    if len(core) < _LEAST_SEEN:
        return None
    dark, bright = float(np.median(core)), float(modelled.mean(axis=2)[white].mean())
    redness = (part[..., 0] - part[..., 1]) / np.maximum(luma, 8.0)
    is_lid = (away > _MID) & (redness > np.median(redness[(inner > 0.5) & (away < _CORE)]) + _REDDER)
    is_iris = ((luma < dark + _NO_IRIS * (bright - dark)) | (away < _CORE) | (away > _SPREAD)) & ~is_lid
    shown = np.where(is_iris, inner, np.float32(0.0))
    made = whole_iris(part, shown, modelled, middle, radius)
    if made is None:
        return None
    rings, edge = made
    shown = shown * (1.0 - smoothsteps(away, edge[0] - _BEFORE_EDGE, edge[0]))  # the edge itself is made by the disc
    return Eyeball(
        np.asarray(whole, np.float32),
        np.dstack([modelled, np.zeros_like(seen)]),
        np.asarray(np.dstack([rings + shown[..., None] * (part - rings), shown]), np.float32),
        np.dstack([rings, np.zeros_like(seen)]),
        1.0 - smoothsteps(away, *edge),
        low.astype(np.float32),
        (ring[[0, 8]] + low).astype(np.float32),
        (middle + low).astype(np.float32),
        radius,
        float((shown * (away < 1)).sum() / max((away < 1).sum(), 1)),
        limbus.sure,
        blur_px(luma),
    )


def whitest(part: FloatArray, beside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which pixels (h, w) beside the iris show the white itself: neither lids, corners, shadow nor glitter."""
    colors = part[beside]
    red, green, blue = colors.T
    whiteness = np.minimum(np.minimum(red, green), blue)
    redness = (red - green) / np.maximum(whiteness, 8.0)
    white = redness <= _nth(redness, _LEAST_RED[0]) + _LEAST_RED[1]
    best = _nth(whiteness[white], _WHITEST)
    result = beside.copy()
    result[beside] = white & (whiteness >= _WHITE[0] * best) & (whiteness <= _WHITE[1] * best)
    return result


def _nth(values: FloatArray, share: float) -> float:
    """Return the value below which a share of the others lies; NaN of none."""
    return float(np.sort(values)[int(share * (len(values) - 1))]) if len(values) else np.nan


def _white_model(part: FloatArray, white: NDArray[np.bool_], across: FloatArray) -> FloatArray:
    """Return the white's colour (h, w, 3): it changes evenly from one corner of the eye to the other."""
    white = whitest(part, white)
    colors = np.maximum(part[white], 1.0)
    typical = colors.mean(axis=0)
    typical[1] = min(typical[1], _COLDEST[0] * typical[0])
    typical[2] = min(typical[2], _COLDEST[1] * typical[1])
    design = np.stack([np.ones(len(colors)), across[white]], axis=1)
    ridge = np.diag([0.0, 0.1 * len(colors)])
    level = colors.mean(axis=1, keepdims=True)
    fit = np.linalg.solve(design.T @ design + ridge, design.T @ np.log(level / level.mean()))
    factor = np.exp(fit[0] + across[..., None] * fit[1]).clip(*_COLOR_LIMITS)
    bulge = np.maximum(1.0 - 4 * (1.0 - _DIMMEST) * across * across, 0.7)[..., None]
    return np.asarray(np.minimum(typical * factor * bulge, 255.0), np.float32)
