"""``afet-video evaluate``.

in: arguments -> out: a run of `afet_video.evaluate` or `afet_video.evaluation.sweep`, its figures on the screen.
Must not: measure or judge anything.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from afet_video.cli.failures import FAILED, errors_as_lines
from afet_video.cli.figures_table import print_report

if TYPE_CHECKING:
    from afet_video.evaluation import DatasetReport, EvaluationReport, SweepReport

_SHARES = "0,0.25,0.5,0.75,1"

Source = Annotated[
    Path | None,
    typer.Argument(metavar="SOURCE", help="The video that was converted. Not with --dataset.", show_default=False),
]
Result = Annotated[
    Path | None,
    typer.Argument(
        metavar="RESULT", help="What it was converted to. Not with --sweep or --dataset.", show_default=False
    ),
]
Tracks = Annotated[
    Path | None,
    typer.Option("--tracks", metavar="PATH", help="Its landmark track. Default: RESULT's name with .tracks.parquet."),
]
Dataset = Annotated[
    Path | None,
    typer.Option("--dataset", metavar="FOLDER", help="Measure all results in a folder and its subfolders."),
]
Sources = Annotated[
    Path | None,
    typer.Option(
        "--sources", metavar="FOLDER", help="With --dataset: where the sources are. Default: the same folder."
    ),
]
Sweep = Annotated[
    bool,
    typer.Option("--sweep", help="Convert SOURCE at several shares of movement kept, and measure how they follow."),
]
Shares = Annotated[str, typer.Option("--shares", metavar="F,F", help="With --sweep: the shares, 0 to 1.")]
SweepSide = Annotated[Literal["left", "right"], typer.Option("--side", help="With --sweep: the affected side.")]
ReportPath = Annotated[
    Path | None,
    typer.Option("--report", metavar="HTML", help="Also write a report: one file with videos, plots and tables."),
]
Units = Annotated[
    str,
    typer.Option(
        "--units",
        metavar="WHO",
        help="Who tells action units: proxy, opengraphau:model.pt, table:FOLDER, or off.",
    ),
]
ExportHalves = Annotated[
    Path | None,
    typer.Option(
        "--export-halves", metavar="FOLDER", help="Write videos of mirrored half faces there, for AU detectors; stop."
    ),
]
EvaluateOverwrite = Annotated[bool, typer.Option("--overwrite", help="Replace a report that exists already.")]
Definitions = Annotated[bool, typer.Option("--definitions", help="Also print what each figure means.")]
EvaluateJson = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]
EvaluateQuiet = Annotated[bool, typer.Option("--quiet", help="Show no progress.")]


def evaluate(
    source: Source = None,
    result: Result = None,
    *,
    tracks: Tracks = None,
    report: ReportPath = None,
    units: Units = "proxy",
    export_halves: ExportHalves = None,
    dataset: Dataset = None,
    sources: Sources = None,
    sweep: Sweep = False,
    shares: Shares = _SHARES,
    side: SweepSide = "left",
    overwrite: EvaluateOverwrite = False,
    definitions: Definitions = False,
    as_json: EvaluateJson = False,
    quiet: EvaluateQuiet = False,
) -> None:
    """Measure how good a conversion is: movement kept as asked for, jitter, seam, units, what must not change."""
    _check_use(source, result, dataset, sweep=sweep, report=report, export_halves=export_halves)
    with errors_as_lines(as_json=as_json):
        from afet_video import evaluation
        from afet_video.cli.interrupts import stoppable
        from afet_video.cli.progress import shown_progress
        from afet_video.evaluation.units import UnitSettings

        told = UnitSettings.parse(units)
        if export_halves is not None:
            assert source is not None
            assert result is not None
            paths = evaluation.export_half_faces(source, result, export_halves, tracks=tracks, overwrite=overwrite)
            typer.echo(json.dumps([str(path) for path in paths]) if as_json else "\n".join(map(str, paths)))
            return
        if report is not None:
            evaluation.check_report(report, overwrite=overwrite)
        found: EvaluationReport | SweepReport | DatasetReport
        with shown_progress(quiet=quiet) as bars, stoppable(bars) as on_progress:
            if dataset is not None:
                found = evaluation.evaluate_dataset(dataset, sources=sources, units=told, on_progress=on_progress)
            elif result is not None and source is not None:
                found = measured = evaluation.evaluate(
                    source, result, tracks=tracks, units=told, on_progress=on_progress
                )
                if report is not None:
                    evaluation.write_report(measured, report, overwrite=overwrite)
            else:
                assert source is not None
                settings = _sweep_settings(side)
                found = evaluation.sweep(source, shares=_numbers(shares), settings=settings, on_progress=on_progress)
        if as_json:
            typer.echo(json.dumps(found.to_mapping(), allow_nan=False))
        else:
            print_report(found, definitions=definitions)
            if report is not None:
                typer.echo(f"report: {report}")
        if getattr(found, "failures", {}):
            raise typer.Exit(FAILED)


def _check_use(
    source: Path | None,
    result: Path | None,
    dataset: Path | None,
    *,
    sweep: bool,
    report: Path | None,
    export_halves: Path | None,
) -> None:
    pair = source is not None and result is not None
    if (source is not None) == (dataset is not None) or (source is not None and sweep == (result is not None)):
        raise typer.BadParameter("give SOURCE and RESULT, or SOURCE and --sweep, or --dataset FOLDER")
    if dataset is not None and sweep:
        raise typer.BadParameter("--sweep goes with SOURCE alone")
    if not pair and (report is not None or export_halves is not None):
        raise typer.BadParameter("--report and --export-halves go with SOURCE and RESULT")


def _sweep_settings(side: str) -> Any:
    from afet_video import ConvertSettings, PalsyProfile, Side

    return ConvertSettings(profile=PalsyProfile(Side(side)))


def _numbers(text: str) -> tuple[float, ...]:
    from afet_video.errors import SettingsError

    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise SettingsError(f'--shares "{text}": give numbers with commas, as in 0,0.5,1') from None
