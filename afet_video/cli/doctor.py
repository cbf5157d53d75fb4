"""``afet-video doctor`` and ``afet-video licences``.

in: nothing -> out: findings on the screen, exit code 1 if there is a problem.  Must not: examine anything itself.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from afet_video.cli.failures import FAILED, errors_as_lines

_PIPE_WIDTH = 1000
_STYLES = {"ok": "green", "note": "yellow", "problem": "bold red", "compatible": "green", "check": "bold red"}

DoctorJson = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]
WithTools = Annotated[bool, typer.Option("--tools", help="Also those of the packages that only developers need.")]


def doctor(*, as_json: DoctorJson = False) -> None:
    """Look at this machine: versions, system libraries, models, encoders, cameras, extras, room; and what to do."""
    with errors_as_lines(as_json=as_json):
        from afet_video.doctor import examine

        found = examine()
        problems = sum(one.state == "problem" for one in found)
        if as_json:
            typer.echo(json.dumps({"problems": problems, "findings": [dataclasses.asdict(one) for one in found]}))
        else:
            rows = [(one.part, one.name, one.state, one.found, one.advice) for one in found]
            _print(("Part", "What", "State", "Found", "What to do"), rows)
            typer.echo(f"{problems or 'no'} problem{'' if problems == 1 else 's'}")
        if problems:
            raise typer.Exit(FAILED)


def licences(*, tools: WithTools = False, as_json: DoctorJson = False) -> None:
    """List the licences of all packages that afet-video needs, and whether they go with Apache-2.0."""
    with errors_as_lines(as_json=as_json):
        from afet_video.doctor import licences as all_licences

        found = all_licences(with_tools=tools)
        unclear = sum(one.verdict == "check" for one in found)
        if as_json:
            typer.echo(json.dumps({"unclear": unclear, "packages": [dataclasses.asdict(one) for one in found]}))
        else:
            rows = [(one.name, one.version, one.verdict, one.licence, one.extra, one.note) for one in found]
            _print(("Package", "Version", "Beside Apache-2.0", "Licence", "Extra", "Note"), rows)
        if unclear:
            raise typer.Exit(FAILED)


def _print(headings: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    console = Console()
    if not console.is_terminal:
        console.width = _PIPE_WIDTH
    table = Table(box=None, padding=(0, 1))
    for heading in headings:
        table.add_column(heading, overflow="fold")
    before = ""
    for row in rows:
        first = "" if row[0] == before else row[0]
        before = row[0]
        table.add_row(first, *(Text(cell, style=_STYLES.get(cell, "")) for cell in row[1:]))
    console.print(table)
