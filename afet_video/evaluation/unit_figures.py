"""The paper's figures from action units of half faces.

in: units of both videos -> out: `UnitReport` with a table and figures.  Must not: detect units.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afet_video.datatypes import Side
from afet_video.evaluation.figures import Figure, number
from afet_video.evaluation.inputs import Conversion
from afet_video.evaluation.units import HalfFaces, UnitBackend, UnitScores
from afet_video.evaluation.units import names as paper
from afet_video.evaluation.units.faces import SIDES
from afet_video.metrics.agreement import Agreement, agreement, asymmetry_degree, jaccard

BoolArray = NDArray[np.bool_]

_FEWEST = 4
_OVER = "over frames in which the source's healthy half has any"
_BOTH = (
    "Mean Jaccard index of the sets of active {title}s, the healthy half against the source's and the affected half "
    f"against the person's neutral, {_OVER}; two empty sets agree. Beside it: the source in the result's place."
)
_EXPRESSIVE = f"The same of the healthy half alone, {_OVER}."
_ASYMMETRY = f"1 - Jaccard(left, right) of the active {{title}}s of a frame, mean {_OVER}. Beside it the source's own."
_NUMBER = f"Mean number of {{title}}s that are active on either side, {_OVER}. Beside it the source's own."


@dataclass(frozen=True, slots=True)
class UnitReport:
    """What units say: `rows` as in the paper's Table II (None = the back-end does not know the unit).

    `frames`: how many were looked at; `expressive`: in how many the source's healthy half has any unit.
    """

    title: str
    note: str
    rows: tuple[Agreement | None, ...]
    frames: int
    expressive: int
    figures: tuple[Figure, ...]

    def to_mapping(self) -> dict[str, Any]:
        """Return the table as plain values for JSON, the paper's numbers included."""
        return {
            "title": self.title,
            "note": self.note,
            "frames": self.frames,
            "expressive_frames": self.expressive,
            "units": [_row(unit, row) for unit, row in zip(paper.UNITS, self.rows, strict=True)],
            "paper_note": paper.WHAT_DIFFERS,
        }


def _row(unit: paper.Unit, row: Agreement | None) -> dict[str, Any]:
    theirs = {
        "precision": unit.precision,
        "recall": unit.recall,
        "f_score": unit.f_score,
        "real": unit.real,
        "generated": unit.generated,
    }
    ours = None
    if row is not None:
        ours = {"precision": row.precision, "recall": row.recall, "f_score": row.f_score}
        ours = {name: None if value is None else number(value) for name, value in ours.items()}
        ours |= {"real": row.real, "generated": row.generated}
    return {"unit": unit.code, "name": unit.name, "ours": ours, "paper": theirs}


def measure_units(
    conversion: Conversion, backend: UnitBackend, *, frames: int, on_frame: Callable[[], None]
) -> UnitReport:
    """Look at both videos and return what their units say.

    Parameters
    ----------
    frames : how many frames are looked at, evenly spaced.
    on_frame : called once a frame and video.
    """
    source, result = half_faces(conversion, frames, on_frame)
    before, after = backend.scores(source, result)
    return unit_report(backend.title, backend.note, before, after, source.neutral, source.frames, conversion.side)


def half_faces(
    conversion: Conversion, frames: int | None, on_frame: Callable[[], None] = lambda: None
) -> tuple[HalfFaces, HalfFaces]:
    """Return the half faces of source and result at `frames` evenly spaced frames (None = all)."""
    total = len(conversion.tracks)
    step = 1 if frames is None else max(int(np.ceil(total / frames)), 1)
    chosen = tuple(range(0, total, step))
    neutral = tuple(frame for frame in chosen if conversion.rest[frame])
    if not neutral and conversion.rest.any():  # rest may lie between the frames that were chosen
        neutral = tuple(np.flatnonzero(conversion.rest)[:5].tolist())
        chosen = tuple(sorted({*chosen, *neutral}))
    before, after = (
        HalfFaces(role, reader, chosen, conversion.source_xyz, conversion.midline, neutral, on_frame)
        for role, reader in (("source", conversion.source), ("result", conversion.result))
    )
    return before, after


def unit_report(
    title: str,
    note: str,
    before: UnitScores,
    after: UnitScores,
    neutral: tuple[int, ...],
    frames: tuple[int, ...],
    side: Side,
) -> UnitReport:
    """Return table and figures from the scores of both videos; `side` is the affected one."""
    known = before.known & after.known
    seen = np.isfinite(before.scores[..., known]).all(axis=(1, 2)) & np.isfinite(after.scores[..., known]).all(
        axis=(1, 2)
    )
    healthy, affected = SIDES.index(side.other), SIDES.index(side)
    one, other = before.active[..., known], after.active[..., known]
    use = seen & one[:, healthy].any(axis=1)
    rest = _usual(one[seen & np.isin(frames, neutral), affected])
    rows: list[Agreement | None] = [None] * len(paper.UNITS)
    n = int(use.sum())
    if n >= _FEWEST:
        real = np.concatenate([one[use, healthy], np.repeat(rest[None], n, axis=0)])
        generated = np.concatenate([other[use, healthy], other[use, affected]])
        for place, row in zip(np.flatnonzero(known), agreement(real, generated), strict=True):
            rows[int(place)] = row
    figures = tuple(_figures(title, one[use], other[use], rest, (healthy, affected)))
    return UnitReport(title, note, tuple(rows), int(seen.sum()), n, figures)


def _usual(active: BoolArray) -> BoolArray:
    """Return the units that more than half of the frames at rest (F, U) show."""
    return np.asarray(active.mean(axis=0) > 0.5, bool) if len(active) else np.zeros(active.shape[1], bool)


def _figures(title: str, one: BoolArray, other: BoolArray, rest: BoolArray, sides: tuple[int, int]) -> Iterator[Figure]:
    healthy, affected = sides
    n = len(one)
    whys = "" if n >= _FEWEST else f"the source's healthy half has a unit in {n} frames only, {_FEWEST} are needed"

    def figure(name: str, value: float, floor: float, definition: str, note: str) -> Figure:
        if whys:
            return Figure(title, name, None, "", n, "frames", definition.format(title=title), note=whys)
        return Figure(
            *(title, name, number(value), "", n, "frames", definition.format(title=title)),
            note=note,
            floor=number(floor),
        )

    def mean(values: NDArray[np.float64]) -> float:
        return float(values.mean()) if len(values) else float("nan")

    def both(halves: BoolArray) -> float:
        return (mean(jaccard(halves[:, healthy], one[:, healthy])) + mean(jaccard(halves[:, affected], rest))) / 2

    expressive = mean(jaccard(other[:, healthy], one[:, healthy]))
    yield figure("Jaccard, both halves", both(other), both(one), _BOTH, f"paper {paper.PAPER_JACCARD_BOTH:.3f}")
    yield figure(
        "Jaccard, expressive half", expressive, 1.0, _EXPRESSIVE, f"paper {paper.PAPER_JACCARD_EXPRESSIVE:.3f}"
    )
    degrees = [mean(asymmetry_degree(x[:, 0], x[:, 1])) for x in (other, one)]
    theirs = f"paper {paper.PAPER_ASYMMETRY_GENERATED:.3f}, patients {paper.PAPER_ASYMMETRY_REAL:.3f}"
    yield figure("degree of asymmetry", degrees[0], degrees[1], _ASYMMETRY, theirs)
    counts = [x.any(axis=1).sum(axis=1).astype(np.float64) for x in (other, one)]
    deviation = f"SD {counts[0].std():.1f}; " if n else ""
    theirs = f"{deviation}paper {paper.PAPER_NUMBER_GENERATED[0]}, patients {paper.PAPER_NUMBER_REAL[0]}"
    yield figure("number of units", mean(counts[0]), mean(counts[1]), _NUMBER, theirs)
