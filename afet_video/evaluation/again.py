"""Landmarks found again: how far from the ground truth, and whether movement comes late.

in: a conversion, landmarks found again -> out: figures.  Must not: decode.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from afet_video import facemesh
from afet_video.datatypes import ZONES, FloatArray, Side
from afet_video.evaluation.figures import Figure, number
from afet_video.evaluation.inputs import Conversion
from afet_video.evaluation.movement import head_fixed_pair
from afet_video.evaluation.temporal import side_points
from afet_video.face.pose import interocular_px
from afet_video.metrics.movement import MESH478, moves_clearly, zone_excursion
from afet_video.metrics.steadiness import lag_frames

_NME = (
    "Mean distance of the landmarks that the detector finds in the result from the track's ground truth, {where}, in "
    "inter-ocular distances; beside it the detector's own floor, the same in the source. Detectors see one-sided faces "
    "more symmetric than they are, so the affected half is above the floor by nature."
)
_LAG = (
    "By how many frames the {side} side's {zone} comes later in the result than in the source, both by landmarks found "
    "again, at the highest cross-correlation."
)
_LAG_TARGET = (-0.5, 0.5)
_LEAST_CORRELATION = 0.5
_LEAST_KEPT = 0.2
_LAG_ZONES = ("brow", "eye", "commissure")


def redetection_error(xyz: FloatArray, truth: FloatArray, points: NDArray[np.intp] | None = None) -> FloatArray:
    """Return the mean distance (T,) of landmarks (T, 478, 3) from the truth, inter-ocular distances, NaN = missing."""
    chosen = np.arange(facemesh.SKIN_COUNT) if points is None else points
    away = np.linalg.norm(xyz[:, chosen, :2] - truth[:, chosen, :2], axis=2).mean(axis=1)
    return np.asarray(away / interocular_px(truth), np.float32)


def redetection_figures(conversion: Conversion, again: FloatArray, floor: FloatArray) -> Iterator[Figure]:
    """Yield the error of the face and of its halves; `again` (T, 478, 3) found in the result, `floor` in the source."""
    parts: list[tuple[str, NDArray[np.intp] | None]] = [("whole face", None)]
    parts += [("healthy half", side_points(conversion.side.other)), ("affected half", side_points(conversion.side))]
    for name, points in parts:
        found = redetection_error(again, conversion.output_xyz, points)
        base = redetection_error(floor, conversion.source_xyz, points)
        n = int(np.isfinite(found).sum())
        seen = int(np.isfinite(base).sum())
        value = number(float(np.nanmean(found))) if n else None
        note = "" if n else "no face is found in the result"
        if 0 < n < seen:
            note = f"no face is found in {seen - n} frames of the result that show one in the source"
        least = number(float(np.nanmean(base))) if seen else None
        where = "the whole face" if points is None else f"on the {name}"
        yield Figure(
            *("found again", name, value, "iod", n, "frames", _NME.format(where=where)), note=note, floor=least
        )


def lag_figures(conversion: Conversion, again: FloatArray, floor: FloatArray) -> Iterator[Figure]:
    """Yield the lag of each zone that moves, on both sides."""
    found = head_fixed_pair(conversion, floor, again)
    for side in (conversion.side.other, conversion.side):
        kind = "affected" if side is conversion.side else "healthy"
        for zone in _LAG_ZONES:
            kept = dict(zip(ZONES, conversion.made.profile.kept, strict=True))[zone] if kind == "affected" else 1.0
            yield _lag(conversion, found.source, found.result, side, zone, kind, kept)


def _lag(
    conversion: Conversion,
    source: NDArray[np.float64],
    result: NDArray[np.float64],
    side: Side,
    zone: str,
    kind: str,
    kept: float,
) -> Figure:
    before, after = (zone_excursion(fixed, zone, side, MESH478) for fixed in (source, result))
    # up or out is what the zone does most; one number a frame
    lag, agreement = lag_frames(after[:, -1], before[:, -1])
    n = int(np.isfinite(before[:, -1] + after[:, -1]).sum())
    value, note = number(lag), f"correlation {agreement:.2f}"
    if kept < _LEAST_KEPT:
        value, note = None, f"asked for {kept:.2f}: too little moves that could be late"
    elif int(moves_clearly(before, conversion.rest).sum()) < 4:
        value, note = None, "the zone hardly moves in the source"
    elif value is None or agreement < _LEAST_CORRELATION:
        value, note = None, "the result's zone hardly moves with the source's: nothing that could be late"
    definition = _LAG.format(side=kind, zone=zone)
    return Figure("lag", f"{kind} {zone}", value, "frames", n, "frames", definition, _LAG_TARGET, note=note)
