"""Movement kept, as asked for and as measured, zone by zone.

in: a conversion, landmarks found again -> out: figures.  Must not: decode.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from afet_video.datatypes import ZONES, FloatArray, PalsyProfile
from afet_video.evaluation.figures import Figure, number
from afet_video.evaluation.heads import FitArray, angles, head_fixed, similarities
from afet_video.evaluation.inputs import Conversion
from afet_video.metrics.movement import MESH478, movement_kept
from afet_video.metrics.regression import Slope

TOLERANCE = 0.1

_WHAT = (
    "Slope of the affected side's excursion in the result on that in the source, in a frame fixed to the head, over "
    "frames where the source moves clearly and frames at rest, with head turns (not for the eye) and the jaw's "
    "opening (for cheek and mouth) regressed out"
)
_DEFINITIONS = {
    "track": f"{_WHAT}; by the track's landmarks of source and result.",
    "found again": f"{_WHAT}; by landmarks that the face detector finds in result and source.",
    "detector": f"{_WHAT}; by landmarks found again in the source, on the track's: 1 is a detector that agrees.",
}


@dataclass(frozen=True, slots=True)
class ZoneMovement:
    """What one zone was asked to keep and what it kept; a text says why there is no slope.

    `track`: by the landmark track. `found`: by detection in the result. `floor`: by detection in the source.
    """

    zone: str
    requested: float
    track: Slope | str
    found: Slope | str
    floor: Slope | str


def reference_frame(conversion: Conversion) -> int:
    """Return the frame in whose pose all are shown: the neutral, or else the most frontal one with a face."""
    xyz = conversion.source_xyz
    good: NDArray[np.bool_] = np.asarray(np.isfinite(xyz).all(axis=(1, 2)), bool)
    index = int(conversion.tracks.neutral_index.max(initial=-1))
    if 0 <= index < len(xyz) and good[index]:
        return index
    turn = np.abs(conversion.tracks.pose_deg).sum(axis=1)
    return int(np.where(good, np.nan_to_num(turn, nan=1e6), np.inf).argmin())


def measure_movement(conversion: Conversion, again: FloatArray | None, floor: FloatArray | None) -> list[ZoneMovement]:
    """Return the movement kept of all zones.

    Parameters
    ----------
    again, floor : (T, 478, 3) landmarks found again in the result and in the source; None = not looked for.
    """
    reference = conversion.source_xyz[reference_frame(conversion)]
    ours = similarities(conversion.source_xyz, reference)
    pose = angles(ours)
    source = head_fixed(conversion.source_xyz, ours, reference)
    # the head is the same in the result, and the track knows it best from the source
    output = head_fixed(conversion.output_xyz, ours, reference)
    alone = [None if xyz is None else _fixed_by_itself(xyz, reference) for xyz in (again, floor)]
    profile = conversion.made.profile

    def slope(zone: str, before: FitArray | None, after: FitArray | None, *, adds: bool) -> Slope | str:
        if before is None or after is None:
            return "not looked for"
        return movement_kept(
            before,
            after,
            zone=zone,
            side=profile.side,
            rest=conversion.rest,
            pose=pose,
            points=MESH478,
            synkinesis=adds,
        )

    adds = profile.synkinesis > 0
    return [
        ZoneMovement(
            zone,
            requested,
            slope(zone, source, output, adds=adds),
            slope(zone, alone[1], alone[0], adds=adds),
            slope(zone, source, alone[1], adds=False),
        )
        for zone, requested in zip(ZONES, _requested(profile), strict=True)
    ]


def _requested(profile: PalsyProfile) -> tuple[float, ...]:
    """Return the movement asked for in each zone: lids that close by themselves no further than they fall, fall."""
    least = {"eye": profile.lid_fall}
    return tuple(max(kept, least.get(zone, 0.0)) for zone, kept in zip(ZONES, profile.kept, strict=True))


def head_fixed_pair(conversion: Conversion, source: FloatArray, result: FloatArray) -> tuple[FitArray, FitArray]:
    """Return landmarks (T, 478, 3) found in source and result head-fixed, each by its own steady landmarks."""
    reference = conversion.source_xyz[reference_frame(conversion)]
    return _fixed_by_itself(source, reference), _fixed_by_itself(result, reference)


def track_head_fixed(conversion: Conversion) -> tuple[FitArray, FitArray]:
    """Return the track's landmarks of source and result head-fixed by the source's head, which is that of both."""
    reference = conversion.source_xyz[reference_frame(conversion)]
    ours = similarities(conversion.source_xyz, reference)
    return head_fixed(conversion.source_xyz, ours, reference), head_fixed(conversion.output_xyz, ours, reference)


def track_angles(conversion: Conversion) -> FitArray:
    """Return the head's rotation vectors (T, 3) against the reference frame, NaN without a face."""
    return angles(similarities(conversion.source_xyz, conversion.source_xyz[reference_frame(conversion)]))


def _fixed_by_itself(xyz: FloatArray, reference: FloatArray) -> FitArray:
    return head_fixed(xyz, similarities(xyz, reference), reference)


def movement_figures(zones: list[ZoneMovement], *, is_linear: bool) -> Iterator[Figure]:
    """Yield three figures a zone; the target is the share asked for, within a tenth."""
    for zone in zones:
        note = f"asked for {zone.requested:.2f}"
        if is_linear:
            note += "; the linear ramp alone gives back a part, more towards the midline"
        target = (round(zone.requested - TOLERANCE, 6), round(zone.requested + TOLERANCE, 6))
        yield _figure(zone.zone, "track", zone.track, target, note)
        yield _figure(zone.zone, "found again", zone.found, target, f"{note}; detectors see faces more symmetric")
        yield _figure(zone.zone, "detector", zone.floor, (None, None), "not of the result: detector against track")


def _figure(zone: str, name: str, slope: Slope | str, target: tuple[float | None, float | None], note: str) -> Figure:
    return Figure(
        part="movement kept",
        name=f"{zone}, {name}",
        value=number(slope.value) if isinstance(slope, Slope) else None,
        unit="",
        n=slope.n if isinstance(slope, Slope) else 0,
        counted="frames",
        definition=_DEFINITIONS[name],
        target=target,
        error=number(slope.error) if isinstance(slope, Slope) else None,
        note=note if isinstance(slope, Slope) else slope,
    )
