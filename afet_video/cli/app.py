"""All commands put together, and the way in and out of the process.

in: arguments -> out: an exit code.  Must not: know what a command does.
"""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType
from typing import Annotated

import typer

import afet_video
from afet_video.cli.batch import batch
from afet_video.cli.bench import bench
from afet_video.cli.compare import compare
from afet_video.cli.convert import convert
from afet_video.cli.doctor import doctor, licences
from afet_video.cli.evaluate import evaluate
from afet_video.cli.failures import INTERRUPTED, TERMINATED
from afet_video.cli.inspection import inspect
from afet_video.cli.live import live
from afet_video.cli.models import models
from afet_video.cli.pairs import pairs
from afet_video.cli.profiles import profiles
from afet_video.cli.still import still
from afet_video.cli.study import study
from afet_video.cli.verify import verify

_ONE_THREAD = ("OPENBLAS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
"""What NumPy's linear algebra listens to, if it is set before NumPy is loaded. Our matrices are small and the work runs
side by side anyway: threads within them cost a conversion a tenth of its processor time. Torch has its own."""

app = typer.Typer(
    name="afet-video",
    help="Turn a video of facial expressions into the same person with a simulated facial palsy.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

# One line a command: the function lives in a file of its own beside this one.
app.command()(convert)
app.command()(live)
app.command()(bench)
app.command()(profiles)
app.command()(evaluate)
app.add_typer(models, name="models")
app.command()(still)
app.command()(pairs)
app.command()(compare)
app.command()(inspect)
app.add_typer(study, name="study")
app.command()(batch)
app.command()(verify)
app.command()(doctor)
app.command()(licences)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"afet-video {afet_video.__version__}")
        raise typer.Exit


@app.callback()
def _program(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    """Turn a video of facial expressions into the same person with a simulated facial palsy."""


def main() -> None:
    """Run the program with the process's arguments; never returns."""
    signal.signal(signal.SIGTERM, _terminate)
    for name in _ONE_THREAD:
        os.environ.setdefault(name, "1")
    try:
        app(prog_name="afet-video")
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def _terminate(_number: int, _frame: FrameType | None) -> None:
    """Leave through every clean-up, so that a `kill` leaves no half-written file either."""
    sys.exit(TERMINATED)
