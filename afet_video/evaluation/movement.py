"""Movement kept, as asked for and as measured, zone by zone.

in: a conversion, landmarks found again -> out: figures.  Must not: decode.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from afet_video import facemesh
from afet_video.datatypes import ZONES, FloatArray, PalsyProfile, Side
from afet_video.evaluation.figures import Figure, number
from afet_video.evaluation.heads import FitArray, HeadFixed, resting_face
from afet_video.evaluation.inputs import Conversion, neutral_frame
from afet_video.face.palsy import carried_share, palsy_model
from afet_video.metrics.movement import movement_kept
from afet_video.metrics.regression import Slope

TOLERANCE = 0.1

_WHAT = (
    "Slope of the affected side's excursion from rest in the result on that in the source, over frames where the "
    "source moves clearly: of brow height, opening of the lids, and the place of cheek, corner of the mouth and lower "
    "lip, in a frame fixed to the head and without what the jaw carries and how lids follow the gaze"
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


def reference_frame(conversion: Conversion, xyz: FloatArray) -> int | None:
    """Return the frame in whose pose all are shown: the neutral, or the most frontal one in which `xyz` has a face."""
    good: NDArray[np.bool_] = np.asarray(np.isfinite(xyz).all(axis=(1, 2)), bool)
    index = neutral_frame(conversion.tracks)
    if 0 <= index < len(xyz) and good[index]:
        return index
    turn = np.abs(conversion.tracks.pose_deg).sum(axis=1)
    return int(np.where(good, np.nan_to_num(turn, nan=1e6), np.inf).argmin()) if good.any() else None


def measure_movement(conversion: Conversion, again: FloatArray | None, floor: FloatArray | None) -> list[ZoneMovement]:
    """Return the movement kept of all zones.

    Parameters
    ----------
    again, floor : (T, 478, 3) landmarks found again in the result and in the source; None = not looked for.

    Notes
    -----
    What head, jaw and gaze do in the source is taken out of source and result, by the models that the conversion has
    too: a palsy takes none of it. An error of theirs is thus in both, and not seen by these figures. Landmarks found
    again have models of their own, learnt from those found in the source.
    """
    source, output = track_head_fixed(conversion).muscles
    found_source, found_output = None, None
    if floor is not None:
        found = head_fixed_pair(conversion, floor, floor if again is None else again)
        found_source, found_output = found.muscles[0], None if again is None else found.muscles[1]
    profile = conversion.made.profile
    own = _without_carried(conversion, source, output)
    found_own = _without_carried(conversion, found_source, found_output)

    def slope(zone: str, before: FitArray | None, after: FitArray | None, *, adds: bool) -> Slope | str:
        if before is None or after is None:
            return "not looked for"
        return movement_kept(before, after, zone=zone, side=profile.side, rest=conversion.rest, synkinesis=adds)

    adds = profile.synkinesis > 0
    return [
        ZoneMovement(
            zone,
            requested,
            slope(zone, source, own, adds=adds),
            slope(zone, found_source, found_own, adds=adds),
            slope(zone, source, found_source, adds=False),
        )
        for zone, requested in zip(ZONES, _requested(profile), strict=True)
    ]


def _without_carried(conversion: Conversion, source: FitArray | None, output: FitArray | None) -> FitArray | None:
    """Return the result's landmarks (T, 478, 2) without what the corner of the mouth takes along of the lower lip."""
    reference = reference_frame(conversion, conversion.source_xyz)
    if source is None or output is None or reference is None:
        return output
    profile = conversion.made.profile
    share = carried_share(np.array(profile.kept), palsy_model(conversion.source_xyz[reference]))
    if not share.any():
        return output
    corner = source[:, facemesh.LEFT_COMMISSURE if profile.side is Side.LEFT else facemesh.RIGHT_COMMISSURE]
    with warnings.catch_warnings(action="ignore", category=RuntimeWarning):
        rest = np.nan_to_num(np.nanmedian(corner[conversion.rest], axis=0))
    return output - share[:, None] * (corner - rest)[:, None]


def _requested(profile: PalsyProfile) -> tuple[float, ...]:
    """Return the movement asked for in each zone: lids that close by themselves no further than they fall, fall."""
    least = {"eye": profile.lid_fall}
    return tuple(max(kept, least.get(zone, 0.0)) for zone, kept in zip(ZONES, profile.kept, strict=True))


def head_fixed_pair(
    conversion: Conversion, source: FloatArray, result: FloatArray, *, same_head: bool = False
) -> HeadFixed:
    """Return landmarks (T, 478, 3) of source and result head-fixed, and what in the source no facial nerve moves.

    `same_head`: the head is where the source's landmarks have it; otherwise each has its own.
    """
    reference = reference_frame(conversion, source)
    if reference is None:
        nothing = np.full((*source.shape[:2], 2), np.nan)
        return HeadFixed(nothing, nothing, nothing)
    face = resting_face(source, conversion.calm, reference)
    heads = face.heads(source)
    shown = face.fixed(result, heads if same_head else face.heads(result))
    return HeadFixed(face.fixed(source, heads), shown, face.passive(source, heads))


def track_head_fixed(conversion: Conversion) -> HeadFixed:
    """Return the track's landmarks head-fixed by the source's head, which is that of the result."""
    return head_fixed_pair(conversion, conversion.source_xyz, conversion.output_xyz, same_head=True)


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
