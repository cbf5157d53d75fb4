"""How long each stage of a frame takes.

in: blocks of code with a name -> out: `StageTime`s.  Must not: cost a frame anything to speak of.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

from afet_video.live.results import StageTime


class Stopwatch:
    """Times the stages of one frame; for one thread at a time."""

    def __init__(self) -> None:
        self.stages: dict[str, StageTime] = {}

    @contextlib.contextmanager
    def time(self, stage: str) -> Iterator[None]:
        """Time the block."""
        wall, busy = time.perf_counter(), time.thread_time()
        try:
            yield
        finally:
            wall, busy = time.perf_counter() - wall, time.thread_time() - busy
            self.stages[stage] = StageTime(1e3 * wall, 1e3 * busy)
