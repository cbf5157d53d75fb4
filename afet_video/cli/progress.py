"""Progress on the terminal: one bar a pass, with frames, frames per second and time left.

in: `Progress` values -> out: bars on stderr.  Must not: write to stdout, or draw where nobody looks.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, ProgressColumn, Task, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars
from rich.text import Text

from afet_video.datatypes import Progress, ProgressCallback

_NAMES = {
    "detect": "1/3 finding the face",
    "register": "2/3 following its skin",
    "splice": "3/3 writing the video",
    "light": "2/3 comparing light",
    "cut": "3/3 cutting out pictures",
    "compare": "1/3 comparing pictures",
    "detect source": "2/3 finding the face in the source",
    "detect result": "3/3 finding the face in the result",
}


@contextlib.contextmanager
def shown_progress(*, quiet: bool, console: Console | None = None) -> Iterator[ProgressCallback | None]:
    """Give a callback that draws progress; None if `quiet` or if stderr is no terminal. The bars leave no trace."""
    console = console or Console(stderr=True)
    if quiet or not console.is_terminal:
        yield None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _Rate(), TimeRemainingColumn())
    with Bars(*columns, console=console, transient=True) as bars:
        yield _Stages(bars)


class _Stages:
    """Draws one bar a stage.

    Parameters
    ----------
    bars : where the bars are drawn.
    """

    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, progress: Progress) -> None:
        """Draw how far `progress.stage` is; a stage before it is then complete."""
        if progress.stage not in self._tasks:
            self._finish()
            name = _NAMES.get(progress.stage, progress.stage)
            self._tasks[progress.stage] = self._bars.add_task(name, total=progress.total)
        total = progress.total
        if total is not None:
            total = max(total, progress.done)  # a container's frame count is a claim, not a promise
        self._bars.update(self._tasks[progress.stage], completed=progress.done, total=total)

    def _finish(self) -> None:
        for task in self._bars.tasks:
            self._bars.update(task.id, total=task.completed)


class _Rate(ProgressColumn):
    """Frames per second."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text(f"{speed:5.1f} fps" if speed else "   -- fps", style="progress.data.speed")
