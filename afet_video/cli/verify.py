"""``afet-video verify``.

in: files -> out: their marks and whether the hashes fit, exit code 1 if not.  Must not: change a file.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from afet_video.cli.failures import FAILED, errors_as_lines

if TYPE_CHECKING:
    from afet_video.verification import Verification

_PIPE_WIDTH = 1000
_WORDS = {True: "fits", False: "does not fit", None: "unknown"}

Files = Annotated[list[Path], typer.Argument(metavar="FILE...", help="Videos, tracks, pictures or side-cars.")]
SourceOption = Annotated[
    Path | None, typer.Option("--source", metavar="FILE", help="Also check that it was made from this file.")
]
Trust = Annotated[
    Path | None,
    typer.Option("--c2pa-trust", metavar="PEM", help="Certificates that are trusted to sign C2PA manifests."),
]
VerifyJson = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]


def verify(files: Files, *, source: SourceOption = None, c2pa_trust: Trust = None, as_json: VerifyJson = False) -> None:
    """Show how files are marked as synthetic, and whether they, their tracks and side-cars are as they were written."""
    with errors_as_lines(as_json=as_json):
        from afet_video import verification

        found = [verification.verify(path, source=source, trust=c2pa_trust) for path in files]
        if as_json:
            typer.echo(json.dumps({"fits": all(one.fits for one in found), "files": [_mapping(one) for one in found]}))
        else:
            for one in found:
                _print(one)
        if not all(one.fits for one in found):
            raise typer.Exit(FAILED)


def _mapping(one: Verification) -> dict[str, Any]:
    return {
        "file": str(one.path),
        "sidecar": None if one.sidecar is None else str(one.sidecar),
        "fits": one.fits,
        "marks": [
            {"place": mark.place, "source_type": mark.source_type, "holds": mark.holds, "note": mark.note}
            for mark in one.marks
        ],
        "checks": [{"what": check.what, "fits": check.fits, "note": check.note} for check in one.checks],
    }


def _print(one: Verification) -> None:
    console = Console()
    if not console.is_terminal:
        console.width = _PIPE_WIDTH
    table = Table.grid(padding=(0, 2))
    for mark in one.marks:
        table.add_row(f"  {mark.place}", mark.source_type or "no mark", Text(mark.note))
    for check in one.checks:
        style = {True: "green", False: "bold red", None: "yellow"}[check.fits]
        table.add_row(Text(f"  {check.what}"), Text(_WORDS[check.fits], style=style), Text(check.note))
    console.print(Text(str(one.path), style="bold"))
    console.print(table)
