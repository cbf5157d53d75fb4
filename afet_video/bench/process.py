"""What only a process of its own can tell: peak memory, start-up time, one core.

in: a function, a command -> out: its result, its costs.  Must not: know what it measures.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import ParamSpec, TypeVar

from afet_video.errors import AfetError
from afet_video.pipeline import convert

P = ParamSpec("P")
R = TypeVar("R")

_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


def in_fresh_process(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Return what `function`, which must be importable by name, returns in a new process; its errors are raised here.

    The process inherits the environment, not the memory.
    """
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(function, *args, **kwargs).result()


@contextlib.contextmanager
def blas_of_one_thread() -> Iterator[None]:
    """Make processes that are started in the body compute with one BLAS thread."""
    before = {name: os.environ.get(name) for name in _ONE_THREAD}
    os.environ.update(dict.fromkeys(_ONE_THREAD, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def peak_of_convert_mb(source: Path, target: Path) -> float:
    """Convert in this process, and return the most memory it has ever held, in MB (10^6 bytes).

    To be called through `in_fresh_process`.
    """
    convert(source, target, overwrite=True)
    return peak_memory_mb()


def can_tell_memory() -> bool:
    """Whether the system tells a process how much memory it held at most."""
    return sys.platform != "win32"


def peak_memory_mb() -> float:
    """Return the most memory this process has ever held, in MB (10^6 bytes)."""
    status = Path("/proc/self/status")
    if status.exists():
        # getrusage would count what the parent held when it started this process
        (line,) = (line for line in status.read_text(encoding="ascii").splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024 / 1e6
    import resource  # not on Windows

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def memory_mb() -> float:
    """Return the memory this process holds now, in MB (10^6 bytes); the most it has held where that is not told."""
    status = Path("/proc/self/status")
    if status.exists():
        (line,) = (line for line in status.read_text(encoding="ascii").splitlines() if line.startswith("VmRSS:"))
        return int(line.split()[1]) * 1024 / 1e6
    return peak_memory_mb() if can_tell_memory() else 0.0


def startup_s(runs: int) -> list[float]:
    """Return the wall time of `runs` times ``afet-video --help``, in seconds.

    Raises
    ------
    AfetError
        If the program does not start.
    """
    command = [sys.executable, "-c", "from afet_video.cli import main; main()", "--help"]
    samples = []
    for _ in range(runs + 1):
        start = time.perf_counter()
        done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
        samples.append(time.perf_counter() - start)
        if done.returncode:
            raise AfetError(f"afet-video --help ends with code {done.returncode}: {done.stderr.strip()[-200:]}")
    return samples[1:]
