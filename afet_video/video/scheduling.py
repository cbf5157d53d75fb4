"""Keep an encoder's library from raising the priority of this process above everything else on the computer.

in: an encoder that is not open yet -> out: the same, open, with threads scheduled as the caller's.  Must not: know what
is encoded.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from av.video.stream import VideoStream

_GREEDY = ("libsvtav1",)
"""Encoders that make themselves real-time where they may, which is where the program runs as root."""

_TASKS = Path("/proc/self/task")


def open_encoder(stream: VideoStream) -> None:
    """Open the encoder of a stream that has all its settings; those that need no care open with the first picture.

    Raises
    ------
    av.FFmpegError
        If the encoder refuses its settings.
    """
    context = stream.codec_context
    if context.name in _GREEDY:
        with scheduling_kept():
            context.open(strict=False)


@contextlib.contextmanager
def scheduling_kept() -> Iterator[None]:
    """Schedule the calling thread as before when the block ends, and like it all threads that were started in it.

    SVT-AV1, opened by root, gives its threads and the one that opens it the highest real-time priority there is. All
    threads and processes that they start later inherit it, and whatever else runs on the computer stands still.
    """
    if sys.platform != "linux" or not _TASKS.is_dir():
        yield
        return
    before = set(_thread_ids())
    policy, priority = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        yield
    finally:
        for thread in (0, *set(_thread_ids()) - before):
            with contextlib.suppress(OSError):  # it has ended meanwhile
                if os.sched_getscheduler(thread) != policy:
                    os.sched_setscheduler(thread, policy, priority)


def _thread_ids() -> list[int]:
    """Return the ids of this process's threads."""
    return [int(path.name) for path in _TASKS.iterdir()]
