"""Camera, session and display apart: the latest picture wins, and delay never builds up.

in: a camera, a session -> out: results as they are ready, and how the run goes.  Must not: draw, or wait for whoever
looks at the results.

One thread takes pictures from the camera into a slot for one, one processes the latest; the caller's takes the newest
result when it likes. Splitting the processing in two threads (`see` and `show`) would not pay on two cores: 25 frames a
second either way, but 50 ms a frame in place of 36, as MediaPipe, the hands and the caller want the second core too.
"""

from __future__ import annotations

import statistics
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import TracebackType
from typing import Generic, Self, TypeVar

import numpy as np

from afet_video.errors import InputError
from afet_video.live.results import LiveResult
from afet_video.live.session import LiveSession
from afet_video.video.camera import GIVE_UP_S, Camera, CameraFrame

T = TypeVar("T")

STALLED_S = 1.0
"""Time without a picture from which the status says so."""

STALE_FRAMES = 0.85
"""Age of a waiting picture, in the time between two, from which the next one is waited for: it is all but there."""

NEXT_FRAMES = 0.5
"""How long the next one is waited for, in the same unit, before the old one is taken after all: the camera stalls."""

_KEPT, _STEPS = 120, 15
"""Frames that the shown figures are taken over; steps between pictures that the usual one is the median of."""


class Slot(Generic[T]):
    """Room for one value between two threads.

    Parameters
    ----------
    drops : whether a value that nobody has taken gives way to the next one; if not, `put` waits.
    """

    def __init__(self, *, drops: bool) -> None:
        self._drops = drops
        self._changed = threading.Condition()
        self._value: T | None = None
        self._is_closed = False
        self.dropped = 0

    def put(self, value: T) -> bool:
        """Put a value in; returns False if the slot is closed."""
        with self._changed:
            if self._value is not None and self._drops:
                self.dropped += 1
            while not self._drops and self._value is not None and not self._is_closed:
                self._changed.wait()
            if self._is_closed:
                return False
            self._value = value
            self._changed.notify_all()
            return True

    def take(self, timeout_s: float | None = None) -> T | None:
        """Return the value, or None if none comes in time or the slot is closed and empty."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._value is not None or self._is_closed, timeout_s):
                return None
            value, self._value = self._value, None
            self._changed.notify_all()
            return value

    @property
    def is_done(self) -> bool:
        """Whether nothing is in it and nothing will come."""
        with self._changed:
            return self._is_closed and self._value is None

    def close(self) -> None:
        """Let nothing more in; what is in it can still be taken."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()


@dataclass(frozen=True, slots=True, eq=False)
class Timed:
    """A result, when its picture was taken (`time.perf_counter`), and how long that then lay waiting."""

    result: LiveResult
    taken_at: float
    waited_ms: float


@dataclass(slots=True)
class LiveStats:
    """How a run goes. `frames`, `dropped`: counted from its start; `longest_wait_ms`: the longest a frame lay waiting.

    `fps`, `processing_ms`, `glass_ms` (from the camera's time stamp to the screen): over the last seconds.

    May be read and written from any thread.
    """

    frames: int = 0
    dropped: int = 0
    longest_wait_ms: float = 0.0
    _done_at: deque[float] = field(default_factory=lambda: deque(maxlen=_KEPT))
    _processing: deque[float] = field(default_factory=lambda: deque(maxlen=_KEPT))
    _glass: deque[float] = field(default_factory=lambda: deque(maxlen=_KEPT))
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def fps(self) -> float:
        """Frames a second."""
        with self._lock:
            times = list(self._done_at)
        return (len(times) - 1) / (times[-1] - times[0]) if len(times) > 1 else 0.0

    @property
    def processing_ms(self) -> float:
        """Median time of detection and splice."""
        return self._median(self._processing)

    @property
    def glass_ms(self) -> float:
        """Median time from the camera to the screen."""
        return self._median(self._glass)

    def add(self, timed: Timed) -> None:
        """Count a result."""
        with self._lock:
            self.frames += 1
            self._done_at.append(time.perf_counter())
            self._processing.append(timed.result.processing_ms)
            self.longest_wait_ms = max(self.longest_wait_ms, timed.waited_ms)

    def shown(self, timed: Timed) -> float:
        """Count that a result is on the screen now, and return how long it took from the camera, ms."""
        glass_ms = (time.perf_counter() - timed.taken_at) * 1e3
        with self._lock:
            self._glass.append(glass_ms)
        return glass_ms

    def forget_longest_wait(self) -> None:
        """Begin to look for the longest wait anew."""
        with self._lock:
            self.longest_wait_ms = 0.0

    def _median(self, values: deque[float]) -> float:
        with self._lock:
            kept = list(values)
        return float(np.median(kept)) if kept else 0.0


class LiveRunner:
    """Runs a session on a camera; use it as a context manager.

    Parameters
    ----------
    camera, session : belong to the caller.
    on_result : called with every result in the thread that made it; must be quick (a recorder's queue, say).
    keeps_all : no picture is left out: the camera waits for the session, and the session for the caller. For files that
        are not paced.
    """

    def __init__(
        self,
        camera: Camera,
        session: LiveSession,
        *,
        on_result: Callable[[Timed], None] | None = None,
        keeps_all: bool = False,
        give_up_s: float = GIVE_UP_S,
    ) -> None:
        self._camera, self._session, self._on_result = camera, session, on_result
        self.stats = LiveStats()
        self._pictures: Slot[CameraFrame] = Slot(drops=not keeps_all)
        self._results: Slot[Timed] = Slot(drops=not keeps_all)
        self._keeps_all = keeps_all
        self._step_s = 0.0
        self._passed_over = 0
        self._failure: BaseException | None = None
        self._give_up_s = give_up_s
        self._picture_at = time.perf_counter()
        self._in_slot_at = 0.0
        self._threads = [
            threading.Thread(target=self._guarded, args=work, name=name, daemon=True)
            for name, *work in (
                ("afet-capture", self._capture, self._pictures),
                ("afet-process", self._work, self._results),
            )
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._camera.close()
        for slot in (self._pictures, self._results):
            slot.close()
        for thread in self._threads[1:]:
            thread.join()
        # A driver can block for longer than anybody wants to wait.
        self._threads[0].join(timeout=1.0)

    @property
    def status(self) -> str:
        """One line about the camera's trouble, "" without one."""
        silent_s = time.perf_counter() - self._picture_at
        if self._camera.status or silent_s < STALLED_S:
            return self._camera.status
        return f"no picture from the camera for {silent_s:.0f} s"

    @property
    def is_done(self) -> bool:
        """Whether no result will come any more."""
        return self._results.is_done

    def take(self, timeout_s: float) -> Timed | None:
        """Return the newest result that was not yet taken, or None if none comes in time.

        Raises
        ------
        InputError
            If the camera is gone for good; and whatever else ended the run.
        """
        timed = self._results.take(timeout_s)
        if timed is None and self._failure is not None:
            raise self._failure
        if timed is None and time.perf_counter() - self._picture_at > self._give_up_s + 2 * STALLED_S:
            raise InputError(f"camera {self._camera.name} has stopped giving pictures: is it still plugged in?")
        return timed

    def results(self) -> Iterator[Timed]:
        """Yield the newest results until the camera ends."""
        while not self.is_done:
            timed = self.take(0.5)
            if timed is not None:
                yield timed
        if self._failure is not None:
            raise self._failure

    def _guarded(self, work: Callable[[], None], output: Slot[object]) -> None:
        """Run a thread's work; whatever ends it ends those behind it too."""
        try:
            work()
        except BaseException as failure:  # noqa: BLE001 - handed to the caller of `take`
            self._failure = self._failure or failure
            self._pictures.close()  # those before it have nobody to work for
        finally:
            output.close()

    def _capture(self) -> None:
        last: float | None = None
        steps: deque[float] = deque(maxlen=_STEPS)
        for picture in self._camera:
            self._picture_at = time.perf_counter()
            if last is not None:
                steps.append(picture.taken_at - last)
                self._step_s = statistics.median(steps)
            last = picture.taken_at
            if not self._pictures.put(picture):
                return

    def _fresh(self) -> CameraFrame | None:
        """Return the next picture to be processed, None at the end.

        If processing takes a little longer than the camera does from one picture to the next, pictures are taken out of
        the slot later and later, up to just before the next one comes. Waiting for that costs nearly nothing then.
        """
        picture = self._pictures.take()
        if picture is None or self._keeps_all or self._step_s == 0.0:
            return picture
        if time.perf_counter() - picture.taken_at < STALE_FRAMES * self._step_s:
            return picture
        newer = self._pictures.take(NEXT_FRAMES * self._step_s)
        if newer is None:
            return picture
        self._passed_over += 1
        return newer

    def _work(self) -> None:
        while (picture := self._fresh()) is not None:
            self.stats.dropped = self._pictures.dropped + self._passed_over
            waited_ms = (time.perf_counter() - picture.taken_at) * 1e3
            result = self._session.process(picture.rgb, picture.timestamp)
            timed = Timed(result, picture.taken_at, waited_ms)
            self.stats.add(timed)
            if self._on_result is not None:
                self._on_result(timed)
            if not self._results.put(timed):
                return
