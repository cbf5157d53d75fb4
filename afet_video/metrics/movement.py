"""How far each zone of a face moves, in the head's own frame.

in: head-fixed landmarks over time -> out: excursions.  Must not: align heads, or know what a palsy is.

The measures are those that clinicians take: height of the brow, opening of the lids, excursion of the corner of the
mouth (Emotrics: Guarin et al. 2018, *JAMA Facial Plast. Surg.* 20: 335). All lengths are in distances of the outer
corners of the eyes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from afet_video import facemesh
from afet_video.datatypes import ZONES, Side
from afet_video.metrics.regression import FitArray, Slope, robust_slope

Points = tuple[int, ...]

CLEAR = 0.03
"""Excursion from which a zone counts as moving clearly: several times the detector's noise (0.2 to 0.4 %) and what the
alignment of heads leaves (1 %), a third of a full smile or brow raise."""

MOST_ERROR = 0.2
"""Standard error above which a share is not worth telling."""

_JAW_DROP = 0.01
"""Movement of the chin downwards from which on it is the jaw's: frowns and pouts move its skin too, but less, or up."""

_WITH_THE_JAW = ("cheek", "commissure", "lower_lip")


@dataclass(frozen=True, slots=True)
class FacePoints:
    """Which landmarks measure what, on one side: `lids` are upper and lower ones that face each other.

    `canthi` are the subject's right and left outer corner of the eye; `steady` landmarks that expressions hardly move,
    by which heads are aligned; `chin` those that show how far the jaw is open.
    """

    brow: Mapping[Side, Points]
    lids: Mapping[Side, tuple[Points, Points]]
    cheek: Mapping[Side, Points]
    commissure: Mapping[Side, Points]
    lower_lip: Mapping[Side, Points]
    canthi: tuple[int, int]
    steady: Points
    chin: Points

    def of_zone(self, zone: str, side: Side) -> Points:
        """Return all landmarks of a zone."""
        if zone == "eye":
            upper, lower = self.lids[side]
            return upper + lower
        points: Mapping[Side, Points] = getattr(self, zone)
        return points[side]


def _both(right: Points) -> Mapping[Side, Points]:
    return MappingProxyType({Side.RIGHT: right, Side.LEFT: tuple(facemesh.TWIN[list(right)].tolist())})


MESH478 = FacePoints(
    brow=_both((63, 105, 66, 52, 65, 53)),
    lids=MappingProxyType(
        {
            side: (ring[3:6], (ring[13], ring[12], ring[11]))
            for side, ring in ((Side.RIGHT, facemesh.RIGHT_EYE), (Side.LEFT, facemesh.LEFT_EYE))
        }
    ),
    cheek=_both((50, 205, 187, 207, 206)),
    commissure=_both((61, 76, 62, 78)),
    lower_lip=_both((91, 90, 181, 180, 182, 106)),
    canthi=(facemesh.RIGHT_EYE_OUTER, facemesh.LEFT_EYE_OUTER),
    steady=(168, 6, 197, 195, 5, 4, 33, 133, 362, 263, 127, 356, 234, 454),
    chin=(152, 148, 377, 176, 400),
)
"""MediaPipe's face mesh. The points lie within one zone each, and beyond the ramp around the midline.

`steady` was chosen on a rendered head that stays still: aligned by these, excursions come out at 1.02 (brow), 0.99
(eye), 0.88 (cheek), 0.92 (commissure) and 0.87 (lower lip) of their size, nearer to 1 than by seven other sets.
"""

IBUG68 = FacePoints(
    brow=MappingProxyType({Side.RIGHT: (18, 19, 20), Side.LEFT: (23, 24, 25)}),
    lids=MappingProxyType({Side.RIGHT: ((37, 38), (41, 40)), Side.LEFT: ((43, 44), (47, 46))}),
    cheek=MappingProxyType({Side.RIGHT: (), Side.LEFT: ()}),
    commissure=MappingProxyType({Side.RIGHT: (48, 60), Side.LEFT: (54, 64)}),
    lower_lip=MappingProxyType({Side.RIGHT: (58, 59), Side.LEFT: (55, 56)}),
    canthi=(36, 45),
    steady=(27, 28, 29, 30, 33, 36, 39, 42, 45),
    chin=(7, 8, 9),
)
"""The 68 points of iBUG, which have none on the cheek."""


def zone_excursion(fixed: FitArray, zone: str, side: Side, points: FacePoints) -> FitArray:
    """Return where a zone is, (T, C): C = 1 for the brow (height) and the eye (opening), 2 for the others.

    Parameters
    ----------
    fixed : (T, N, 2) landmarks in a frame that moves with the head: first axis to the subject's left, second down,
        unit = distance of the outer canthi. NaN = missing.

    Notes
    -----
    brow: mean height of the brow's landmarks. eye: mean distance of upper and lower lid in the middle of the eye.
    cheek, commissure, lower_lip: mean place (across, down) of the zone's landmarks. Differences from the same at rest
    are excursions.
    """
    chosen = list(points.of_zone(zone, side))
    if zone == "eye":
        upper, lower = (fixed[:, list(lids)] for lids in points.lids[side])
        return np.asarray(np.linalg.norm(upper - lower, axis=2).mean(axis=1)[:, None], np.float64)
    place = fixed[:, chosen].astype(np.float64).mean(axis=1) if chosen else np.full((len(fixed), 2), np.nan)
    return -place[:, 1:] if zone == "brow" else place


def moves_clearly(excursion: FitArray, rest: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the frames (T,) in which a zone is farther from its median place at `rest` than `CLEAR`."""
    with np.errstate(invalid="ignore"):
        away = np.linalg.norm(excursion - _median_at(excursion, rest), axis=1)
        return np.asarray(away > CLEAR, bool)


def movement_kept(
    source: FitArray,
    result: FitArray,
    *,
    zone: str,
    side: Side,
    rest: NDArray[np.bool_],
    pose: FitArray,
    points: FacePoints = MESH478,
    synkinesis: bool = False,
) -> Slope | str:
    """Return the share of a zone's movement in the source that the result shows, or why it cannot be told.

    Parameters
    ----------
    source, result : (T, N, 2) head-fixed landmarks (see `zone_excursion`).
    side : the side that is measured.
    rest : (T,) frames at rest.
    pose : (T, J) angles of the head, any unit.
    synkinesis : whether movement may have been added in step with the healthy side's.

    Notes
    -----
    Slope of the result's excursion on the source's (`robust_slope`) over the frames where the source moves clearly and
    those at rest. A free intercept takes up droop. Taken out of both sides are: what is linear in the head's angles
    (not for the eye), since what alignment leaves of a head movement is in both alike and would look like movement
    kept; in the cheek and the mouth what is linear in how far the jaw is open (the chin's way down), because lips and
    cheeks go with the jaw, which no palsy takes; and with `synkinesis` what is linear in the healthy side's brow and
    lids (for cheek and mouth) or corner of the mouth (for the eye).

    The steady landmarks go along with an expression a little, so that excursions in the source are measured too small
    (0.87 to 1.02, see `MESH478`): a share k kept is measured as up to 0.15 (1 - k) too low.
    """
    if zone not in ZONES:
        raise ValueError(f"zone {zone!r}: choose one of {ZONES}")
    if not points.of_zone(zone, side):
        return "these landmarks have no point there"
    before, after = (zone_excursion(fixed, zone, side, points) for fixed in (source, result))
    moving = moves_clearly(before, rest)
    # lids are measured against each other: a turn of the head hardly matters, and a blink can look like one
    extra = [np.empty((len(source), 0)) if zone == "eye" else pose]
    if zone in _WITH_THE_JAW:
        extra.append(_jaw_drop(source, rest, points))
    if synkinesis:
        extra += _healthy_drives(source, zone, side.other, rest, points)
    use = moving | rest
    slope = robust_slope(before[use], after[use], np.hstack(extra)[use], moving[use])
    if isinstance(slope, Slope) and not slope.error <= MOST_ERROR:
        return f"too uncertain: {slope.value:.2f} ± {slope.error:.2f} from {slope.n} frames"
    return slope


def _jaw_drop(source: FitArray, rest: NDArray[np.bool_], points: FacePoints) -> FitArray:
    height = source[:, list(points.chin), 1].astype(np.float64).mean(axis=1, keepdims=True)
    return np.asarray(np.maximum(height - _median_at(height, rest) - _JAW_DROP, 0.0), np.float64)


def _healthy_drives(
    source: FitArray, zone: str, healthy: Side, rest: NDArray[np.bool_], points: FacePoints
) -> list[FitArray]:
    """Return what synkinesis follows (T, 1) each: it adds to the affected side in step with these."""
    if zone == "eye":
        corner = zone_excursion(source, "commissure", healthy, points)
        return [np.linalg.norm(corner - _median_at(corner, rest), axis=1, keepdims=True)]
    if zone in _WITH_THE_JAW:
        return [zone_excursion(source, driver, healthy, points) for driver in ("brow", "eye")]
    return []


def _median_at(values: FitArray, rest: NDArray[np.bool_]) -> FitArray:
    chosen = values[rest & np.isfinite(values).all(axis=1)]
    return np.asarray(np.median(chosen, axis=0) if len(chosen) else np.nanmedian(values, axis=0), np.float64)
