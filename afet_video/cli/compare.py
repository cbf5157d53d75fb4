"""``afet-video compare``.

in: arguments -> out: a run of `afet_video.comparison`, its figures on the screen.  Must not: measure or judge anything.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from afet_video.cli import options
from afet_video.cli.failures import errors_as_lines

if TYPE_CHECKING:
    from afet_video.comparison import Comparison
    from afet_video.evaluation import Figure

_PIPE_WIDTH = 200
_LIVEPORTRAIT = "Baselines with LivePortrait"

Source = Annotated[Path, typer.Argument(metavar="SOURCE", help="The video that was, or is to be, converted.")]
Results = Annotated[
    list[Path] | None,
    typer.Argument(metavar="RESULT...", help="What it was converted to. Not with --baselines.", show_default=False),
]
Baselines = Annotated[
    str | None,
    typer.Option(
        "--baselines",
        metavar="NAME,NAME|all",
        help="Change SOURCE by the method of convert and by simpler ones: direct-stitch, cross-fade, vertical-midline, "
        "raw-lowess, linear-ramp, liveportrait-direct, liveportrait-columns.",
    ),
]
Keep = Annotated[Path | None, typer.Option("--keep", metavar="DIR", help="With --baselines: keep the results there.")]
Sheet = Annotated[
    Path | None, typer.Option("--output", "-o", metavar="PNG", help="Contact sheet at the strongest expressions.")
]
Everything = Annotated[bool, typer.Option("--all", help="Show all figures, not only the main ones.")]
Units = Annotated[
    str,
    typer.Option(
        "--units",
        metavar="BACKEND[:PATH]",
        help="Who tells action units, as for evaluate; with --all and --json. Default: off, which saves much time.",
    ),
]
Markdown = Annotated[bool, typer.Option("--markdown", help="Print the table in Markdown.")]
SideOption = Annotated[
    str | None, typer.Option("--side", metavar="left|right", help="With --baselines: as for convert.")
]
PalsyPicture = Annotated[
    Path | None,
    typer.Option(
        "--palsy-picture",
        metavar="IMAGE",
        help="A picture of a person with a palsy, which drives liveportrait-direct.",
        rich_help_panel=_LIVEPORTRAIT,
    ),
]
Intermediates = Annotated[
    int | None,
    typer.Option(
        "--intermediates",
        metavar="N",
        help="How many pictures liveportrait-columns paints for each frame. "
        "Default: one for each column from the midline to the edge of the face, as in the paper.",
        rich_help_panel=_LIVEPORTRAIT,
    ),
]
Backend = Annotated[
    Literal["torch", "onnx"],
    typer.Option("--backend", help="What runs LivePortrait.", rich_help_panel=_LIVEPORTRAIT),
]
Device = Annotated[
    str,
    typer.Option(
        "--device",
        metavar="auto|cpu|cuda",
        help="Where torch runs; auto: on a GPU if there is one.",
        rich_help_panel=_LIVEPORTRAIT,
    ),
]


def compare(
    source: Source,
    results: Results = None,
    *,
    baselines: Baselines = None,
    keep: Keep = None,
    output: Sheet = None,
    everything: Everything = False,
    units: Units = "off",
    markdown: Markdown = False,
    side: SideOption = None,
    profile: options.Profile = None,
    settings: options.SettingsFile = None,
    palsy_picture: PalsyPicture = None,
    intermediates: Intermediates = None,
    backend: Backend = "torch",
    device: Device = "auto",
    overwrite: options.Overwrite = False,
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
) -> None:
    """Measure several results of one source, or several methods on it, side by side."""
    if bool(results) == (baselines is not None):
        raise typer.BadParameter("give SOURCE and results of it, or SOURCE and --baselines")
    if baselines is None and (keep or side or profile or settings or palsy_picture or intermediates is not None):
        raise typer.BadParameter(
            "--keep, --side, --profile, --settings, --palsy-picture and --intermediates go with --baselines only"
        )
    with errors_as_lines(as_json=as_json):
        from afet_video.cli.convert import chosen_settings
        from afet_video.cli.interrupts import stoppable
        from afet_video.cli.progress import shown_progress
        from afet_video.comparison import LivePortraitSettings, compare_methods, compare_results
        from afet_video.evaluation.units import UnitSettings

        told = UnitSettings.parse(units)
        with shown_progress(quiet=quiet) as bars, stoppable(bars) as on_progress:
            if baselines is None:
                compared = compare_results(
                    source, results or (), sheet=output, units=told, overwrite=overwrite, on_progress=on_progress
                )
            else:
                names = [name.strip() for name in baselines.split(",") if name.strip()]
                chosen = chosen_settings(settings, profile, side, None, {})
                compared = compare_methods(
                    source,
                    names,
                    settings=chosen,
                    liveportrait=LivePortraitSettings(palsy_picture, intermediates, backend, device),
                    keep=keep,
                    sheet=output,
                    units=told,
                    overwrite=overwrite,
                    on_progress=on_progress,
                )
        if as_json:
            typer.echo(json.dumps(compared.to_mapping(), allow_nan=False))
        elif markdown:
            typer.echo(markdown_table(compared, everything=everything))
        else:
            print_comparison(compared, everything=everything)


def print_comparison(compared: Comparison, *, everything: bool = False, console: Console | None = None) -> None:
    """Print a table with one line a figure and one column a method, then what the methods do."""
    console = console or Console()
    if not console.is_terminal:
        console.width = _PIPE_WIDTH
    table = Table()
    table.add_column("Figure")
    for one in compared.methods:
        table.add_column(one.name, justify="right")
    table.add_column("Target", justify="right")
    part = ""
    for cells in _rows(compared, everything=everything):
        if part and cells[0].partition(":")[0] != part:
            table.add_section()
        part = cells[0].partition(":")[0]
        table.add_row(*cells)
    console.print(table)
    for one in compared.methods:
        why = f" (n/a: {one.missing})" if one.missing else ""
        console.print(Text(f"{one.name}: {one.what}{why}"), soft_wrap=True)


def markdown_table(compared: Comparison, *, everything: bool = False) -> str:
    """Return the table in Markdown, with the reasons why a method has no figures below it."""
    heads = ["Figure", *(one.name for one in compared.methods), "Target"]
    lines = [f"| {' | '.join(heads)} |", f"| --- |{' ---: |' * (len(heads) - 1)}"]
    lines += [f"| {' | '.join(cells)} |" for cells in _rows(compared, everything=everything)]
    notes = [f"{one.name}: n/a, {one.missing}." for one in compared.methods if one.missing]
    return "\n".join([*lines, *([""] if notes else []), *notes])


def _rows(compared: Comparison, *, everything: bool) -> Iterator[list[str]]:
    for part, name in compared.rows(everything=everything):
        figures = [one.figure(part, name) for one in compared.methods]
        known = next(figure for figure in figures if figure is not None)
        unit = f" ({known.unit})" if known.unit else ""
        yield [f"{part}: {name}{unit}", *map(_value, figures), _target(figures)]


def _value(figure: Figure | None) -> str:
    from afet_video.evaluation.wording import ASCII, number_text

    value = None if figure is None else figure.value
    return number_text(value, ASCII, digits=2 if value is None or abs(value) < 10 else 1)


def _target(figures: list[Figure | None]) -> str:
    """Return the target that the methods share; "" where they have none, or each its own."""
    from afet_video.evaluation.wording import ASCII, target_text

    targets = {figure.target for figure in figures if figure is not None}
    return target_text(targets.pop(), ASCII) if len(targets) == 1 else ""
