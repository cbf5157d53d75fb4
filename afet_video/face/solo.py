"""One face that is alone in the picture, followed from frame to frame, and a frame ahead.

in: pictures, one after the other -> out: what MediaPipe finds in each.  Must not: decide who is alone.

MediaPipe looks for the face where it was in the picture before, so one landmarker cannot be at two pictures at a time.
Two of them can: each is at every other frame and looks where the face was two frames ago. Nothing is lost by that (on
the sample the landmarks differ by 0.15 px RMS, and the jitter is 0.336 px against 0.337), and two cores are at work.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from afet_video.datatypes import ByteArray
from afet_video.face.quiet import native_log_dropped

UNFILTERED_STEP_MS = 100_000
"""Time between frames that MediaPipe is told, so that its own filter does nothing."""

Find = Callable[[Any, ByteArray, int], Any]
"""Asks a MediaPipe landmarker what it finds in a picture (h, w, 3) at a time in milliseconds."""


class SoloPair:
    """Two landmarkers with room for one face each, that take turns; close it.

    Parameters
    ----------
    open_model : loads a landmarker; called once or twice.
    find : called with a landmarker, a picture and its time.
    """

    def __init__(self, open_model: Callable[[], Any], find: Find) -> None:
        self._solos = tuple(_Solo(open_model, find) for _ in range(2))
        self._turn = 0
        self._pool: ThreadPoolExecutor | None = None

    def load(self) -> None:
        """Load the landmarker that is the next to look."""
        self._solos[self._turn].load()

    def look_ahead(self, rgb: ByteArray, coming: ByteArray) -> None:
        """Begin to look at the picture that comes after `rgb`, which `look` is asked for now or never."""
        self._take_turn(rgb)
        self._pool = self._pool or ThreadPoolExecutor(2, thread_name_prefix="afet-solo")
        self._solos[1 - self._turn].begin(coming, self._pool)

    def look(self, rgb: ByteArray) -> Any:
        """Return what is found in a picture (h, w, 3)."""
        self._take_turn(rgb)
        return self._solos[self._turn].look(rgb)

    def close(self) -> None:
        """Release the models; closing twice does no harm."""
        for solo in self._solos:
            solo.close()
        if self._pool is not None:
            self._pool.shutdown()

    def _take_turn(self, rgb: ByteArray) -> None:
        if self._solos[1 - self._turn].is_at(rgb):
            self._turn = 1 - self._turn


class _Solo:
    """One landmarker, its clock, and the picture that it is at."""

    def __init__(self, open_model: Callable[[], Any], find: Find) -> None:
        self._open, self._find = open_model, find
        self._model: Any = None
        self._ms = 0
        self._begun: tuple[ByteArray, Future[Any]] | None = None

    def load(self) -> None:
        self._model = self._model or self._open()

    def is_at(self, rgb: ByteArray) -> bool:
        return self._begun is not None and self._begun[0] is rgb

    def begin(self, rgb: ByteArray, pool: ThreadPoolExecutor) -> None:
        self._forget()
        self._begun = rgb, pool.submit(self._look, rgb)

    def look(self, rgb: ByteArray) -> Any:
        if self._begun is not None and self._begun[0] is rgb:
            future, self._begun = self._begun[1], None
            return future.result()
        self._forget()
        return self._look(rgb)

    def close(self) -> None:
        self._forget()
        model, self._model = self._model, None
        if model is not None:
            with native_log_dropped():
                model.close()

    def _forget(self) -> None:
        """Wait for a look that nobody asked for after all: a cut came, or somebody else."""
        begun, self._begun = self._begun, None
        if begun is not None:
            begun[1].exception()

    def _look(self, rgb: ByteArray) -> Any:
        self.load()
        if self._ms == 0:
            # Where its face detector points, landmarks lie up to 1 % of the face off: from the second look on it looks
            # where the landmarks are.
            self._seek(rgb)
        return self._seek(rgb)

    def _seek(self, rgb: ByteArray) -> Any:
        self._ms += UNFILTERED_STEP_MS
        return self._find(self._model, rgb, self._ms)
