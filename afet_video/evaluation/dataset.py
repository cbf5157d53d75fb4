"""Many conversions measured, and what they have in common.

in: a folder of results -> out: `DatasetReport`.  Must not: print, or leave a file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from afet_video.datatypes import Progress, ProgressCallback
from afet_video.errors import AfetError, InputError
from afet_video.evaluation.figures import EvaluationReport, Figure, number
from afet_video.evaluation.run import evaluate
from afet_video.evaluation.unit_figures import UnitReport
from afet_video.evaluation.units import UnitSettings
from afet_video.metrics.agreement import Agreement
from afet_video.tracks import read_sidecar, sha256_file

SIDECARS = "*.afet.json"

_DEFINITION = "Median over results. {text}"


@dataclass(frozen=True, slots=True)
class DatasetReport:
    """What many conversions have in common.

    `reports`: of each result that could be measured, without series. `failures`: why the others could not be, by
    result. `figures`: medians over results, `error` their interquartile range, with how many meet the target. `units`:
    the paper's table with the counts of all results added up, None if units are off.
    """

    folder: Path
    reports: tuple[EvaluationReport, ...]
    failures: Mapping[str, str]
    figures: tuple[Figure, ...]
    units: UnitReport | None

    def to_mapping(self) -> dict[str, Any]:
        """Return the report as plain values for JSON."""
        return {
            "dataset": str(self.folder),
            "results": [report.to_mapping() for report in self.reports],
            "failures": dict(self.failures),
            "figures": [figure.to_mapping() for figure in self.figures],
            "units": None if self.units is None else self.units.to_mapping(),
        }


def evaluate_dataset(
    folder: str | Path,
    *,
    sources: str | Path | None = None,
    units: UnitSettings | None = None,
    on_progress: ProgressCallback | None = None,
) -> DatasetReport:
    """Measure all results in a folder and its subfolders: whatever has a side-car ``NAME.afet.json``.

    Parameters
    ----------
    folder : of the results, each with track and side-car.
    sources : where their sources are, also in subfolders; default: `folder` itself. They are told by name and content.
    units : who tells action units; default: the built-in AU proxy.
    on_progress : called with the stage of each result, whose number is put before it.

    Raises
    ------
    InputError
        If the folder is none, or holds no result that could be measured.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder")
    sidecars = sorted(folder.rglob(SIDECARS))
    if not sidecars:
        raise InputError(f"{folder} holds no result of afet-video: no file {SIDECARS}")
    where = _by_name(Path(sources) if sources is not None else folder)
    reports: list[EvaluationReport] = []
    failures: dict[str, str] = {}
    for place, sidecar in enumerate(sidecars, start=1):
        try:
            source, result = _files(sidecar, where)
            report = evaluate(
                source, result, units=units, on_progress=_numbered(on_progress, f"{place}/{len(sidecars)}")
            )
            reports.append(replace(report, series={}))
        except AfetError as error:
            failures[str(sidecar)] = str(error)
    if not reports:
        first = next(iter(failures.values()))
        raise InputError(f"{folder}: none of {len(sidecars)} results could be measured; the first because: {first}")
    return DatasetReport(folder, tuple(reports), failures, tuple(pooled_figures(reports)), _pooled_units(reports))


def _by_name(folder: Path) -> dict[str, list[Path]]:
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder")
    found: dict[str, list[Path]] = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            found.setdefault(path.name, []).append(path)
    return found


def _files(sidecar: Path, where: Mapping[str, Sequence[Path]]) -> tuple[Path, Path]:
    """Return source and result of a side-car."""
    told = read_sidecar(sidecar)
    video = told.get("outputs", {}).get("video")
    result = sidecar.with_name(str(video))
    if not video or not result.is_file():
        raise InputError(f"{sidecar} names {video} as its result, which is not beside it")
    source = told.get("source", {})
    candidates = [path for path in where.get(str(source.get("name")), ()) if path.resolve() != result.resolve()]
    for path in candidates:
        if not source.get("sha256") or sha256_file(path) == source["sha256"]:
            return path, result
    what = "is nowhere" if not candidates else "has another content"
    raise InputError(f"{result}: its source {source.get('name')} {what} in the folder searched: name it with --sources")


def _numbered(on_progress: ProgressCallback | None, number_: str) -> ProgressCallback | None:
    if on_progress is None:
        return None
    return lambda progress: on_progress(Progress(f"{number_} {progress.stage}", progress.done, progress.total))


def pooled_figures(reports: Sequence[EvaluationReport]) -> list[Figure]:
    """Return the median of each figure over the results that have it."""
    by_name: dict[tuple[str, str], list[Figure]] = {}
    for report in reports:
        for figure in report.figures:
            by_name.setdefault((figure.part, figure.name), []).append(figure)
    return [_pooled(figures) for figures in by_name.values()]


def _pooled(figures: Sequence[Figure]) -> Figure:
    first = figures[0]
    values = np.array([figure.value for figure in figures if figure.value is not None], np.float64)
    floors = [figure.floor for figure in figures if figure.floor is not None]
    judged = [figure.met for figure in figures if figure.met is not None]
    note = f"target met by {sum(judged)} of {len(judged)}" if judged else ""
    spread = None
    if len(values) > 1 and np.isfinite(values).all():
        low, high = np.quantile(values, [0.25, 0.75])
        spread = number(float(high - low))
    same = len({figure.target for figure in figures}) == 1
    return replace(
        first,
        value=number(float(np.median(values))) if len(values) else None,
        n=len(values),
        counted="results",
        definition=_DEFINITION.format(text=first.definition),
        target=first.target if same else (None, None),
        error=spread,
        note=note if len(values) else f"in none of {len(figures)} results: {first.note}",
        floor=number(float(np.median(floors))) if floors else None,
    )


def _pooled_units(reports: Sequence[EvaluationReport]) -> UnitReport | None:
    told = [report.units for report in reports if report.units is not None]
    if not told:
        return None
    rows: list[Agreement | None] = []
    for place in range(len(told[0].rows)):
        known = [row for row in (one.rows[place] for one in told) if row is not None]
        total = [sum(getattr(row, name) for row in known) for name in ("real", "generated", "both")]
        rows.append(Agreement(*total) if known else None)
    return UnitReport(
        told[0].title,
        told[0].note,
        tuple(rows),
        sum(one.frames for one in told),
        sum(one.expressive for one in told),
        (),
    )
