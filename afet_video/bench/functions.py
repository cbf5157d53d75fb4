"""Which functions take the processor's time in each pass of `convert`.

in: a clip -> out: figures.  Must not: change the program that it watches.

A thread looks a few hundred times a second at what every other thread is doing, and charges the processor time that
each has spent since to the function of this package that it is in. Python's own profiler sees one thread, and slows
down what makes many small calls; the passes run in several threads.
"""

from __future__ import annotations

import contextlib
import gc
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from operator import itemgetter
from pathlib import Path
from types import FrameType, TracebackType
from typing import Self

from afet_video.bench.figures import Figure
from afet_video.passes.analyze import analyze
from afet_video.passes.ready import prepared
from afet_video.passes.register import register
from afet_video.passes.second_pass import SecondPass
from afet_video.pipeline import convert

_PACKAGE = __name__.partition(".")[0] + "."
_INTERVAL_S = 0.003
_SHOWN = 8
_TASKS = Path("/proc/self/task")

_PASSES = {
    f"{function.__module__}:{function.__qualname__}": stage
    for function, stage in (
        (analyze, "detect"),
        (register, "register"),
        (prepared, "prepare"),
        (SecondPass.run, "splice"),
    )
}
"""What the main thread is in while a pass runs; the names are those of the stages."""

_BETWEEN = "between"
_LIBRARIES = "threads of the libraries"
_ELSEWHERE = "outside this package"


def can_tell_functions() -> bool:
    """Whether the system tells the processor time of each thread, as Linux does."""
    return (_TASKS / str(threading.get_native_id()) / "schedstat").is_file()


def measure_functions(warm: Path, clip: Path, target: Path, *, part: str) -> list[Figure]:
    """Convert in this process, and return the functions that took most processor time in each pass.

    To be called through `in_fresh_process`, and only where `can_tell_functions`.

    Parameters
    ----------
    warm : short clip that is converted first, so that nothing is loaded or compiled while the clock runs.
    clip : video to convert.
    target : where results may lie.
    part : name of the figures.

    Raises
    ------
    AfetError
        If a clip cannot be converted.
    """
    convert(warm, target, overwrite=True)
    with Watch() as watch:
        frames = convert(clip, target, overwrite=True).frames
    order = [*_PASSES.values(), _BETWEEN]
    return [
        figure
        for name in order
        if name in watch.spent
        for figure in _figures(f"{part}, {name}", watch.spent[name], frames)
    ]


def _figures(part: str, spent: Mapping[str, float], frames: int) -> list[Figure]:
    whole = sum(spent.values())

    def figure(name: str, seconds: float, note: str = "") -> Figure:
        share = f"{100 * seconds / whole:.0f} %" if whole else ""
        return Figure.of(part, name, "s", [seconds], note=note or share, frames=frames)

    ranked = sorted(spent.items(), key=itemgetter(1), reverse=True)
    shown, others = ranked[:_SHOWN], ranked[_SHOWN:]
    figures = [figure("all threads", whole, f"processor time, {frames} frames")]
    figures += [figure(name, seconds) for name, seconds in shown]
    if others:
        figures.append(figure(f"{len(others)} others", sum(seconds for _, seconds in others)))
    return figures


@dataclass(slots=True)
class Watch:
    """Charges processor time to functions while its context is open; `spent` is in seconds, by pass and function.

    The passes are those that the thread that opens it is in. A function's time is that spent in it and in what it calls
    outside this package. What native libraries do in threads of their own (decoding, encoding, detection) is
    one line: nobody tells which function they work for.
    """

    spent: defaultdict[str, defaultdict[str, float]] = field(default_factory=lambda: defaultdict(_nothing_yet))
    _main: int = field(default_factory=threading.get_ident)
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None
    _seen: dict[int, float] = field(default_factory=dict)
    _process_s: float = 0.0

    def __enter__(self) -> Self:
        """Start to watch."""
        self._process_s = time.process_time()
        self._seen = {native: _thread_seconds(native) for native in _native_ids().values()}
        self._thread = threading.Thread(target=self._run, name="afet-watch", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop; what was spent last is charged, too."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        own = threading.get_native_id()
        while not self._stop.wait(_INTERVAL_S):
            self._look(own)
        self._look(own)

    def _look(self, own: int) -> None:
        natives, (stage, functions) = _native_ids(), _seen_now(self._main)
        if stage is None:
            return
        spent = self.spent[stage]
        in_threads = 0.0
        for ident, native in natives.items():
            now = _thread_seconds(native)
            since = max(now - self._seen.get(native, 0.0), 0.0)
            self._seen[native] = now
            in_threads += since
            if native != own and since and ident in functions:
                spent[functions[ident]] += since
        process_s = time.process_time()
        spent[_LIBRARIES] += max(process_s - self._process_s - in_threads, 0.0)
        self._process_s = process_s


def _nothing_yet() -> defaultdict[str, float]:
    return defaultdict(float)


def _native_ids() -> dict[int, int]:
    """Return the system's number of every Python thread, by Python's own."""
    threads = ((thread.ident, thread.native_id) for thread in threading.enumerate())
    return {ident: native for ident, native in threads if ident is not None and native is not None}


def _thread_seconds(native: int) -> float:
    """Return the processor time of a thread; 0 once it has ended."""
    try:
        return int((_TASKS / str(native) / "schedstat").read_bytes().split()[0]) / 1e9
    except (FileNotFoundError, ProcessLookupError):
        return 0.0


def _seen_now(main: int) -> tuple[str | None, dict[int, str]]:
    """Return the pass that the thread `main` is in, None once that has ended, and the function that each thread is in.

    Nothing in here waits, no frame is kept, and no garbage is collected: that may let other threads go on in the middle
    of it, and Python 3.11 then waits for itself for ever (python/cpython#106883), or looks at frames that have ended.
    """
    with _garbage_left():
        stacks = sys._current_frames()
        stage = _pass_of(stacks[main]) if main in stacks else None
        return stage, {ident: _function_of(frame) for ident, frame in stacks.items()}


@contextlib.contextmanager
def _garbage_left() -> Iterator[None]:
    """Collect no garbage in the block, in any thread."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


def _pass_of(frame: FrameType | None) -> str:
    while frame is not None:
        name = f"{_module(frame)}:{frame.f_code.co_qualname}"
        if name in _PASSES:
            return _PASSES[name]
        frame = frame.f_back
    return _BETWEEN


def _function_of(frame: FrameType | None) -> str:
    """Return the innermost function of this package, as module:function."""
    while frame is not None:
        module = _module(frame)
        if module.startswith(_PACKAGE):
            return f"{module.removeprefix(_PACKAGE)}:{frame.f_code.co_qualname}"
        frame = frame.f_back
    return _ELSEWHERE


def _module(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", ""))
