"""``afet-video inspect``.

in: arguments -> out: a run of `afet_video.inspection.inspect_clip`, what it wrote on the screen.
Must not: look at a picture.
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Annotated

import typer

from afet_video.cli import options
from afet_video.cli.failures import errors_as_lines

Clip = Annotated[Path, typer.Argument(metavar="CLIP", help="A video of a face that moves.")]
At = Annotated[
    str | None, typer.Option("--at", metavar="SECONDS", help="The frame shown at this time, as in 4.2 or 4.2s.")
]
FrameNumber = Annotated[int | None, typer.Option("--frame", min=0, metavar="N", help="The frame with this number.")]
Sheet = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="PNG", help="Contact sheet of every stage of one frame."),
]
Stats = Annotated[Path | None, typer.Option("--stats", metavar="CSV", help="Figures of every frame.")]
Rerun = Annotated[
    Path | None,
    typer.Option("--rerun", metavar="RRD", help="Recording for the rerun viewer (needs afet-video[rerun])."),
]
SideOption = Annotated[str | None, typer.Option("--side", metavar="left|right", help="As for convert. Default: left.")]


def inspect(
    clip: Clip,
    *,
    at: At = None,
    frame: FrameNumber = None,
    output: Sheet = None,
    stats: Stats = None,
    rerun: Rerun = None,
    side: SideOption = None,
    profile: options.Profile = None,
    face: options.WhichFace = None,
    settings: options.SettingsFile = None,
    overwrite: options.Overwrite = False,
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
) -> None:
    """Show what every stage of convert does: a contact sheet of one frame, figures of all."""
    with errors_as_lines(as_json=as_json):
        from afet_video.cli.convert import chosen_settings
        from afet_video.cli.interrupts import stoppable
        from afet_video.cli.progress import shown_progress
        from afet_video.inspection import inspect_clip

        chosen = chosen_settings(settings, profile, side, None, {} if face is None else {"face": face})
        with shown_progress(quiet=quiet) as bars, stoppable(bars) as on_progress:
            report = inspect_clip(
                clip,
                sheet=output,
                stats=stats,
                rerun=rerun,
                frame=frame,
                at=None if at is None else _seconds(at),
                settings=chosen,
                overwrite=overwrite,
                on_progress=on_progress,
            )
        if as_json:
            whole = dataclasses.asdict(report)
            typer.echo(json.dumps({key: str(v) if isinstance(v, Path) else v for key, v in whole.items()}))
        elif not quiet:
            for name, path in (("Contact sheet", report.sheet), ("Figures", report.stats), ("Recording", report.rerun)):
                if path is not None:
                    typer.echo(f"{name}: {path}")
            typer.echo(f"Frame {report.frame} at {report.seconds:.3f} s, {report.status}")


def _seconds(text: str) -> float:
    from afet_video.errors import SettingsError

    try:
        return float(text.removesuffix("s"))
    except ValueError:
        raise SettingsError(f'--at "{text}": give a time in seconds, as in 4.2 or 4.2s') from None
