"""``afet-video models list|path|verify|fetch``.

in: arguments -> out: what there is of optional models, files in the models folder.  Must not: touch the network but in
`fetch`.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from afet_video.cli.failures import FAILED, errors_as_lines

if TYPE_CHECKING:
    from afet_video.liveportrait.weights import WeightSet

_PIPE_WIDTH = 200

_NOTE = (
    "LivePortrait's code and weights are under the MIT licence (Kuaishou Technology, 2024); what others made of the "
    "weights (safetensors, ONNX) comes under the same as far as we know, see their pages. The InsightFace models of "
    "its distribution, for non-commercial research only, are neither needed nor fetched: MediaPipe finds the face. "
    "One complete set is enough."
)

ModelsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]
ModelsQuiet = Annotated[bool, typer.Option("--quiet", help="Show no progress.")]
WhichSet = Annotated[str, typer.Option("--set", metavar="NAME", help="Which set, as `models list` names them.")]
FromUrl = Annotated[
    str | None,
    typer.Option("--from", metavar="URL", help="A web folder that holds the files, in place of the published one."),
]

models = typer.Typer(
    help="Optional models (LivePortrait's weights): what is needed, where it belongs, whether it is right; fetch it.",
    no_args_is_help=True,
)


@models.command("list")
def list_models(*, as_json: ModelsJson = False) -> None:
    """List the files: how large, from where, under which licence, their hash, and whether they are there."""
    with errors_as_lines(as_json=as_json):
        from afet_video.liveportrait.weights import WEIGHT_SETS
        from afet_video.model_files import models_folder

        folder = models_folder()
        if as_json:
            typer.echo(json.dumps({"folder": str(folder), "sets": [_described(one, folder) for one in WEIGHT_SETS]}))
            return
        console = Console(soft_wrap=True)
        console.print(Text(f"folder  {folder}"))
        for one in WEIGHT_SETS:
            _print_set(one, folder)
        console.print(Text(f"\n{_NOTE}"))


@models.command("path")
def path_of_models() -> None:
    """Print the models folder: AFET_MODELS, or else the user's cache."""
    with errors_as_lines(as_json=False):
        from afet_video.model_files import models_folder

        typer.echo(str(models_folder()))


@models.command("verify")
def verify_models(*, as_json: ModelsJson = False) -> None:
    """Check every file that is there; exit code 1 if one is wrong, or no set is complete."""
    with errors_as_lines(as_json=as_json):
        from afet_video.liveportrait.weights import WEIGHT_SETS
        from afet_video.model_files import models_folder

        folder = models_folder()
        states = {one.name: {name: _state(file, folder) for name, file in _by_name(one)} for one in WEIGHT_SETS}
        is_right = all(state != "wrong" for files in states.values() for state in files.values())
        is_complete = any("missing" not in files.values() for files in states.values())
        if as_json:
            typer.echo(json.dumps({"folder": str(folder), "files": states, "complete": is_complete and is_right}))
        else:
            for files in states.values():
                for name, state in files.items():
                    if state != "missing":
                        typer.echo(f"{state:10}  {name}")
            if not is_complete:
                typer.echo(f"no set is complete in {folder}: run `afet-video models fetch`")
        if not (is_right and is_complete):
            raise typer.Exit(FAILED)


@models.command("fetch")
def fetch_models(*, name: WhichSet = "safetensors", source: FromUrl = None, quiet: ModelsQuiet = False) -> None:
    """Fetch a set into the models folder: the only thing in afet-video that uses the network."""
    with errors_as_lines(as_json=False):
        from afet_video.errors import SettingsError
        from afet_video.liveportrait.weights import WEIGHT_SETS
        from afet_video.model_fetch import fetch
        from afet_video.model_files import models_folder

        sets = {one.name: one for one in WEIGHT_SETS if one.can_be_fetched}
        if name not in sets:
            raise SettingsError(f'the set "{name}" cannot be fetched: choose {" or ".join(sets)}')
        for file in sets[name].files.values():
            with _bar(file.name, file.size, quiet=quiet) as on_bytes:
                path = fetch(file, models_folder(), source=source, on_bytes=on_bytes)
            if not quiet:
                typer.echo(str(path))


def _by_name(one: WeightSet) -> list[tuple[str, Any]]:
    return [(file.name, file) for file in one.files.values()]


def _state(file: Any, folder: Path) -> str:
    """Say whether a file is `missing`, `right`, `wrong`, or `unverified` because nobody published its hash."""
    from afet_video.errors import ModelFileError
    from afet_video.model_files import verify

    path = folder / file.name
    if not path.is_file():
        return "missing"
    try:
        verify(path, file)
    except ModelFileError:
        return "wrong"
    return "right" if file.sha256 else "unverified"


def _described(one: WeightSet, folder: Path) -> dict[str, Any]:
    files = [
        {
            "name": file.name,
            "size": file.size or None,
            "sha256": file.sha256 or None,
            "license": file.license,
            "origin": file.origin,
            "url": file.url or None,
            "is_there": (folder / file.name).is_file(),
        }
        for file in one.files.values()
    ]
    return {"name": one.name, "backend": one.backend, "about": one.about, "files": files}


def _print_set(one: WeightSet, folder: Path) -> None:
    console = Console()
    if not console.is_terminal:
        console.width = _PIPE_WIDTH
    missing = set(one.missing(folder))
    first = next(iter(one.files.values()))
    console.print(Text(f"\n{one.name} (for {one.backend}; licence {first.license}): {one.about}", style="bold"))
    console.print(Text(f"from {first.origin}"))
    table = Table(box=None, padding=(0, 1), show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for file in one.files.values():
        size = f"{file.size / 1e6:.1f} MB" if file.size else ""
        state = "missing" if file.name in missing else "there"
        table.add_row(file.name, size, state, f"sha256 {file.sha256}" if file.sha256 else "no hash published")
    console.print(table)


@contextlib.contextmanager
def _bar(name: str, size: int, *, quiet: bool) -> Iterator[Callable[[int], None]]:
    """Give a callback that draws how much of a file has come, if somebody looks."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    console = Console(stderr=True)
    is_shown = console.is_terminal and not quiet
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=console, transient=True, disable=not is_shown) as bars:
        task = bars.add_task(name, total=size)
        yield lambda done: bars.update(task, completed=done)
