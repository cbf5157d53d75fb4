"""Open an encoder that would take more than its part: of the processor, and of the terminal.

in: an encoder that is not open yet -> out: the same, open, with threads scheduled as the caller's, and nothing printed.
Must not: know what is encoded.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from av.video.stream import VideoStream

_SVT = "libsvtav1"

_TASKS = Path("/proc/self/task")


def open_encoder(stream: VideoStream) -> None:
    """Open the encoder of a stream that has all its settings; those that need no care open with the first picture.

    Raises
    ------
    av.FFmpegError
        If the encoder refuses its settings.
    """
    context = stream.codec_context
    if context.name == _SVT:
        with scheduling_kept(), _quiet_svt():
            context.open(strict=False)


@contextlib.contextmanager
def scheduling_kept() -> Iterator[None]:
    """Schedule the calling thread as before when the block ends, and like it all threads that were started in it.

    SVT-AV1, opened by root (another user may not), gives its threads and the one that opens it the highest real-time
    priority there is. All threads and processes that they start later inherit it, and whatever else runs on the
    computer stands still.
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


@contextlib.contextmanager
def _quiet_svt() -> Iterator[None]:
    """Keep SVT-AV1 from printing its banner: it listens to nothing but this variable."""
    old = os.environ.get("SVT_LOG")
    os.environ["SVT_LOG"] = "1"
    try:
        yield
    finally:
        if old is None:
            del os.environ["SVT_LOG"]
        else:
            os.environ["SVT_LOG"] = old
