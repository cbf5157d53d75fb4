"""One face that is alone in the picture, followed from frame to frame, by two landmarkers where frames lie ahead.

in: pictures, one after the other, and those that come -> out: what MediaPipe finds in each.  Must not: decide who is
alone.

MediaPipe looks for the face where it was in the picture before, so one landmarker goes from picture to picture, on one
core. Two of them share the work in stretches: while one is at the pictures at hand the other is at those to come. (Were
they to take every other picture, each would err by itself, and the outline would shake by a third more.) A single one
needs a tenth less of the processor, as it settles once: it is the better choice where other work fills the other cores.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext
from typing import Any

from afet_video.datatypes import ByteArray
from afet_video.face.quiet import native_log_dropped

UNFILTERED_STEP_MS = 100_000
"""Time between frames that MediaPipe is told, so that its own filter does nothing."""

STRETCH = 20
"""Pictures that one landmarker looks at before it leaves out as many."""

LOOK_AHEAD = 2 * STRETCH
"""Pictures to come that keep both landmarkers at work."""

LOOK_AHEAD_OF_ONE = 3
"""Pictures to come that keep a single one at work."""

_SETTLING = 2
"""Looks at the first picture of a stretch before the one that counts: where the face detector points, or where the face
was a stretch ago, landmarks lie up to 1 % of the face off."""

Find = Callable[[Any, ByteArray, int], Any]
"""Asks a MediaPipe landmarker what it finds in a picture (h, w, 3) at a time in milliseconds."""


class SoloPair:
    """Two landmarkers with room for one face each; close it.

    Parameters
    ----------
    open_model : loads a landmarker; called once, or twice where pictures to come are known.
    find : called with a landmarker, a picture and its time.
    count : of landmarkers, 1 or 2.
    """

    def __init__(self, open_model: Callable[[], Any], find: Find, count: int = 2) -> None:
        self._solos = tuple(_Solo(open_model, find) for _ in range(count))
        self._begun: dict[int, tuple[ByteArray, Future[Any]]] = {}
        self._place = 0

    def load(self) -> None:
        """Load the landmarker that is the first to look."""
        self._solos[0].load()

    def lose(self) -> None:
        """Forget where the face was: it is not alone, or not there."""
        self._begun.clear()
        self._place = 1  # the picture at hand is the first one, and looked at here and now
        for solo in self._solos:
            solo.is_lost = True

    def look_ahead(self, rgb: ByteArray, coming: Sequence[ByteArray]) -> None:
        """Have `rgb`, the next picture, and those that come after it looked at meanwhile; once for each picture."""
        wanted = {id(picture): picture for picture in (rgb, *coming)}
        self._begun = {key: begun for key, begun in self._begun.items() if key in wanted}
        for place, (key, picture) in enumerate(wanted.items(), self._place):
            if key not in self._begun:
                solo = self._solos[place // STRETCH % len(self._solos)]
                is_other = len(self._solos) > 1 and place % STRETCH == 0
                self._begun[key] = picture, solo.begin(picture, afresh=is_other)
        self._place += 1

    def look(self, rgb: ByteArray) -> Any:
        """Return what is found in a picture (h, w, 3)."""
        _, future = self._begun.pop(id(rgb), (None, None))
        return self._solos[0].look(rgb) if future is None else future.result()

    def close(self) -> None:
        """Release the models; closing twice does no harm."""
        self._begun.clear()
        for solo in self._solos:
            solo.close()


class _Solo:
    """One landmarker, its clock and its thread.

    What was begun is always done, also where nobody asks for it after all: what a landmarker finds depends a little on
    where it looked before, and must not depend on how far it had come.
    """

    def __init__(self, open_model: Callable[[], Any], find: Find) -> None:
        self._open, self._find = open_model, find
        self._model: Any = None
        self._thread: ThreadPoolExecutor | None = None
        self._ms = 0
        self.is_lost = True

    def load(self) -> None:
        self._model = self._model or self._open()

    def begin(self, rgb: ByteArray, *, afresh: bool = False) -> Future[Any]:
        self._thread = self._thread or ThreadPoolExecutor(1, thread_name_prefix="afet-solo")
        afresh, self.is_lost = afresh or self.is_lost, False
        return self._thread.submit(self._look, rgb, afresh=afresh)

    def look(self, rgb: ByteArray) -> Any:
        if self._thread is not None:
            return self.begin(rgb).result()
        afresh, self.is_lost = self.is_lost, False
        return self._look(rgb, afresh=afresh)

    def close(self) -> None:
        if self._thread is not None:
            self._thread.shutdown(cancel_futures=True)
        model, self._model = self._model, None
        if model is not None:
            with native_log_dropped():
                model.close()

    def _look(self, rgb: ByteArray, *, afresh: bool) -> Any:
        self.load()
        # at the very first picture TensorFlow Lite may speak up
        with native_log_dropped() if self._ms == 0 else nullcontext():
            for _ in range(_SETTLING if afresh else 0):
                self._seek(rgb)
        return self._seek(rgb)

    def _seek(self, rgb: ByteArray) -> Any:
        self._ms += UNFILTERED_STEP_MS
        return self._find(self._model, rgb, self._ms)
