"""``afet-video study make`` and ``study score``.

in: arguments -> out: a run of `afet_video.study`, what it says on the screen.  Must not: count or judge anything.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from afet_video.cli import options
from afet_video.cli.failures import FAILED, errors_as_lines

if TYPE_CHECKING:
    from afet_video.study import RaterScore, StudyScore

_PIPE_WIDTH = 160

study = typer.Typer(
    help="Find out whether people can tell generated items from real ones.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

NewFolder = Annotated[Path, typer.Argument(metavar="DIR", help="A new folder for the study.")]
Folder = Annotated[Path, typer.Argument(metavar="DIR", help="A folder made by study make.")]
Real = Annotated[
    list[Path], typer.Option("--real", metavar="PATH", help="A real picture or clip, or a folder of them; repeatable.")
]
Generated = Annotated[
    list[Path], typer.Option("--generated", metavar="PATH", help="The same of generated ones; repeatable.")
]
Seed = Annotated[int, typer.Option("--seed", metavar="N", help="Seed of the order.")]
MaxSide = Annotated[
    int, typer.Option("--max-side", metavar="PX", min=64, max=8192, help="Larger items are scaled down to this.")
]
Files = Annotated[list[Path], typer.Argument(metavar="DECISIONS.json...", help="What the raters saved.")]


@study.command("make")
def make(
    folder: NewFolder,
    *,
    real: Real,
    generated: Generated,
    seed: Seed = 0,
    max_side: MaxSide = 1024,
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
) -> None:
    """Mix real and generated items into a page for raters that works offline."""
    with errors_as_lines(as_json=as_json):
        from afet_video.cli.interrupts import stoppable
        from afet_video.cli.progress import shown_progress
        from afet_video.study import make_study

        with shown_progress(quiet=quiet) as bars, stoppable(bars) as on_progress:
            made = make_study(
                folder, real=real, generated=generated, seed=seed, max_side=max_side, on_progress=on_progress
            )
        if as_json:
            typer.echo(
                json.dumps(
                    {
                        "study": made.study,
                        "page": str(made.page),
                        "key": str(made.key),
                        "real": made.real,
                        "generated": made.generated,
                        "warnings": made.warnings,
                    }
                )
            )
        elif not quiet:
            typer.echo(f"{made.real} real and {made.generated} generated items, study {made.study}")
            typer.echo(f"For raters: the folder {made.page.parent}; they open {made.page.name} in a browser")
            typer.echo(f"For you alone: {made.key}")
            for warning in made.warnings:
                typer.echo(f"warning: {warning}", err=True)


@study.command("score")
def score(
    folder: Folder,
    files: Files,
    *,
    definitions: Annotated[bool, typer.Option("--definitions", help="Also print what each figure means.")] = False,
    as_json: options.AsJson = False,
) -> None:
    """Count what raters decided: the paper's Table I, with intervals, d' and Fleiss' kappa."""
    with errors_as_lines(as_json=as_json):
        from afet_video.study import score_study

        found = score_study(folder, files)
        if as_json:
            typer.echo(json.dumps(found.to_mapping(), allow_nan=False))
        else:
            print_score(found, definitions=definitions)
        for line in (*found.bad, *found.warnings):
            typer.echo(f"afet-video: {'error' if line in found.bad else 'warning'}: {line}", err=True)
        if found.bad:
            raise typer.Exit(FAILED)


def print_score(found: StudyScore, *, definitions: bool = False, console: Console | None = None) -> None:
    """Print a column for each rater and for all together, then the paper's."""
    from afet_video.study.score import DEFINITIONS, PAPER, paper_together

    console = console or Console()
    if not console.is_terminal:
        console.width = _PIPE_WIDTH
    console.print(Text(f"Study {found.study}: {found.items} items, {len(found.raters)} rater(s)"))
    console.print(_table([*found.raters, found.together]))
    kappa = "n/a" if found.kappa is None else f"{found.kappa:.2f}"
    console.print(Text(f"Fleiss' kappa: {kappa} ({found.kappa_note})"))
    console.print(Text("\nFor comparison, the paper's Table I, with the same formulas:"))
    console.print(_table([*PAPER, paper_together()]))
    note = "Fleiss' kappa: n/a (the answers to each picture are not published)"
    console.print(Text(f"{note}. There, pictures of patients were set against stills made by AFET."))
    if definitions:
        for name, definition in DEFINITIONS.items():
            console.print(Text(f"{name}: {definition}"), soft_wrap=True)


def _table(raters: list[RaterScore]) -> Table:
    table = Table()
    for name in ("Actual", "Labeled"):
        table.add_column(name)
    for rater in raters:
        table.add_column(rater.name, justify="right")
    for actual in ("generated", "real"):
        for labeled in ("generated", "real"):
            table.add_row(actual, labeled, *(str(getattr(rater, f"{actual}_as_{labeled}")) for rater in raters))
    table.add_section()
    for name in raters[0].shares():
        table.add_row(name, "", *(_share(*rater.shares()[name]) for rater in raters))
    for place, name in enumerate(("d'", "c")):
        table.add_row(name, "", *(_number(rater.signal()[place]) for rater in raters))
    return table


def _share(count: int, of: int) -> str:
    from afet_video.metrics.raters import wilson

    if not of:
        return "n/a"
    low, high = wilson(count, of)
    return f"{100 * count / of:.0f} % ({100 * low:.0f} to {100 * high:.0f})"


def _number(value: float) -> str:
    return f"{value:.2f}".replace("-0.00", "0.00") if math.isfinite(value) else "n/a"
