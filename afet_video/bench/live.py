"""How a live session holds on this machine: a looped file plays the camera, at its own pace.

in: a clip, a time -> out: figures.  Must not: show anything.
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from afet_video.bench.figures import Figure
from afet_video.bench.process import memory_mb
from afet_video.errors import FaceError, NoFaceError
from afet_video.live.results import LiveState
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
        frames, dropped, stats.longest_wait_ms = stats.frames, stats.dropped, 0.0
        memory, start, busy = [memory_mb()], time.perf_counter(), time.process_time()
        processing, glass = _take_for(runner, seconds)
        spent, busy = time.perf_counter() - start, time.process_time() - busy
        memory.append(memory_mb())
        frames, dropped = stats.frames - frames, stats.dropped - dropped
    interval_ms = 1e3 * spent / max(frames + dropped, 1)
    what = f"{size_wh[0]}x{size_wh[1]}, {spent:.0f} s, {frames} frames, {dropped} dropped"
    low, high = (float(np.quantile(processing, share)) for share in (0.5, 0.95))
    return [
        Figure.of(PART, "sustained rate", "frames/s", [frames / spent], note=f"{what}; aim {_FPS:g} or more"),
        Figure.of(PART, "processing, median", "ms", [low], note="detection to splice"),
        Figure.of(PART, "processing, 95 % of frames", "ms", [high], target=_P95_MS),
        Figure.of(PART, "processor time of a frame", "ms", [1e3 * busy / max(frames, 1)], note="all threads together"),
        Figure.of(PART, "camera to screen", "ms", glass),
        Figure.of(PART, "longest wait of a frame", "ms", [stats.longest_wait_ms], target=round(interval_ms, 1)),
        Figure.of(PART, "memory at the start", "MB", [memory[0]], note="this process"),
        Figure.of(PART, "memory at the end", "MB", [memory[1]], note="this process"),
    ]


def _calibrated(runner: LiveRunner, clip: Path) -> None:
    deadline = time.perf_counter() + _PATIENCE_S
    while time.perf_counter() < deadline:
        timed = runner.take(0.5)
        if timed is not None and timed.result.state is LiveState.LIVE:
            return
    raise NoFaceError(f"{clip}: no calibration within {_PATIENCE_S:.0f} s: give a clip that shows a face at rest")


def _take_for(runner: LiveRunner, seconds: float) -> tuple[list[float], list[float]]:
    """Take results for a while, one at least, and return their processing times and their ways to the screen, ms."""
    processing: list[float] = []
    glass: list[float] = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or not processing:
        if time.perf_counter() > end + _PATIENCE_S:
            waited = seconds + _PATIENCE_S
            raise FaceError(f"no frame was ready within {waited:.0f} s: this machine is too busy to measure")
        timed = runner.take(0.5)
        if timed is not None:
            runner.stats.shown(timed)
            processing.append(timed.result.processing_ms)
            glass.append(runner.stats.glass[-1])
    return processing, glass
