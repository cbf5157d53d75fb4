"""Asymmetry at rest and in movement, and the clinical measures, as a change from the source's own.

in: a conversion -> out: rows, figures.  Must not: decode.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from afet_video.datatypes import ZONES, Side
from afet_video.evaluation.figures import Figure
from afet_video.evaluation.inputs import Conversion
from afet_video.metrics.clinical import MEASURES, asymmetry_index, resting_asymmetry, side_values
from afet_video.metrics.movement import CLEAR, MESH478, zone_excursion

FitArray = NDArray[np.float64]

PEAK_SHARE = 0.9
"""A measure's peak: the frames with the largest change of the source's healthy side from rest, from here on."""

_TOLERANCE = 0.15
_FEWEST = 4

_RESTING = (
    "Mean distance of each landmark from its twin's mirror image, head-fixed, median over frames at rest; by the "
    "track. Beside it the source's own."
)
_DYNAMIC = (
    "(h - a) / (h + a), h and a being how far the healthy and the affected zone are from their place at rest, median "
    "over the frames in which the source's healthy zone moves clearly; by the track. Beside it the source's own. The "
    "target follows from that and from the share asked for; what the jaw moves on both sides makes it smaller."
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
            pairs = [
                tuple(_median(values[side][frames]) for side in (Side.LEFT, Side.RIGHT)) for values in (before, after)
            ]
            rows.append(
                ClinicalRow(
                    measure.name,
                    measure.unit,
                    when,
                    pairs[0],
                    pairs[1],
                    int(frames.sum()),
                    measure.definition,  # type: ignore[arg-type]
                )
            )
    return rows


def _peak(values: FitArray, rest: NDArray[np.bool_]) -> NDArray[np.bool_]:
    good = np.isfinite(values)
    if not good.any():
        return good
    usual = np.median(values[rest & good]) if (rest & good).any() else np.median(values[good])
    change = np.where(good, np.abs(values - usual), -1.0)
    return np.asarray(good & (change >= np.quantile(change[good], PEAK_SHARE)), bool)


def _median(values: FitArray) -> float | None:
    return round(float(np.median(values)), 6) if len(values) else None


def asymmetry_figures(conversion: Conversion, source: FitArray, result: FitArray) -> Iterator[Figure]:
    """Yield resting asymmetry, and each zone's dynamic asymmetry, from head-fixed landmarks."""
    part = "asymmetry"
    before, after = (resting_asymmetry(fixed) for fixed in (source, result))
    frames = conversion.rest & np.isfinite(before + after)
    value, own = (_median(values[frames]) for values in (after, before))
    note = "no frame is at rest" if value is None or own is None else f"change {value - own:+.4f}"
    if conversion.made.profile.droop > 0:
        note += "; the profile asks for droop"
    yield Figure(part, "at rest", value, "iod", int(frames.sum()), "frames", _RESTING, note=note, floor=own)
    for zone, kept in zip(ZONES, conversion.made.profile.kept, strict=True):
        yield _dynamic(conversion, zone, kept, source, result)


def zone_movement(fixed: FitArray, zone: str, side: Side, rest: NDArray[np.bool_]) -> FitArray:
    """Return how far (T,) a zone is from its median place at rest, inter-ocular distances."""
    place = zone_excursion(fixed, zone, side, MESH478)
    good = np.isfinite(place).all(axis=1)
    calm = place[rest & good] if (rest & good).any() else place[good]
    if not len(calm):
        return np.full(len(fixed), np.nan)
    return np.asarray(np.linalg.norm(place - np.median(calm, axis=0), axis=1), np.float64)


def _dynamic(conversion: Conversion, zone: str, kept: float, source: FitArray, result: FitArray) -> Figure:
    sides = (conversion.side.other, conversion.side)
    (h0, a0), (h1, a1) = (
        [zone_movement(fixed, zone, side, conversion.rest) for side in sides] for fixed in (source, result)
    )
    moving = np.isfinite(h0 + a0 + h1 + a1) & (h0 > CLEAR)
    n = int(moving.sum())
    part, name = "asymmetry", f"{zone}, moving"
    if n < _FEWEST:
        note = f"the healthy side moves clearly in {n} frames only, {_FEWEST} are needed"
        return Figure(part, name, None, "", n, "frames", _DYNAMIC, note=note)
    own, value = (_median(asymmetry_index(h, a)[moving]) for h, a in ((h0, a0), (h1, a1)))
    expected = float(np.median(asymmetry_index(h0, kept * a0)[moving]))
    target = (round(expected - _TOLERANCE, 6), round(min(expected + _TOLERANCE, 1.0), 6))
    note = f"asked for {kept:.2f}"
    return Figure(part, name, value, "", n, "frames", _DYNAMIC, target, note=note, floor=own)


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
