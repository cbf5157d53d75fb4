"""The eyeball by itself, so that lids can be moved over it: it neither stretches nor shuts with them.

in: an eye that is open, with its lids and iris -> out: an eyeball that can be turned, and seen between other lids.
Must not: decide where lids and gaze are, paint.

A mesh that carries lids apart carries what lies between them too, and makes an egg of the iris. So the eyeball is put
back between the lids of the result (`eyeball_paint`): what the frame shows of it stays where it is, and what its lids
hid is filled in. The white comes from the white that is seen (`sclera`), a hidden part of the iris from what is seen of
it at the same radius (`iris`).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from afet_video.datatypes import FloatArray
from afet_video.splice.blur import blur_px
from afet_video.splice.eyeball_fit import EyeballFit
from afet_video.splice.iris import whole_iris
from afet_video.splice.limbus import find_limbus, radius_of
from afet_video.splice.opening import filled, seen_lids, within_lids
from afet_video.splice.sclera import terms_of
from afet_video.vectors import smoothsteps

_CLEAR_OF_IRIS = (1.05, 1.2)
"""Radius from which a pixel may be white, and from which it surely is."""
_DEEPEST = 0.5
"""What is left of the light in the deepest shadow that can be taken from a picture: in a deeper one there is noise."""
_NO_VEIN = 0.3
"""Difference (logarithm) from the white's brightness that no vein or spot makes, but an edge of a lid or a lash."""
_WIDER, _TALLER = 0.35, 1.1
"""How far beyond the kept lids there is an eyeball: shares of the eye's width, and of the iris' diameter."""
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

    `veins` (h, w): factor on the colour of its white. `iris`, `plain` (h, w, 3): colour of its iris where no lid shades
    it, with and without reflections. `disc` (h, w): where the iris is. `canthi` (2, 2): outer and inner
    corner of the eye, `middle` (2,) and `radius`: the iris; pixels of the larger picture.
    `iris_seen` in 0..1: how much of it was not hidden. `sure` in 0..1: how clearly its edge was seen. `blur`: that of
    the picture around the eye, pixels, see `blur_px`.
    """

    veins: FloatArray
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
        self, turn: NDArray[np.float64], middle: FloatArray, radius: float, size_wh: tuple[int, int], own: float
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return the iris (h, w, 3), where it is (h, w), and the veins (h, w) on a picture.

        Parameters
        ----------
        turn : (2, 2) similarity from the larger picture, whatever its size.
        middle, radius : circle (2,) that the iris is moved to.
        size_wh : of the result.
        own : 0..1, how much the frame shows of its own iris, with the reflections that are in it now.
        """
        linear = turn * (radius / max(self.radius * float(np.hypot(*turn[0])), 1e-6))
        at = np.column_stack([linear, middle - linear @ (self.middle - self.origin)])
        flags, border = cv2.INTER_LINEAR, cv2.BORDER_REPLICATE
        iris = cv2.warpAffine(_between(self.iris, self.plain, own), at, size_wh, flags=flags, borderMode=border)
        veins = cv2.warpAffine(self.veins, at, size_wh, flags=flags, borderMode=border)
        disc = cv2.warpAffine(self.disc, at, size_wh)
        return np.asarray(iris, np.float32), np.asarray(disc, np.float32), np.asarray(veins, np.float32)


def _between(first: FloatArray, second: FloatArray, share: float) -> FloatArray:
    """Return what lies between two pictures."""
    if share <= 0 or share >= 1:
        return second if share >= 1 else first
    return np.asarray(cv2.addWeighted(first, 1 - share, second, share, 0), np.float32)


def eyeball(rgb: FloatArray, ring: FloatArray, iris: FloatArray, fit: EyeballFit) -> Eyeball | None:
    """Return the eyeball of an open eye, or None if there is too little to see of it.

    Parameters
    ----------
    rgb : (h, w, 3) float32 picture.
    ring : (16, 2) lid margin, in the order of `facemesh.LEFT_EYE`, pixels of the picture.
    iris : (5, 2) centre and four points of the rim, as detected.
    fit : what is known of it; learns its white.
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
    limbus = find_limbus(part, inner, iris - low, fit.radii)
    middle, radius = limbus.middle, limbus.radius
    rows, columns = np.mgrid[: part.shape[0], : part.shape[1]].astype(np.float32)
    away = np.hypot(columns - middle[0], rows - middle[1]) / np.float32(radius)
    white = (inner > 0.5) & (away > _CLEAR_OF_IRIS[1])
    if white.sum() < _LEAST_SEEN or ((opening > 0.5) & (away < 1)).sum() < _LEAST_SEEN:
        return None
    white_seen = inner * smoothsteps(away, *_CLEAR_OF_IRIS)
    lids = seen_lids(ring, fit.beyond(width))
    terms = terms_of(ring[[0, 8]], lids, radius, part.shape)
    fit.sclera.see(part[white], terms[white])
    lit, shadow = fit.sclera.shaded(terms)
    bare = np.asarray(part / np.maximum(shadow, _DEEPEST), np.float32)
    luma = bare.mean(axis=2)
    veins = np.log(np.maximum(luma, 1.0) / np.maximum(lit.mean(axis=2), 1.0)) / _NO_VEIN
    veins = np.exp(white_seen * _NO_VEIN * veins * np.square(1.0 - np.minimum(veins * veins, 1.0)))
    core = luma[(inner > 0.5) & (away < _CORE)]
    if len(core) < _LEAST_SEEN:
        return None
    dark, bright = float(np.median(core)), float(lit.mean(axis=2)[white].mean())
    redness = (bare[..., 0] - bare[..., 1]) / np.maximum(luma, 8.0)
    is_lid = (away > _MID) & (redness > np.median(redness[(inner > 0.5) & (away < _CORE)]) + _REDDER)
    is_iris = ((luma < dark + _NO_IRIS * (bright - dark)) | (away < _CORE) | (away > _SPREAD)) & ~is_lid
    shown = np.where(is_iris, inner, np.float32(0.0))
    made = whole_iris(bare, shown, lit, middle, radius)
    if made is None:
        return None
    rings, edge = made
    shown = shown * (1.0 - smoothsteps(away, edge[0] - _BEFORE_EDGE, edge[0]))  # the edge itself is made by the disc
    return Eyeball(
        veins,
        np.asarray(rings + shown[..., None] * (bare - rings), np.float32),
        rings,
        1.0 - smoothsteps(away, *edge),
        low.astype(np.float32),
        (ring[[0, 8]] + low).astype(np.float32),
        (middle + low).astype(np.float32),
        radius,
        float((shown * (away < 1)).sum() / max((away < 1).sum(), 1)),
        limbus.sure,
        blur_px(part.mean(axis=2)),
    )
