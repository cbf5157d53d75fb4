"""Methods compared on one clip, from top to bottom.

in: a video, results or methods -> out: `Comparison`.  Must not: print.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from afet_video.comparison.liveportrait import LivePortraitSettings
from afet_video.comparison.make import made_results
from afet_video.comparison.methods import OURS, chosen_methods
from afet_video.comparison.sheet import comparison_sheet
from afet_video.datatypes import FloatArray, Progress, ProgressCallback, unreported
from afet_video.draw import write_png
from afet_video.errors import InputError, OutputError, SettingsError
from afet_video.evaluation import EvaluationReport, Figure, evaluate
from afet_video.evaluation.heads import detected_again
from afet_video.evaluation.inputs import open_conversion
from afet_video.evaluation.run import counter
from afet_video.evaluation.units import UnitSettings
from afet_video.outputs import Outputs
from afet_video.passes.settings import ConvertSettings
from afet_video.tracks import load_tracks

HEADLINES = (
    *(("movement kept", f"{zone}, track") for zone in ("brow", "eye", "cheek", "commissure", "lower_lip")),
    *(("movement kept", f"{zone}, found again") for zone in ("brow", "eye", "cheek", "commissure", "lower_lip")),
    ("jitter", "affected side, found again"),
    ("midline", "jitter"),
    ("midline", "lag"),
    ("seam", "gradient, 95th percentile"),
    ("seam", "line, 95th percentile"),
    ("healthy half", "largest"),
    ("rest", "result against source"),
    ("rest", "liveness"),
    ("outside the face", "samples changed"),
)
"""The figures that are shown unless all are asked for."""


@dataclass(frozen=True, slots=True)
class ComparedMethod:
    """One column: its name, `what` it does, its figures, or why there are none (`missing`)."""

    name: str
    what: str
    report: EvaluationReport | None
    missing: str = ""

    def figure(self, part: str, name: str) -> Figure | None:
        """Return a figure, None if there is none."""
        if self.report is None:
            return None
        with contextlib.suppress(KeyError):
            return self.report.find(part, name)
        return None


@dataclass(frozen=True, slots=True)
class Comparison:
    """All methods, in order, on one source."""

    source: Path
    methods: tuple[ComparedMethod, ...]

    def rows(self, *, everything: bool = False) -> list[tuple[str, str]]:
        """Return part and name of the figures to show: the headlines, or everything that any method has."""
        found = [
            (figure.part, figure.name)
            for one in self.methods
            if one.report is not None
            for figure in one.report.figures
        ]
        all_rows = list(dict.fromkeys(found))
        return all_rows if everything else [row for row in HEADLINES if row in all_rows]

    def to_mapping(self) -> dict[str, Any]:
        """Return the comparison as plain values for JSON."""
        return {
            "source": str(self.source),
            "methods": [
                {
                    "name": one.name,
                    "what": one.what,
                    "missing": one.missing or None,
                    "report": None if one.report is None else one.report.to_mapping(),
                }
                for one in self.methods
            ],
        }


def compare_results(
    source: str | Path,
    results: Sequence[str | Path],
    *,
    sheet: str | Path | None = None,
    units: UnitSettings | None = None,
    overwrite: bool = False,
    on_progress: ProgressCallback | None = None,
) -> Comparison:
    """Measure several results of one source, each with its track and side-car beside it.

    Parameters
    ----------
    source : the video that was converted.
    results : what it was converted to; at least one.
    sheet : PNG to write with source and results at the strongest expressions.
    units : who tells action units, as for `evaluate`; default: nobody, which saves much time.
    overwrite : whether an existing sheet may be replaced.
    on_progress : called with the frames done.

    Raises
    ------
    InputError, TrackFileError
        If the files do not belong together, or cannot be read.
    """
    paths = [Path(result) for result in results]
    if not paths:
        raise SettingsError("nothing to compare: name results of the source, or --baselines")
    names = _short_names(paths)
    named = [(name, str(path), path) for name, path in zip(names, paths, strict=True)]
    return _compare(Path(source), iter(named), [], sheet, units, overwrite, on_progress or unreported)


def compare_methods(
    source: str | Path,
    names: Sequence[str] = ("all",),
    *,
    settings: ConvertSettings | None = None,
    liveportrait: LivePortraitSettings | None = None,
    keep: str | Path | None = None,
    sheet: str | Path | None = None,
    units: UnitSettings | None = None,
    overwrite: bool = False,
    on_progress: ProgressCallback | None = None,
) -> Comparison:
    """Change a video by the method of `convert` and by others, and measure all of them.

    Parameters
    ----------
    source : video with a face that moves.
    names : of `METHODS`, or "all"; that of `convert` is always there.
    settings : as for `convert`.
    liveportrait : how the baselines with LivePortrait are made. What is missing for them is said in their columns.
    keep : an empty or new folder in which the results stay; default: they are deleted.
    sheet, units, overwrite, on_progress : as for `compare_results`.

    Raises
    ------
    SettingsError
        If there is no such method, or none of those asked for can be run here.
    AfetError
        As `convert` does.
    """
    methods = chosen_methods(names, liveportrait)
    lacks = {one.name: one.missing() for one in methods}
    _check_any_runs(lacks)
    able = [one for one in methods if not lacks[one.name]]
    absent = [
        ComparedMethod(one.name, one.what, None, "; ".join(lacks[one.name])) for one in methods if one not in able
    ]
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="afet-compare-")) if keep is None else keep
        made = made_results(
            Path(source), _folder(Path(folder)), able, settings or ConvertSettings(), on_progress or unreported
        )
        named = ((method.name, method.what, target) for method, target in made)
        return _compare(Path(source), named, absent, sheet, units, overwrite, on_progress or unreported)


def _check_any_runs(lacks: Mapping[str, tuple[str, ...]]) -> None:
    """Refuse to run the method of `convert` alone, if others were asked for; `lacks`: reasons by name."""
    asked = [name for name in lacks if name != OURS]
    if asked and all(lacks[name] for name in asked):
        reasons = dict.fromkeys(reason for name in asked for reason in lacks[name])
        raise SettingsError(f"cannot run {' or '.join(asked)}: {'; '.join(reasons)}")


def _compare(
    source: Path,
    results: Iterator[tuple[str, str, Path]],
    absent: list[ComparedMethod],
    sheet: str | Path | None,
    units: UnitSettings | None,
    overwrite: bool,
    on_progress: ProgressCallback,
) -> Comparison:
    """Measure results (name, what it is, path) as they come; the source's landmarks are found again once."""
    if sheet is not None and Path(sheet).suffix.lower() != ".png":
        raise OutputError(f"{sheet}: a contact sheet is a PNG file, give a name that ends in .png")
    with Outputs(overwrite=overwrite) as outputs:
        to_sheet = None if sheet is None else outputs.path_for(Path(sheet))
        compared, reports, paths, floor = [], [], [], _Floor()
        for name, what, path in results:
            again = floor.of(source, path, on_progress)
            report = evaluate(
                source,
                path,
                source_again=again,
                units=units or UnitSettings("off"),
                on_progress=_renamed(name, on_progress),
            )
            compared.append(ComparedMethod(name, what, report))
            reports.append(report)
            paths.append((name, path))
        if to_sheet is not None:
            tracks = load_tracks(reports[0].tracks)
            write_png(to_sheet, comparison_sheet(source, paths, tracks), target=Path(str(sheet)))
    return Comparison(source, (*compared, *absent))


class _Floor:
    """The source's landmarks found again, kept as long as the results' tracks agree on whose face it is."""

    def __init__(self) -> None:
        self._expected: FloatArray | None = None
        self._found: FloatArray | None = None

    def of(self, source: Path, result: Path, on_progress: ProgressCallback) -> FloatArray:
        conversion = open_conversion(source, result)
        expected = conversion.source_xyz
        same = self._expected is not None and np.array_equal(self._expected, expected, equal_nan=True)
        if self._found is None or not same:
            count = counter("detect source", len(conversion.tracks), on_progress)
            self._found = detected_again(conversion.source, expected, conversion.made.landmarker, count)
            self._expected = expected
        return self._found


def _renamed(name: str, on_progress: ProgressCallback) -> ProgressCallback:
    def report(progress: Progress) -> None:
        on_progress(Progress(f"{name}: {progress.stage}", progress.done, progress.total))

    return report


def _folder(path: Path) -> Path:
    if path.is_file():
        raise OutputError(f"{path} is a file: --keep takes a folder")
    if path.is_dir() and any(path.iterdir()):
        raise OutputError(f"{path} is not empty: --keep takes a new or empty folder")
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot create {path}: {error.strerror or error}") from error
    return path


def _short_names(paths: Sequence[Path]) -> list[str]:
    """Return names for the columns: stems, or whole paths where two stems are alike."""
    if len({path.absolute() for path in paths}) < len(paths):
        raise InputError("a result is named twice: name each once")
    stems = [path.stem for path in paths]
    return stems if len(set(stems)) == len(stems) else [str(path) for path in paths]
