"""Ctrl-C and `kill` between two frames.

in: signals -> out: an exception at the next frame.  Must not: interrupt anything in the middle.

Python raises KeyboardInterrupt wherever it happens to be; inside a callback of compiled code (numba's, say) it is
printed and lost. So the first signal is only noted, and raised when the next frame reports; a second one at once.
"""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Iterator
from types import FrameType

from afet_video.cli.failures import TERMINATED
from afet_video.datatypes import Progress, ProgressCallback


@contextlib.contextmanager
def stoppable(on_progress: ProgressCallback | None) -> Iterator[ProgressCallback]:
    """Give a callback that passes progress on, and stops the run there once Ctrl-C or SIGTERM has come."""
    noted: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        noted.append(number)
        if len(noted) > 1:
            _stop(number)

    def checked(progress: Progress) -> None:
        if noted:
            _stop(noted[0])
        if on_progress is not None:
            on_progress(progress)

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield checked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _stop(number: int) -> None:
    if number == signal.SIGTERM:
        raise SystemExit(TERMINATED)
    raise KeyboardInterrupt


@contextlib.contextmanager
def until_signalled() -> Iterator[Callable[[], bool]]:
    """Give a function that says whether Ctrl-C or SIGTERM has come: what runs until then ends in order.

    A second signal interrupts at once.
    """
    noted: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        noted.append(number)
        if len(noted) > 1:
            _stop(number)

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(noted)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
