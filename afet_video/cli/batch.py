"""``afet-video batch``.

in: arguments -> out: a data set, progress and a report on the screen.  Must not: decide anything that the settings
don't say.
"""

from __future__ import annotations

import contextlib
import json
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.text import Text

from afet_video.cli import options
from afet_video.cli.failures import FAILED, INTERRUPTED, errors_as_lines

if TYPE_CHECKING:
    from afet_video.batch import BatchReport, JobResult

MAKE, RUN, SET = "What is made", "How it runs", "The data set"

Inputs = Annotated[
    list[Path],
    typer.Argument(metavar="INPUT...", help="Videos, folders of videos, or a manifest (.csv, .jsonl, .parquet)."),
]
Target = Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="The data set's folder.")]
Sides = Annotated[
    str,
    typer.Option(
        "--sides",
        metavar="LIST",
        help="Affected sides, the subject's own: left, right, random (drawn by --seed and the clip's content).",
        rich_help_panel=MAKE,
    ),
]
Profiles = Annotated[
    str,
    typer.Option(
        "--profiles", metavar="LIST", help="Profiles: names or TOML files, as for `convert`.", rich_help_panel=MAKE
    ),
]
Seed = Annotated[
    int, typer.Option("--seed", min=0, metavar="S", help="Of random sides and of the splits.", rich_help_panel=MAKE)
]
Engine = Annotated[
    Literal["local", "ray"],
    typer.Option("--engine", help="Processes of this computer, or a Ray cluster.", rich_help_panel=RUN),
]
Workers = Annotated[
    int | None,
    typer.Option(
        "--workers",
        min=1,
        metavar="N",
        help="Jobs at a time. Default: one for every two cores and 3 GB of memory.",
        rich_help_panel=RUN,
    ),
]
RayAddress = Annotated[
    str | None,
    typer.Option("--ray-address", metavar="A", help="A running Ray cluster; `auto`: this one.", rich_help_panel=RUN),
]
Resume = Annotated[
    bool,
    typer.Option("--resume", help="Go on in DIR where an earlier run was killed or failed.", rich_help_panel=RUN),
]
MaxFailures = Annotated[
    int | None,
    typer.Option(
        "--max-failures", min=0, metavar="N", help="Stop when more than N jobs have failed.", rich_help_panel=RUN
    ),
]
Root = Annotated[
    Path | None,
    typer.Option(
        "--root",
        metavar="DIR",
        help="Folder that a manifest's files lie in. Default: the manifest's own.",
        rich_help_panel=MAKE,
    ),
]
Person = Annotated[
    str | None,
    typer.Option(
        "--person",
        metavar="REGEX",
        help="Finds who is seen in a clip's path below the folder given: the first group, or all that matches. "
        "Default: by looks.",
        rich_help_panel=SET,
    ),
]
Splits = Annotated[
    str,
    typer.Option(
        "--splits", metavar="A,B,C", help="Shares of the people in train, validation and test.", rich_help_panel=SET
    ),
]
Shards = Annotated[bool, typer.Option("--shards", help="Also write WebDataset archives.", rich_help_panel=SET)]
ShardMb = Annotated[int, typer.Option("--shard-mb", min=1, metavar="MB", help="Largest archive.", rich_help_panel=SET)]
Croissant = Annotated[
    bool, typer.Option("--croissant", help="Also describe the data set in Croissant.", rich_help_panel=SET)
]


def batch(
    inputs: Inputs,
    *,
    output: Target,
    sides: Sides = "left,right",
    profiles: Profiles = "complete",
    seed: Seed = 0,
    settings: options.SettingsFile = None,
    root: Root = None,
    engine: Engine = "local",
    workers: Workers = None,
    ray_address: RayAddress = None,
    resume: Resume = False,
    max_failures: MaxFailures = None,
    person: Person = None,
    splits: Splits = "0.8,0.1,0.1",
    shards: Shards = False,
    shard_mb: ShardMb = 1000,
    croissant: Croissant = False,
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
) -> None:
    """Convert many videos into a data set with splits by person, and go on after a kill where it stopped."""
    with errors_as_lines(as_json=as_json):
        from afet_video.batch import BatchSettings, make_batch
        from afet_video.cli.convert import chosen_settings

        chosen = BatchSettings(
            sides=_words(sides),
            profiles=_words(profiles),
            seed=seed,
            shares=_shares(splits),
            engine=engine,
            workers=workers,
            ray_address=ray_address,
            max_failures=max_failures,
            shards=shards,
            shard_mb=shard_mb,
            croissant=croissant,
            root=root,
            person=person,
            convert=chosen_settings(settings, None, None, None, {}, mark_synthetic=True),
        )
        with _kept_when_interrupted(as_json=as_json), _shown(as_json=as_json, quiet=quiet) as shown:
            report = make_batch(
                inputs, output, settings=chosen, resume=resume, on_plan=shown.begin, on_result=shown.result
            )
        if as_json:
            _print_json(report)
        else:
            _print(report, quiet=quiet)
        if not report.is_complete:
            raise typer.Exit(FAILED)


@contextlib.contextmanager
def _kept_when_interrupted(*, as_json: bool) -> Iterator[None]:
    """Say after Ctrl-C that nothing finished is lost."""
    try:
        yield
    except KeyboardInterrupt:
        line = "interrupted: what is finished is kept, go on with --resume"
        if as_json:
            typer.echo(json.dumps({"error": line, "kind": "KeyboardInterrupt"}))
        else:
            typer.echo(f"afet-video: {line}", err=True)
        raise typer.Exit(INTERRUPTED) from None


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _shares(text: str) -> tuple[float, float, float]:
    from afet_video.errors import SettingsError

    try:
        train, validation, test = (float(word) for word in text.split(","))
    except ValueError as error:
        raise SettingsError(f'--splits "{text}": give three numbers whose sum is 1, as in 0.8,0.1,0.1') from error
    return train, validation, test


class _Shown:
    """Progress over jobs: a bar, or a line of JSON each."""

    def __init__(self, bars: Progress | None, *, as_json: bool) -> None:
        self._bars, self._as_json = bars, as_json
        self._task = None if bars is None else bars.add_task("converting", total=None)

    def begin(self, jobs: int) -> None:
        if self._bars is not None and self._task is not None:
            self._bars.update(self._task, total=jobs)

    def result(self, result: JobResult) -> None:
        if self._bars is not None and self._task is not None:
            self._bars.update(self._task, advance=1, description=result.name)
            if result.error:
                self._bars.console.print(Text(f"failed: {result.name}: {result.error}", style="yellow"))
        if self._as_json:
            typer.echo(json.dumps({"job": result.name, "done": result.error is None, **result.to_mapping()}))


@contextlib.contextmanager
def _shown(*, as_json: bool, quiet: bool) -> Iterator[_Shown]:
    console = Console(stderr=True)
    if quiet or as_json or not console.is_terminal:
        yield _Shown(None, as_json=as_json)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, TimeRemainingColumn(), console=console, transient=True) as bars:
        yield _Shown(bars, as_json=False)


def _print_json(report: BatchReport) -> None:
    from afet_video.settings_io import settings_to_mapping

    typer.echo(json.dumps({"report": settings_to_mapping(report)}))


def _print(report: BatchReport, *, quiet: bool) -> None:
    """Print failures on stderr, always, and what was made on stdout."""
    for what, reason in report.refused:
        typer.echo(f"afet-video: error: {reason if what in reason else f'{what}: {reason}'}", err=True)
    for name, reason in report.failed:
        typer.echo(f"afet-video: error: {name}: {reason}", err=True)
    if report.stopped:
        left = f"{report.left} jobs were not begun: go on with --resume"
        typer.echo(f"afet-video: error: stopped: {report.stopped}; {left}", err=True)
    if quiet:
        return
    console = Console(soft_wrap=True)
    earlier = f", {report.earlier} done earlier" if report.earlier else ""
    failed = f", {len(report.failed)} failed" if report.failed else ""
    console.print(Text(f"{len(report.done)} videos made{earlier}{failed}: {report.folder}"))
    console.print(Text("splits: " + ", ".join(f"{count} {split}" for split, count in report.videos.items())))
    for note in report.notes:
        console.print(Text(f"note: {note}", style="yellow"))
    if report.peak_memory:
        console.print(Text(f"memory: at most {report.peak_memory / 1e6:.0f} MB a worker, {report.workers} at a time"))
    if report.retry is not None:
        manifest = shlex.join([str(report.retry), "--root", str(report.retry_root)])
        console.print(Text(f"to try again what failed: the same command with --resume, or its clips alone: {manifest}"))
