"""What clinicians measure on a face, left and right.

in: head-fixed landmarks -> out: lengths, angles and areas over time.  Must not: know what was done to the face.

After Emotrics (Guarin et al. 2018) and dynaface (Heaton): their landmarks' nearest ones of the face mesh are used.
Lengths are shares of the distance of the outer canthi, not millimeters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from afet_video import facemesh
from afet_video.datatypes import Side

FitArray = NDArray[np.float64]

_LOWER_LIP = 17
_COMMISSURE = {Side.LEFT: facemesh.LEFT_COMMISSURE, Side.RIGHT: facemesh.RIGHT_COMMISSURE}
_EYE = {Side.LEFT: facemesh.LEFT_EYE, Side.RIGHT: facemesh.RIGHT_EYE}
_INNER_CANTHUS = {Side.LEFT: facemesh.LEFT_EYE_INNER, Side.RIGHT: facemesh.RIGHT_EYE_INNER}
_BROW = {Side.LEFT: (334, 293, 296), Side.RIGHT: (105, 63, 66)}
_LIP_PAIRS = {Side.LEFT: ((311, 402), (310, 318)), Side.RIGHT: ((81, 178), (80, 88))}


@dataclass(frozen=True, slots=True)
class Measure:
    """One clinical measure: `of(fixed, side)` gives it (T,) from head-fixed landmarks (T, N, 2)."""

    name: str
    unit: str
    definition: str
    of: Callable[[FitArray, Side], FitArray]


def _brow_height(fixed: FitArray, side: Side) -> FitArray:
    return np.asarray(-fixed[:, list(_BROW[side]), 1].mean(axis=1), np.float64)


def _fissure(fixed: FitArray, side: Side) -> FitArray:
    ring = _EYE[side]
    upper, lower = fixed[:, list(ring[3:6])], fixed[:, [ring[13], ring[12], ring[11]]]
    return np.asarray(np.linalg.norm(upper - lower, axis=2).mean(axis=1), np.float64)


def _eye_area(fixed: FitArray, side: Side) -> FitArray:
    return polygon_area(fixed[:, list(_EYE[side])])


def _commissure(fixed: FitArray, side: Side) -> FitArray:
    return np.asarray(np.linalg.norm(fixed[:, _COMMISSURE[side]] - fixed[:, _LOWER_LIP], axis=1), np.float64)


def _smile_angle(fixed: FitArray, side: Side) -> FitArray:
    rise = fixed[:, _LOWER_LIP, 1] - fixed[:, _COMMISSURE[side], 1]
    return np.asarray(90.0 + np.degrees(np.arcsin(rise / np.maximum(_commissure(fixed, side), 1e-9))), np.float64)


def _lip_opening(fixed: FitArray, side: Side) -> FitArray:
    gaps = [fixed[:, low, 1] - fixed[:, up, 1] for up, low in _LIP_PAIRS[side]]
    return np.asarray(np.maximum(np.mean(gaps, axis=0), 0.0), np.float64)


def _to_canthus(fixed: FitArray, side: Side) -> FitArray:
    return np.asarray(np.linalg.norm(fixed[:, _INNER_CANTHUS[side]] - fixed[:, _COMMISSURE[side]], axis=1), np.float64)


def polygon_area(points: FitArray) -> FitArray:
    """Return the area (T,) of polygons (T, K, 2)."""
    x, y = points[..., 0], points[..., 1]
    twice = (x * np.roll(y, -1, axis=1) - np.roll(x, -1, axis=1) * y).sum(axis=1)
    return np.asarray(np.abs(twice) / 2, np.float64)


MEASURES = (
    Measure("brow height", "iod", "Height of the brow above the line of the outer canthi (Emotrics).", _brow_height),
    Measure("palpebral fissure", "iod", "Mean distance of the lids in the middle of the eye (Emotrics).", _fissure),
    Measure("eye area", "iod²", "Area within the lid margins (dynaface).", _eye_area),
    Measure(
        "commissure excursion",
        "iod",
        "Distance of the commissure from the middle of the lower lip's lower edge (Emotrics; dynaface's OCE).",
        _commissure,
    ),
    Measure(
        "smile angle",
        "°",
        "90° plus the rise of the line from the middle of the lower lip's lower edge to the commissure (Emotrics).",
        _smile_angle,
    ),
    Measure(
        "lip opening",
        "iod",
        "Vertical gap of the lips' inner edges half-way to the commissure: where teeth can show (for Emotrics' dental "
        "show, which counts teeth).",
        _lip_opening,
    ),
    Measure(
        "canthus to commissure",
        "iod",
        "Distance of the inner canthus from the commissure; its difference of sides is dynaface's FAI.",
        _to_canthus,
    ),
)


def resting_asymmetry(fixed: FitArray) -> FitArray:
    """Return the mean distance (T,) of each skin landmark from its twin's mirror image, head-fixed units.

    Parameters
    ----------
    fixed : (T, 478, 2) head-fixed landmarks: the origin lies half-way between the outer canthi.
    """
    twins = fixed[:, facemesh.TWIN[: facemesh.SKIN_COUNT]] * np.array([-1.0, 1.0])
    return np.asarray(np.linalg.norm(fixed[:, : facemesh.SKIN_COUNT] - twins, axis=2).mean(axis=1), np.float64)


def side_values(measure: Measure, fixed: FitArray) -> Mapping[Side, FitArray]:
    """Return a measure (T,) of both sides."""
    return {side: measure.of(fixed, side) for side in (Side.LEFT, Side.RIGHT)}
