"""``afet-video profiles``.

in: arguments -> out: the presets on the screen.  Must not: hold a preset.
"""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from afet_video.cli.failures import errors_as_lines

_PIPE_WIDTH = 190

ProfilesJson = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]


def profiles(*, as_json: ProfilesJson = False) -> None:
    """List the palsy profiles that --profile knows: what each keeps of the movement, zone by zone."""
    with errors_as_lines(as_json=as_json):
        from afet_video.profiles import PRESETS
        from afet_video.settings_io import settings_to_mapping

        if as_json:
            typer.echo(json.dumps({name: settings_to_mapping(preset) for name, preset in PRESETS.items()}))
            return
        console = Console()
        if not console.is_terminal:
            console.width = _PIPE_WIDTH
        table = Table(box=None, padding=(0, 1))
        table.add_column("Profile", style="bold", no_wrap=True)
        for heading in ("Brow", "Eye", "Cheek", "Corner", "Lower lip", "Droop", "Synkinesis", "Bell", "Lid fall"):
            table.add_column(heading, justify="right", no_wrap=True)
        table.add_column("What it shows")
        for name, preset in PRESETS.items():
            shown = preset.profile
            values = (*shown.kept, shown.droop, shown.synkinesis, shown.bell, shown.lid_fall)
            splice = "".join(f", {key} {value}" for key, value in preset.splice.items())
            table.add_row(name, *(f"{value:.2f}" for value in values), f"{preset.shows}{splice} ({preset.source})")
        console.print(table)
