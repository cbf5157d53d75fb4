"""What a measurement says, and on which machine it was taken.

in: samples -> out: `Figure`, `BenchReport`.  Must not: measure the program.
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib import metadata
from pathlib import Path

import numpy as np

_LIBRARIES = ("afet-video", "av", "mediapipe", "numba", "numpy", "opencv-contrib-python", "scipy", "statsmodels")
_MS = {"s": 1000.0, "ms": 1.0}


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured quantity: the median of `runs` samples and their interquartile range, in `unit`.

    `part` is what it belongs to ("kernel", "convert 480p", ...). `runs` is 0 for what was not measured here but is
    quoted. `target` is what was aimed at, None if nothing was; smaller is better wherever there is one. `note` says
    how it was measured where that matters. `frame_ms`: the median as milliseconds a frame, None where it is no time
    spent on frames.
    """

    part: str
    name: str
    unit: str
    median: float
    iqr: float
    runs: int
    target: float | None = None
    note: str = ""
    frame_ms: float | None = None

    @classmethod
    def of(
        cls,
        part: str,
        name: str,
        unit: str,
        samples: Sequence[float],
        *,
        target: float | None = None,
        note: str = "",
        frames: int | None = None,
    ) -> Figure:
        """Return the figure that `samples` (at least one) amount to; `frames`: how many each of them, in s or ms, took.

        Raises
        ------
        KeyError
            If `frames` is given for a quantity that is not in s or ms.
        """
        low, median, high = (round(float(q), 4) for q in np.quantile(samples, (0.25, 0.5, 0.75)))
        frame_ms = None if frames is None else round(_MS[unit] * median / frames, 4)
        return cls(part, name, unit, median, round(high - low, 4), len(samples), target, note, frame_ms)


@dataclass(frozen=True, slots=True)
class BenchReport:
    """All figures of one run: `machine` and `versions` by name, `date` ISO 8601, `skipped` why a part is missing."""

    date: str
    machine: Mapping[str, str | int]
    versions: Mapping[str, str]
    clip: str
    figures: tuple[Figure, ...]
    skipped: tuple[str, ...] = ()


def describe_run(clip: Path, figures: Sequence[Figure], skipped: Sequence[str]) -> BenchReport:
    """Return a report of this machine, now."""
    found = {"python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "not installed"
    machine: dict[str, str | int] = {
        "cpu": cpu_model(),
        "cores": usable_cores(),
        "system": f"{platform.system()} {platform.machine()}",
    }
    date = datetime.now().astimezone().isoformat(timespec="minutes")
    return BenchReport(date, machine, found, clip.name, tuple(figures), tuple(skipped))


def cpu_model() -> str:
    """Return the name of the processor, as far as the system tells."""
    listing = Path("/proc/cpuinfo")
    if listing.exists():
        for line in listing.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def usable_cores() -> int:
    """Return how many cores this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity is not None else os.cpu_count() or 1


def samples_ms(function: Callable[[], object], runs: int, *, warm_up: int = 3) -> list[float]:
    """Return the wall time of `runs` calls in milliseconds, after `warm_up` calls that do not count."""
    for _ in range(warm_up):
        function()
    samples = []
    for _ in range(runs):
        start = time.perf_counter()
        function()
        samples.append(1000 * (time.perf_counter() - start))
    return samples
