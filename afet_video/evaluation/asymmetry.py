"""Asymmetry at rest and in movement, and the clinical measures, as a change from the source's own.

in: a conversion -> out: rows, figures.  Must not: decode.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from afet_video import facemesh
from afet_video.datatypes import ZONES, Side
from afet_video.evaluation.figures import Figure, number
from afet_video.evaluation.heads import HeadFixed
from afet_video.evaluation.inputs import Conversion
from afet_video.metrics.clinical import MEASURES, resting_asymmetry, side_values
from afet_video.metrics.movement import MESH478, movement_kept, zone_excursion
from afet_video.metrics.regression import Slope

FitArray = NDArray[np.float64]

PEAK_SHARE = 0.9
"""A measure's peak: the frames with the largest change of the source's healthy side from rest, from here on."""

_TOLERANCE = 0.15

_RESTING = (
    "Mean distance of each landmark from its twin's mirror image, head-fixed, median over frames at rest; by the "
    "track. Beside it the source's own."
)
_DYNAMIC = (
    "(1 - r) / (1 + r), r being the slope of the affected zone's movement on the source's healthy zone's, mirrored, as "
    "for movement kept; by the track. 0 = both sides move alike, 1 = the affected side stays. Beside it the source's "
    "own; the target follows from that and from the share asked for."
)
_CLINICAL = (
    "{what} Healthy side minus affected side, median over the frames {when}; by the track. Beside it the source's own."
)
_WHEN = {"rest": "at rest", "peak": "at the measure's peak on the source's healthy side"}


@dataclass(frozen=True, slots=True)
class ClinicalRow:
    """One measure at `when` ("rest" or "peak"): values of (left, right) in source and result, None = not known."""

    name: str
    unit: str
    when: str
    source: tuple[float | None, float | None]
    result: tuple[float | None, float | None]
    frames: int
    definition: str

    def difference(self, which: str, side: Side) -> float | None:
        """Return healthy minus affected of "source" or "result"; `side` is the affected one."""
        left, right = self.source if which == "source" else self.result
        if left is None or right is None:
            return None
        return round(right - left if side is Side.LEFT else left - right, 6)


def clinical_rows(conversion: Conversion, source: FitArray, result: FitArray) -> list[ClinicalRow]:
    """Return all measures from head-fixed landmarks (T, 478, 2) of source and result."""
    rows = []
    for measure in MEASURES:
        before, after = side_values(measure, source), side_values(measure, result)
        for when, chosen in (
            ("rest", conversion.rest),
            ("peak", _peak(before[conversion.side.other], conversion.rest)),
        ):
            frames = chosen & np.isfinite(before[Side.LEFT]) & np.isfinite(after[Side.LEFT])
            values = (_both(before, frames), _both(after, frames))
            rows.append(ClinicalRow(measure.name, measure.unit, when, *values, int(frames.sum()), measure.definition))
    return rows


def _peak(values: FitArray, rest: NDArray[np.bool_]) -> NDArray[np.bool_]:
    good = np.isfinite(values)
    if not good.any():
        return good
    usual = np.median(values[rest & good]) if (rest & good).any() else np.median(values[good])
    change = np.where(good, np.abs(values - usual), -1.0)
    return np.asarray(good & (change >= np.quantile(change[good], PEAK_SHARE)), bool)


def _both(values: Mapping[Side, FitArray], frames: NDArray[np.bool_]) -> tuple[float | None, float | None]:
    return _median(values[Side.LEFT][frames]), _median(values[Side.RIGHT][frames])


def _median(values: FitArray) -> float | None:
    return round(float(np.median(values)), 6) if len(values) else None


def asymmetry_figures(conversion: Conversion, fixed: HeadFixed) -> Iterator[Figure]:
    """Yield resting asymmetry, and each zone's dynamic asymmetry, from head-fixed landmarks."""
    part = "asymmetry"
    before, after = (resting_asymmetry(landmarks) for landmarks in (fixed.source, fixed.result))
    frames = conversion.rest & np.isfinite(before + after)
    value, own = (_median(values[frames]) for values in (after, before))
    note = "no frame is at rest" if value is None or own is None else f"change {value - own:+.4f}"
    if conversion.made.profile.droop > 0:
        note += "; the profile asks for droop"
    yield Figure(part, "at rest", value, "iod", int(frames.sum()), "frames", _RESTING, note=note, floor=own)
    for zone, kept in zip(ZONES, conversion.made.profile.kept, strict=True):
        yield _dynamic(conversion, zone, kept, *fixed.muscles)


def zone_movement(fixed: FitArray, zone: str, side: Side, rest: NDArray[np.bool_]) -> FitArray:
    """Return how far (T,) a zone is from its median place at rest, inter-ocular distances."""
    place = zone_excursion(fixed, zone, side, MESH478)
    good = np.isfinite(place).all(axis=1)
    calm = place[rest & good] if (rest & good).any() else place[good]
    if not len(calm):
        return np.full(len(fixed), np.nan)
    return np.asarray(np.linalg.norm(place - np.median(calm, axis=0), axis=1), np.float64)


def mirrored(fixed: FitArray) -> FitArray:
    """Return head-fixed landmarks (T, 478, 2) of the mirror image, each in its twin's place."""
    return np.asarray(fixed[:, facemesh.TWIN] * np.array([-1.0, 1.0]), np.float64)


def _dynamic(conversion: Conversion, zone: str, kept: float, source: FitArray, result: FitArray) -> Figure:
    part, name = "asymmetry", f"{zone}, moving"
    other = mirrored(source)
    slopes = [
        movement_kept(
            other,
            fixed,
            zone=zone,
            side=conversion.side,
            rest=conversion.rest,
            synkinesis=conversion.made.profile.synkinesis > 0 and fixed is result,
        )
        for fixed in (source, result)
    ]
    own, ours = slopes
    if not isinstance(ours, Slope):
        return Figure(part, name, None, "", 0, "frames", _DYNAMIC, note=ours)
    error = number(2.0 * ours.error / (1.0 + max(ours.value, 0.0)) ** 2)
    figure = Figure(
        *(part, name, number(asymmetry_of(ours.value)), "", ours.n, "frames", _DYNAMIC),
        error=error,
        note=f"asked for {kept:.2f}",
    )
    if not isinstance(own, Slope):
        return replace(figure, note=f"{figure.note}; no target: the source's own is {own}")
    expected = asymmetry_of(kept * own.value)
    target = (round(expected - _TOLERANCE, 6), round(expected + _TOLERANCE, 6))
    return replace(figure, target=target, floor=number(asymmetry_of(own.value)))


def asymmetry_of(share: float) -> float:
    """Return (1 - r) / (1 + r) of the share r that one side moves as far as the other; against it (r < 0) gives 1."""
    return (1.0 - max(share, 0.0)) / (1.0 + max(share, 0.0))


def clinical_figures(conversion: Conversion, rows: list[ClinicalRow]) -> Iterator[Figure]:
    """Yield the difference of the sides for each row."""
    for row in rows:
        value, own = (row.difference(which, conversion.side) for which in ("result", "source"))
        note = "" if value is not None else ("no frame is at rest" if row.when == "rest" else "no frame shows a face")
        if value is not None:
            note = f"left {row.result[0]:.3f}, right {row.result[1]:.3f}"
        definition = _CLINICAL.format(what=row.definition, when=_WHEN[row.when])
        yield Figure(
            *("clinical", f"{row.name}, {row.when}", value, row.unit, row.frames, "frames", definition),
            note=note,
            floor=own,
        )
