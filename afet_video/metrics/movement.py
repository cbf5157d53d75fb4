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
"""Excursion from which a zone counts as moving clearly: several times the detector's noise (0.2 to 0.4 %) and how far a
face at rest wanders (0.5 to 1 %), a third of a full smile or brow raise."""

MOST_ERROR = 0.2
"""Standard error above which a share is not worth telling."""

_OF_THE_MOUTH = ("cheek", "commissure", "lower_lip")


@dataclass(frozen=True, slots=True)
class FacePoints:
    """Which landmarks measure what, on one side: `lids` are upper and lower ones that face each other."""

    brow: Mapping[Side, Points]
    lids: Mapping[Side, tuple[Points, Points]]
    cheek: Mapping[Side, Points]
    commissure: Mapping[Side, Points]
    lower_lip: Mapping[Side, Points]

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
)
"""MediaPipe's face mesh. The points lie within one zone each, and beyond the ramp around the midline, but for those of
the lower lip: beside the mouth the ramp is wider, and shows them up to a tenth of the healthy side's movement."""

IBUG68 = FacePoints(
    brow=MappingProxyType({Side.RIGHT: (18, 19, 20), Side.LEFT: (23, 24, 25)}),
    lids=MappingProxyType({Side.RIGHT: ((37, 38), (41, 40)), Side.LEFT: ((43, 44), (47, 46))}),
    cheek=MappingProxyType({Side.RIGHT: (), Side.LEFT: ()}),
    commissure=MappingProxyType({Side.RIGHT: (48, 60), Side.LEFT: (54, 64)}),
    lower_lip=MappingProxyType({Side.RIGHT: (58, 59), Side.LEFT: (55, 56)}),
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
        return np.asarray(_away(excursion, rest)[:, 0] > CLEAR, bool)


def movement_kept(
    source: FitArray,
    result: FitArray,
    *,
    zone: str,
    side: Side,
    rest: NDArray[np.bool_],
    points: FacePoints = MESH478,
    synkinesis: bool = False,
) -> Slope | str:
    """Return the share of a zone's movement in the source that the result shows, or why it cannot be told.

    Parameters
    ----------
    source, result : (T, N, 2) head-fixed landmarks (see `zone_excursion`) without what the jaw carries and how lids
        follow the gaze: both go on in a palsy.
    side : the side that is measured.
    rest : (T,) frames at rest, at least one.
    synkinesis : whether movement may have been added in step with the healthy side's.

    Notes
    -----
    Slope of the result's excursion on the source's (`robust_slope`) over the frames where the source moves clearly.
    Excursions are differences from the median over the frames at rest, in the result from its own: droop is none.
    Frames at rest say nothing else: how a face wanders there is no movement that a palsy takes. With `synkinesis` what
    is linear in the healthy side's brow and lids (for cheek and mouth) or corner of the mouth (for the eye) is taken
    out of both sides.

    Seven videos were rendered of a head whose muscles are known (turned by up to 20 degrees; nothing, or half of the
    movement, kept), tracked as any video, and the exact answer put in the result's place. Shares come out within 0.05
    of what was rendered for the brow, 0.13 for the corner of the mouth and 0.15 for the lower lip, and within 0.25 for
    the lids, which move in one blink of five frames; how far the track misses the movement is part of that.
    """
    if zone not in ZONES:
        raise ValueError(f"zone {zone!r}: choose one of {ZONES}")
    if not points.of_zone(zone, side):
        return "these landmarks have no point there"
    before, after = (zone_excursion(fixed, zone, side, points) for fixed in (source, result))
    if not (rest & np.isfinite(np.hstack([before, after])).all(axis=1)).any():
        return "no frame is at rest"
    extra = _healthy_drives(source, zone, side.other, rest, points) if synkinesis else []
    moving = moves_clearly(before, rest)
    own, shown, *drives = (values - _median_at(values, rest) for values in (before, after, *extra))
    slope = robust_slope(own[moving], shown[moving], np.hstack([np.empty((len(own), 0)), *drives])[moving])
    if isinstance(slope, Slope) and not slope.error <= MOST_ERROR:
        return f"too uncertain: {slope.value:.2f} ± {slope.error:.2f} from {slope.n} frames"
    return slope


def _healthy_drives(
    source: FitArray, zone: str, healthy: Side, rest: NDArray[np.bool_], points: FacePoints
) -> list[FitArray]:
    """Return what synkinesis follows (T, 1) each: it adds to the affected side in step with these."""
    if zone == "eye":
        return [_away(zone_excursion(source, "commissure", healthy, points), rest)]
    if zone in _OF_THE_MOUTH:
        return [zone_excursion(source, driver, healthy, points) for driver in ("brow", "eye")]
    return []


def _away(excursion: FitArray, rest: NDArray[np.bool_]) -> FitArray:
    """Return how far (T, 1) a zone is from its median place at rest."""
    return np.asarray(np.linalg.norm(excursion - _median_at(excursion, rest), axis=1, keepdims=True), np.float64)


def _median_at(values: FitArray, rest: NDArray[np.bool_]) -> FitArray:
    chosen = values[rest & np.isfinite(values).all(axis=1)]
    return np.asarray(np.median(chosen, axis=0) if len(chosen) else np.nanmedian(values, axis=0), np.float64)
