"""``afet-video still``.

in: arguments -> out: spliced pictures, a report on the screen.  Must not: decide anything that the settings don't say.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from afet_video.cli import options
from afet_video.cli.failures import FAILED, errors_as_lines

if TYPE_CHECKING:
    from afet_video.passes.settings import ConvertSettings
    from afet_video.stills import Failure, StillReport, StillsReport

Neutral = Annotated[
    Path | None, typer.Option("--neutral", metavar="IMAGE", help="The face at rest.", rich_help_panel=options.FILES)
]
Expression = Annotated[
    Path | None,
    typer.Option(
        "--expression", metavar="IMAGE", help="The same person with an expression.", rich_help_panel=options.FILES
    ),
]
FromPairs = Annotated[
    Path | None,
    typer.Option(
        "--from-pairs",
        metavar="DIR",
        help="All pairs of a folder: NAME_neutral and NAME_expression pictures, as `afet-video pairs` writes them.",
        rich_help_panel=options.FILES,
    ),
]
Target = Annotated[
    Path,
    typer.Option(
        "-o", "--output", metavar="PATH", help="The picture to write (.png, .jpg); with --from-pairs a folder."
    ),
]
WhichFace = Annotated[
    str,
    typer.Option(
        "--face",
        metavar="auto|largest|N|x,y",
        help="Which face: the only one, or one that is clearly the largest; the largest; the N-th from the left (0 is "
        "leftmost); the one at a pixel.",
        rich_help_panel=options.FACE,
    ),
]
Timing = Annotated[
    bool, typer.Option("--timing", help="Also say how long each stage took.", rich_help_panel=options.RUN)
]

STAGES = ("read", "detect", "splice", "write")


def still(
    *,
    neutral: Neutral = None,
    expression: Expression = None,
    from_pairs: FromPairs = None,
    output: Target,
    side: options.SideOption = None,
    seed: options.Seed = None,
    profile: options.Profile = None,
    movement_kept: options.MovementKept = None,
    ramp: options.Ramp = None,
    ramp_width: options.RampWidth = None,
    mask: options.Mask = None,
    face: WhichFace = "auto",
    no_synthetic_mark: options.NoSyntheticMark = False,
    overwrite: options.Overwrite = False,
    settings: options.SettingsFile = None,
    timing: Timing = False,
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
) -> None:
    """Give the face in a picture a palsy, from a picture of it at rest and one with an expression."""
    _check_usage(neutral, expression, from_pairs)
    named = {
        "movement_kept": movement_kept,
        "ramp": ramp,
        "ramp_width": ramp_width,
        "mask": mask,
    }
    given = {name: value for name, value in named.items() if value is not None}
    with errors_as_lines(as_json=as_json):
        from afet_video.cli.convert import chosen_settings

        chosen = chosen_settings(settings, profile, side, seed, given, mark_synthetic=not no_synthetic_mark)
        if from_pairs is not None:
            _all_pairs(from_pairs, output, chosen, face, overwrite, timing=timing, as_json=as_json, quiet=quiet)
            return
        from afet_video.stills import splice_still

        assert neutral is not None
        assert expression is not None
        report = splice_still(neutral, expression, output, settings=chosen, face=face, overwrite=overwrite)
        if as_json:
            typer.echo(json.dumps(_mapping(report)))
        elif not quiet:
            _print(report, timing=timing)


def _check_usage(neutral: Path | None, expression: Path | None, from_pairs: Path | None) -> None:
    is_pair = neutral is not None and expression is not None
    is_half = (neutral is None) != (expression is None)
    if is_half or is_pair == (from_pairs is not None):
        raise typer.BadParameter("give --neutral and --expression, or --from-pairs")


def _all_pairs(
    folder: Path,
    target: Path,
    settings: ConvertSettings,
    face: str,
    overwrite: bool,
    *,
    timing: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Splice a folder of pairs; exit code 1 if any failed."""
    from afet_video.stills import Failure, splice_pairs

    def show(result: StillReport | Failure) -> None:
        if isinstance(result, Failure):
            typer.echo(f"afet-video: error: {result.name}: {_without_name(result)}", err=True)

    on_done = None if as_json else show
    report = splice_pairs(folder, target, settings=settings, face=face, overwrite=overwrite, on_done=on_done)
    if as_json:
        failed = [{"name": one.name, "error": one.reason} for one in report.failed]
        typer.echo(json.dumps({"done": [_mapping(one) for one in report.done], "failed": failed}))
    elif not quiet:
        _print_all(report, target, timing=timing)
    if report.failed:
        raise typer.Exit(FAILED)


def _without_name(failure: Failure) -> str:
    return failure.reason.removeprefix(f"{failure.name}: ")


def _mapping(report: StillReport) -> dict[str, Any]:
    from afet_video.settings_io import settings_to_mapping

    return settings_to_mapping(report)


def _print(report: StillReport, *, timing: bool) -> None:
    console = Console(soft_wrap=True)
    yaw, pitch = report.turn_deg
    console.print(Text(f"picture    {report.target}"))
    console.print(Text(f"landmarks  {report.landmarks}"))
    console.print(Text(f"side-car   {report.sidecar}"))
    console.print(Text(f"affected   {report.side} side, {report.strength:.0%} shown"))
    console.print(Text(f"head       turned by {yaw:+.1f} (yaw) and {pitch:+.1f} degrees (pitch) against the neutral"))
    if timing:
        console.print(Text(f"time       {_times([report])}"))
    for warning in report.warnings:
        console.print(Text(f"warning: {warning}", style="yellow"))


def _print_all(report: StillsReport, target: Path, *, timing: bool) -> None:
    console = Console(soft_wrap=True)
    for one in report.done:
        for warning in one.warnings:
            console.print(Text(f"warning: {one.target.name}: {warning}", style="yellow"))
    total = len(report.done) + len(report.failed)
    other = f", {report.ignored} other files ignored" if report.ignored else ""
    console.print(
        Text(f"{len(report.done)} of {total} pairs spliced into {target}, {len(report.failed)} failed{other}")
    )
    if timing and report.done:
        # The first one waits for models and compiled code.
        console.print(Text(f"median time {_times(report.done[1:] or report.done)}"))


def _times(reports: Any) -> str:
    from statistics import median

    spent = {stage: median(one.seconds_by_stage[stage] for one in reports) for stage in STAGES}
    return ", ".join(f"{stage} {1000 * s:.0f} ms" for stage, s in spent.items())
