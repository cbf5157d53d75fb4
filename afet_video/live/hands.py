"""Hands before the face while the picture runs: looked for rarely, beside the frames.

in: pictures with a face -> out: where hands were a moment ago.  Must not: hold a frame up.

As in `convert` looks are more frequent while a hand is there, and a hand counts if two looks in turn find one. There is
no looking back, and a hand is shown where it was at the last look: up to a tenth of a second late. Looks for a first
hand are rarer than there: each takes one of two cores for the time of a frame.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

import numpy as np

from afet_video.datatypes import ByteArray, FloatArray, Landmarks
from afet_video.face.hands import FOLLOW_EVERY, GAP_S, HandFinder

LOOK_EVERY_S, FOLLOWS_S = 0.8, 0.4
"""Time between looks while no hand is near the face; how long one is looked for closely after it was seen."""

_NOMINAL_STEP_S = 1 / 30
_NONE = np.zeros((0, 21, 2), np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class _Task:
    rgb: ByteArray
    size_wh: tuple[int, int]
    face: Landmarks
    seconds: float


class HandWatch:
    """Looks for hands in a thread of its own; `enabled` False = never.

    Raises
    ------
    ModelFileError
        If the model file is missing or damaged.
    """

    def __init__(self, *, enabled: bool, in_background: bool) -> None:
        self._finder = HandFinder(enabled=enabled)
        self._enabled, self._in_background = enabled, in_background
        self._changed = threading.Condition()
        self._task: _Task | None = None
        self._is_open = True
        self._looked_at = self._seen_at = -np.inf
        self._before, self._now = _NONE, _NONE
        self._thread = threading.Thread(target=self._work, name="afet-hands", daemon=True)
        if enabled and in_background:
            self._thread.start()

    def look(self, rgb: ByteArray, size_wh: tuple[int, int], face: Landmarks, seconds: float) -> None:
        """Take a picture (h, w, 3) that nobody will change, if it is time for a look and the last one is done."""
        follows = seconds - self._seen_at < FOLLOWS_S
        every_s = FOLLOW_EVERY * _NOMINAL_STEP_S if follows else LOOK_EVERY_S
        if not self._enabled or seconds - self._looked_at < every_s:
            return
        task = _Task(rgb, size_wh, face, seconds)
        if not self._in_background:
            self._find(task)
            return
        with self._changed:
            if self._task is None:
                self._looked_at = seconds
                self._task = task
                self._changed.notify()

    def at(self, seconds: float) -> FloatArray:
        """Return the hands (n, 21, 2) in pixels of the upright frame."""
        with self._changed:
            is_sure = len(self._before) and len(self._now) and seconds - self._seen_at < GAP_S
            return self._now if is_sure else _NONE

    def close(self) -> None:
        """Release the model."""
        with self._changed:
            self._is_open = False
            self._changed.notify()
        if self._thread.ident is not None:
            self._thread.join()
        self._finder.close()

    def _work(self) -> None:
        while True:
            with self._changed:
                while self._is_open and self._task is None:
                    self._changed.wait()
                task = self._task
                if not self._is_open or task is None:
                    return
            self._find(task)
            with self._changed:
                self._task = None

    def _find(self, task: _Task) -> None:
        found = self._finder.find(task.rgb, task.size_wh, task.face)
        with self._changed:
            self._looked_at = task.seconds
            self._before, self._now = self._now, found
            if len(found):
                self._seen_at = task.seconds
