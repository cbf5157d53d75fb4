"""``afet-video bench``.

in: arguments -> out: a run of `bench.run_bench`, its figures on the screen.  Must not: measure or judge anything.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from afet_video.cli.failures import errors_as_lines

if TYPE_CHECKING:
    from afet_video.bench import BenchReport, Figure

_PIPE_WIDTH = 160

Clip = Annotated[
    Path | None,
    typer.Argument(metavar="CLIP", help="A video of a face that moves. Default: samples/webcam.mp4 of the clone."),
]
Heights = Annotated[
    str | None,
    typer.Option(
        "--heights",
        metavar="ROWS,ROWS",
        help="Heights that the clip is scaled to and converted at. Default: 480,720,1080,1440,2160; "
        "1080 for --only functions.",
    ),
]
Frames = Annotated[
    int | None,
    typer.Option(
        "--frames",
        min=2,
        metavar="N",
        help="Take the first N frames only. Default: 150 in conversions, 60 above 1080 rows; all for the kernel.",
    ),
]
Only = Annotated[
    Literal["kernel", "naive", "convert", "memory", "startup", "live", "functions"] | None,
    typer.Option(
        "--only",
        help="Measure one part only. Two are measured only if they are named: live, a live session; functions, those "
        "that take most processor time in each pass.",
    ),
]
Seconds = Annotated[
    float, typer.Option("--seconds", min=1, max=86_400, metavar="N", help="How long a live session runs.")
]
BenchJson = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]


def bench(
    clip: Clip = None,
    *,
    heights: Heights = None,
    frames: Frames = None,
    only: Only = None,
    seconds: Seconds = 30.0,
    as_json: BenchJson = False,
) -> None:
    """Measure how fast afet-video is on this machine: the splice, the paper's way, conversions, memory, start-up."""
    with errors_as_lines(as_json=as_json):
        from afet_video.bench import BenchSettings, run_bench  # loads the stages: `--help` stays quick

        settings = BenchSettings(clip, None if heights is None else _heights(heights), frames, only, seconds)
        with _shown_steps() as on_step:
            report = run_bench(settings, on_step=on_step)
        if as_json:
            typer.echo(json.dumps(asdict(report), allow_nan=False))
        else:
            print_report(report)


def _heights(text: str) -> tuple[int, ...]:
    from afet_video.errors import SettingsError

    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise SettingsError(f'--heights "{text}": give whole numbers with commas, as in 480,1080') from None


@contextmanager
def _shown_steps() -> Iterator[Callable[[str], None]]:
    """Give a callback that shows on a terminal what is being measured."""
    console = Console(stderr=True)
    with console.status("starting") as status:
        yield status.update


def print_report(report: BenchReport, *, console: Console | None = None) -> None:
    """Print the machine, and a table with one line a figure."""
    console = console or Console()
    if not console.is_terminal:
        console.width = _PIPE_WIDTH
    machine = report.machine
    console.print(Text(f"{report.date}  {machine['cpu']}, {machine['cores']} cores, {machine['system']}"))
    console.print(Text(", ".join(f"{name} {version}" for name, version in report.versions.items())))
    table = Table(title=f"Clip: {report.clip}. Median of the runs, interquartile range (IQR)", title_justify="left")
    for name in ("Part", "What"):
        table.add_column(name)
    for name in ("Median", "IQR", "A frame", "Runs", "Target"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("Note")
    before = ""
    for figure in report.figures:
        if figure.part != before and before:
            table.add_section()
        before = figure.part
        table.add_row(*_cells(figure))
    console.print(table)
    for reason in report.skipped:
        console.print(Text(f"skipped: {reason}", style="yellow"))


def _cells(figure: Figure) -> Iterator[str]:
    digits = 0 if figure.unit == "MB" else 2
    yield figure.part
    yield figure.name
    yield f"{figure.median:.{digits}f} {figure.unit}"
    yield f"{figure.iqr:.{digits}f}" if figure.runs > 1 else ""
    yield "" if figure.frame_ms is None else f"{figure.frame_ms:.2f} ms"
    yield str(figure.runs) if figure.runs else "quoted"
    yield "" if figure.target is None else f"{figure.target:g} {figure.unit}"
    yield figure.note
