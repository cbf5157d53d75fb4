"""``afet-video still PHOTO``: the options and the run of the form that needs LivePortrait.

in: arguments -> out: what `afet_video.stills.photo` makes, a report on the screen.  Must not: be a command of its own.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console
from rich.text import Text

if TYPE_CHECKING:
    from afet_video.liveportrait import LivePortraitPairs
    from afet_video.passes.settings import ConvertSettings
    from afet_video.stills.photo import PhotoMaker, PhotoReport

PANEL = "From a single photo (LivePortrait)"

Photo = Annotated[
    Path | None,
    typer.Argument(
        metavar="PHOTO", help="A single photo, frontal and at rest; needs LivePortrait, see `afet-video models`."
    ),
]
Driving = Annotated[
    Path | None,
    typer.Option(
        "--driving",
        metavar="IMAGE",
        help="A picture of anybody, whose expression the face in PHOTO takes over.",
        rich_help_panel=PANEL,
    ),
]
DrivingNeutral = Annotated[
    Path | None,
    typer.Option(
        "--driving-neutral",
        metavar="IMAGE",
        help="The same person as in --driving at rest: what the expression changes is then known, not guessed.",
        rich_help_panel=PANEL,
    ),
]
Strength = Annotated[
    float,
    typer.Option("--strength", metavar="F", help="Of the expression, 0 to 2; 1 is as shown.", rich_help_panel=PANEL),
]
Motion = Annotated[
    Literal["relative", "absolute"],
    typer.Option(
        "--motion",
        help="Add the driving face's expression to the photo's own, or put it (and the pose) in its place.",
        rich_help_panel=PANEL,
    ),
]
RampVideo = Annotated[
    float | None,
    typer.Option(
        "--ramp-video",
        metavar="SECONDS",
        help="Write a video in which the face goes into the expression and back.",
        rich_help_panel=PANEL,
    ),
]
KeepPair = Annotated[
    bool,
    typer.Option(
        "--keep-pair",
        help="Also keep the pair (or the clip) without a palsy, beside the result.",
        rich_help_panel=PANEL,
    ),
]
Backend = Annotated[
    Literal["torch", "onnx"],
    typer.Option("--backend", help="What runs LivePortrait.", rich_help_panel=PANEL),
]
Device = Annotated[
    str,
    typer.Option(
        "--device",
        metavar="auto|cpu|cuda",
        help="Where torch runs; auto: on a GPU if there is one.",
        rich_help_panel=PANEL,
    ),
]


@dataclass(frozen=True, slots=True)
class Asked:
    """The options of this form as they were given."""

    driving: Path | None
    driving_neutral: Path | None
    expression: str | None
    strength: float
    motion: Literal["relative", "absolute"]
    ramp_video: float | None
    keep_pair: bool
    backend: str
    device: str


def run(
    photo: Path,
    target: Path,
    asked: Asked,
    settings: ConvertSettings,
    face: str,
    overwrite: bool,
    *,
    timing: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Make the picture or the clip, and report."""
    from afet_video.liveportrait import PairSettings, open_pair_generator
    from afet_video.stills.driver import Driver
    from afet_video.stills.photo import PhotoMaker

    driver = Driver(asked.driving, asked.driving_neutral, asked.expression)
    how = PairSettings(strength=asked.strength, mode=asked.motion)

    def opened() -> LivePortraitPairs:
        return open_pair_generator(asked.backend, device=asked.device)

    with PhotoMaker(opened, driver, how=how, settings=settings, face=face) as maker:
        if asked.ramp_video is not None:
            _ramp(maker, photo, target, asked, overwrite, as_json=as_json, quiet=quiet)
            return
        report = maker.make(photo, target, keep_pair=asked.keep_pair, overwrite=overwrite)
    if as_json:
        from afet_video.settings_io import settings_to_mapping

        typer.echo(json.dumps(settings_to_mapping(report)))
    elif not quiet:
        _print(report, timing=timing)


def _ramp(
    maker: PhotoMaker, photo: Path, target: Path, asked: Asked, overwrite: bool, *, as_json: bool, quiet: bool
) -> None:
    from afet_video.cli.interrupts import stoppable
    from afet_video.cli.progress import shown_progress
    from afet_video.cli.summary import print_json, print_summary

    assert asked.ramp_video is not None
    with shown_progress(quiet=quiet) as bars, stoppable(bars) as on_progress:
        report = maker.make_ramp(
            photo,
            target,
            seconds=asked.ramp_video,
            keep_pair=asked.keep_pair,
            overwrite=overwrite,
            on_progress=on_progress,
        )
    if as_json:
        print_json(report)
    elif not quiet:
        print_summary(report)


def _print(report: PhotoReport, *, timing: bool) -> None:
    console = Console(soft_wrap=True)
    console.print(Text(f"picture    {report.target}"))
    console.print(Text(f"landmarks  {report.landmarks}"))
    console.print(Text(f"side-car   {report.sidecar}"))
    for path in report.pair or ():
        console.print(Text(f"pair       {path}"))
    console.print(Text(f"made with  {report.generator}"))
    console.print(Text(f"affected   {report.side} side, {report.strength:.0%} shown"))
    if timing:
        spent = ", ".join(f"{stage} {1000 * s:.0f} ms" for stage, s in report.seconds_by_stage.items())
        console.print(Text(f"time       {spent}"))
    for warning in report.warnings:
        console.print(Text(f"warning: {warning}", style="yellow"))
