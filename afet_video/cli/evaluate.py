"""``afet-video evaluate``.

in: arguments -> out: a run of `afet_video.evaluate` or `afet_video.evaluation.sweep`, its figures on the screen.
Must not: measure or judge anything.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from afet_video.cli.failures import errors_as_lines

if TYPE_CHECKING:
    from afet_video.evaluation import EvaluationReport, Figure, SweepReport

_PIPE_WIDTH = 160
_SHARES = "0,0.25,0.5,0.75,1"

Source = Annotated[Path, typer.Argument(metavar="SOURCE", help="The video that was converted.")]
Result = Annotated[
    Path | None,
    typer.Argument(metavar="RESULT", help="What it was converted to. Not with --sweep.", show_default=False),
]
Tracks = Annotated[
    Path | None,
    typer.Option("--tracks", metavar="PATH", help="Its landmark track. Default: RESULT's name with .tracks.parquet."),
]
Sweep = Annotated[
    bool,
    typer.Option("--sweep", help="Convert SOURCE at several shares of movement kept, and measure how they follow."),
]
Shares = Annotated[str, typer.Option("--shares", metavar="F,F", help="With --sweep: the shares, 0 to 1.")]
SweepSide = Annotated[Literal["left", "right"], typer.Option("--side", help="With --sweep: the affected side.")]
Definitions = Annotated[bool, typer.Option("--definitions", help="Also print what each figure means.")]
EvaluateJson = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]
EvaluateQuiet = Annotated[bool, typer.Option("--quiet", help="Show no progress.")]


def evaluate(
    source: Source,
    result: Result = None,
    *,
    tracks: Tracks = None,
    sweep: Sweep = False,
    shares: Shares = _SHARES,
    side: SweepSide = "left",
    definitions: Definitions = False,
    as_json: EvaluateJson = False,
    quiet: EvaluateQuiet = False,
) -> None:
    """Measure how good a conversion is: movement kept as asked for, jitter, seam, what must not change."""
    if sweep == (result is not None):
        raise typer.BadParameter("give SOURCE and RESULT, or SOURCE and --sweep")
    with errors_as_lines(as_json=as_json):
        from afet_video import evaluation
        from afet_video.cli.interrupts import stoppable
        from afet_video.cli.progress import shown_progress

        with shown_progress(quiet=quiet) as bars, stoppable(bars) as on_progress:
            report: EvaluationReport | SweepReport
            if result is not None:
                report = evaluation.evaluate(source, result, tracks=tracks, on_progress=on_progress)
            else:
                settings = _sweep_settings(side)
                report = evaluation.sweep(source, shares=_numbers(shares), settings=settings, on_progress=on_progress)
        if as_json:
            typer.echo(json.dumps(report.to_mapping(), allow_nan=False))
        else:
            print_report(report, definitions=definitions)


def _sweep_settings(side: str) -> Any:
    from afet_video import ConvertSettings, PalsyProfile, Side

    return ConvertSettings(profile=PalsyProfile(Side(side)))


def _numbers(text: str) -> tuple[float, ...]:
    from afet_video.errors import SettingsError

    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise SettingsError(f'--shares "{text}": give numbers with commas, as in 0,0.5,1') from None


def print_report(
    report: EvaluationReport | SweepReport, *, definitions: bool = False, console: Console | None = None
) -> None:
    """Print what was measured, and a table with one line a figure."""
    console = console or Console()
    if not console.is_terminal:
        console.width = _PIPE_WIDTH
    console.print(Text(_title(report)))
    console.print(_table(report.figures))
    for warning in getattr(report, "warnings", ()):
        console.print(Text(f"warning: {warning}", style="yellow"))
    if definitions:
        for definition, names in _by_definition(report.figures).items():
            console.print(Text(f"{', '.join(names)}: {definition}"))


def _title(report: EvaluationReport | SweepReport) -> str:
    if hasattr(report, "shares"):
        return f"{report.source}: {report.frames} frames, converted at {', '.join(f'{s:g}' for s in report.shares)}"
    return f"{report.source} -> {report.result}: {report.frames} frames, {report.profile.side} side affected"


def _table(figures: Sequence[Figure]) -> Table:
    table = Table()
    for name in ("Part", "What"):
        table.add_column(name)
    for name in ("Value", "Source", "± SE", "n", "Target", "Met"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("Note")
    before = ""
    for figure in figures:
        if figure.part != before and before:
            table.add_section()
        table.add_row(*_cells(figure, "" if figure.part == before else figure.part))
        before = figure.part
    return table


def _cells(figure: Figure, part: str) -> Iterator[str]:
    yield part
    yield figure.name
    yield "n/a" if figure.value is None else f"{_short(figure.value)} {figure.unit}".rstrip()
    yield "" if figure.floor is None else _short(figure.floor)
    yield "" if figure.error is None else f"{figure.error:.2f}"
    yield f"{figure.n} {figure.counted}"
    yield _target(figure)
    yield {None: "", True: "yes", False: "no"}[figure.met]
    yield figure.note


def _short(value: float) -> str:
    return f"{value:.0f}" if float(value).is_integer() and abs(value) != 1 else f"{value:.3f}"


def _target(figure: Figure) -> str:
    low, high = figure.target
    if low is None and high is None:
        return ""
    if low is None:
        return f"<= {high:g}"
    return f">= {low:g}" if high is None else f"{low:g} to {high:g}"


def _by_definition(figures: Sequence[Figure]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for figure in figures:
        found.setdefault(figure.definition, []).append(f"{figure.part} ({figure.name})")
    return found
