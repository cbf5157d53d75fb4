"""How a live session holds on this machine: a looped file plays the camera, at its own pace.

in: a clip, a time -> out: figures.  Must not: show anything.
"""

from __future__ import annotations

import time
from array import array
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from afet_video.bench.figures import Figure
from afet_video.bench.process import memory_mb
from afet_video.errors import FaceError, NoFaceError
from afet_video.live.results import LiveResult, LiveState
from afet_video.live.runner import LiveRunner
from afet_video.live.session import LiveSession
from afet_video.live.settings import LiveSettings
from afet_video.video.camera import FileCamera

PART = "live"
SIZE_WH, RATE = (640, 480), 30.0
"""The clip is played at the rate of a usual camera."""

_FPS, _P95_MS = 25.0, 40.0
_SETTLED_S = 3.0
"""Time after the calibration that does not count: the first frames load what they need."""
_PATIENCE_S = 60.0
_MEMORY_EVERY_S = 2.0


def measure_live(clip: Path, seconds: float, *, size_wh: tuple[int, int] = SIZE_WH) -> list[Figure]:
    """Run a session for `seconds` after its calibration and return its figures.

    Raises
    ------
    NoFaceError
        If the calibration does not come to an end.
    FaceError
        If no frame comes after it.
    InputError
        If the clip cannot be used.
    """
    camera = FileCamera(clip, size_wh=size_wh, rate=RATE)
    with LiveSession(LiveSettings()) as session, LiveRunner(camera, session) as runner:
        _calibrated(runner, clip)
        _take_for(runner, _SETTLED_S)
        stats = runner.stats
        frames, dropped = stats.frames, stats.dropped
        stats.forget_longest_wait()
        start, busy = time.perf_counter(), time.process_time()
        taken = _take_for(runner, seconds)
        spent, busy = time.perf_counter() - start, time.process_time() - busy
        frames, dropped = stats.frames - frames, stats.dropped - dropped
    what = f"{size_wh[0]}x{size_wh[1]}, {spent:.0f} s, {frames} frames, {dropped} dropped"
    low, high = (float(np.quantile(taken.processing_ms, share)) for share in (0.5, 0.95))
    return [
        Figure.of(PART, "sustained rate", "frames/s", [frames / spent], note=f"{what}; aim {_FPS:g} or more"),
        Figure.of(PART, "processing, median", "ms", [low], note="detection to splice"),
        Figure.of(PART, "processing, 95 % of frames", "ms", [high], target=_P95_MS),
        *(_stage(name, wall, taken.busy_ms[name]) for name, wall in taken.wall_ms.items()),
        Figure.of(PART, "processor time of a frame", "ms", [1e3 * busy / max(frames, 1)], note="all threads together"),
        Figure.of(PART, "camera to screen", "ms", taken.glass_ms),
        Figure.of(PART, "longest wait of a frame", "ms", [stats.longest_wait_ms], target=round(1e3 / RATE, 1)),
        *_memory(taken.memory),
    ]


def _stage(name: str, wall_ms: Sequence[float], busy_ms: Sequence[float]) -> Figure:
    high, busy = np.quantile(wall_ms, 0.95), np.median(busy_ms)
    note = f"95 % of frames: {high:.1f} ms; processor time of its thread, median: {busy:.1f} ms"
    return Figure.of(PART, f"stage {name}", "ms", wall_ms, note=note)


def _memory(samples: list[tuple[float, float]]) -> Iterator[Figure]:
    """Yield the figures of memory from times in seconds and MB."""
    seconds, held = np.array(samples).T
    yield Figure.of(PART, "memory at the start", "MB", [held[0]], note="this process")
    yield Figure.of(PART, "memory at the end", "MB", [held[-1]], note="this process")
    yield Figure.of(PART, "memory, most", "MB", [held.max()], note=f"of {len(held)} samples")
    late = seconds >= seconds[-1] / 2
    if late.sum() > 1:
        drift = 60 * float(np.polyfit(seconds[late], held[late], 1)[0])
        yield Figure.of(PART, "memory, drift in the second half", "MB/min", [drift], note="slope of a straight line")


def _calibrated(runner: LiveRunner, clip: Path) -> None:
    deadline = time.perf_counter() + _PATIENCE_S
    while time.perf_counter() < deadline:
        timed = runner.take(0.5)
        if timed is not None and timed.result.state is LiveState.LIVE:
            return
    raise NoFaceError(f"{clip}: no calibration within {_PATIENCE_S:.0f} s: give a clip that shows a face at rest")


def _milliseconds() -> array[float]:
    return array("f")


@dataclass(slots=True)
class _Taken:
    """What was taken in a while: times of the results and of their stages in ms; memory as times in seconds and MB.

    Packed, at 56 bytes a frame: as objects they took 690, or 10 MB in ten minutes, which would pass for the session's.
    """

    processing_ms: array[float] = field(default_factory=_milliseconds)
    glass_ms: array[float] = field(default_factory=_milliseconds)
    wall_ms: defaultdict[str, array[float]] = field(default_factory=lambda: defaultdict(_milliseconds))
    busy_ms: defaultdict[str, array[float]] = field(default_factory=lambda: defaultdict(_milliseconds))
    memory: list[tuple[float, float]] = field(default_factory=list)

    def add(self, result: LiveResult, glass_ms: float) -> None:
        """Note a result that is on the screen."""
        self.processing_ms.append(result.processing_ms)
        self.glass_ms.append(glass_ms)
        for name, spent in result.stages.items():
            self.wall_ms[name].append(spent.wall_ms)
            self.busy_ms[name].append(spent.busy_ms)


def _take_for(runner: LiveRunner, seconds: float) -> _Taken:
    """Take results for a while, one at least.

    Raises
    ------
    FaceError
        If there is none long after that.
    """
    taken = _Taken()
    start = time.perf_counter()
    while (now := time.perf_counter() - start) < seconds or not taken.processing_ms:
        if now > seconds + _PATIENCE_S:
            limit = seconds + _PATIENCE_S
            raise FaceError(f"no frame was ready within {limit:.0f} s: this machine is too busy to measure")
        if not taken.memory or now >= taken.memory[-1][0] + _MEMORY_EVERY_S:
            taken.memory.append((now, memory_mb()))
        timed = runner.take(0.5)
        if timed is not None:
            taken.add(timed.result, runner.stats.shown(timed))
    taken.memory.append((time.perf_counter() - start, memory_mb()))
    return taken
