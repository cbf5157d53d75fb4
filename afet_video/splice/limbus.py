"""Where the iris ends: its circle as the picture has it, near where the detector has it.

in: an eye with its lids and detected iris -> out: middle and radius.  Must not: paint, decide where an eye looks.

The detector's iris lies up to a quarter of its radius beside the one that is seen, most often towards the nose. What is
painted of an iris must go on where the seen part ends, so its circle is looked for: the one across which the picture
grows brightest.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from afet_video.datatypes import FloatArray
from afet_video.splice.limbus_kernel import fill_edges, fit_circle

RADII = np.array([0.8, 0.85, 0.9, 0.95, 1.0, 1.05, 1.1], np.float32)
"""Radii, in those of the detector, that an iris may have."""

_RAYS, _HALF_WIDTH, _BLUR = 32, 0.14, 0.06
"""Directions in which the edge is looked for, how far before and behind it, and blur against noise: in radii."""
_REACH, _STAY = 0.36, 8.0
"""How far from the detected middle an iris may lie, in radii, and what speaks for staying, see `fit_circle`."""
_BEYOND = 0.09
"""How far beyond its landmarks the edge of a lid may lie, in the eye's width."""
_SURE = (1.0, 4.0)
"""Contrast from which a circle begins to be believed, and is believed altogether."""
_ANGLES = 2 * np.pi * np.arange(_RAYS) / _RAYS
_DIRECTIONS = np.stack([np.cos(_ANGLES), np.sin(_ANGLES)], axis=1).astype(np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Limbus:
    """The circle of an iris: `middle` (2,) and `radius`, pixels; `sure` in 0..1: how clearly it was seen."""

    middle: FloatArray
    radius: float
    sure: float


def radius_of(iris: FloatArray) -> float:
    """Return the radius of a detected iris (5, 2): centre and four points of the rim."""
    return float(np.linalg.norm(iris[1:] - iris[0], axis=1).mean())


def find_edges(rgb: FloatArray, ring: FloatArray, limbus: Limbus) -> NDArray[np.float64]:
    """Return how far beyond its landmarks each lid begins, pixels, and at how many of them that was seen.

    (2, 2), the lower lid first; `rgb` (h, w, 3) picture, `ring` (16, 2) landmarks of its lids.
    """
    found = np.zeros((2, 2))
    most = _BEYOND * float(np.linalg.norm(ring[0] - ring[8]))
    fill_edges(rgb[..., 1], ring, limbus.middle, limbus.radius, most, found)
    return found


def find_limbus(rgb: FloatArray, opening: FloatArray, iris: FloatArray, radii: NDArray[np.float32] = RADII) -> Limbus:
    """Return the circle of an iris.

    Parameters
    ----------
    rgb : (h, w, 3) float32 picture of an eye.
    opening : (h, w) in 0..1: what lies well between the lids.
    iris : (5, 2) where the detector has it, pixels of the picture.
    radii : shares of the detector's radius that are tried.
    """
    radius = radius_of(iris)
    luma = cv2.GaussianBlur(rgb[..., 0] + rgb[..., 1], (0, 0), max(_BLUR * radius, 0.5))  # veins and skin are less blue
    start, found = np.array([*iris[0], radius]), np.zeros(4)
    fit_circle(luma, opening, start, _REACH, radii, _DIRECTIONS, _HALF_WIDTH, _STAY, found)
    sure = min(max((found[3] - _SURE[0]) / (_SURE[1] - _SURE[0]), 0.0), 1.0)
    return Limbus(found[:2].astype(np.float32), float(found[2]), float(sure))
