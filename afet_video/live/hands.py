"""Hands before the face while the picture runs: looked for rarely, beside the frames.

in: pictures with a face -> out: where hands were a moment ago.  Must not: hold a frame up.

As in `convert` looks are more frequent while a hand is there, and a hand counts if two looks in turn find one. There is
no looking back, and a hand is shown where it was at the last look: up to a tenth of a second late. Looks for a first
hand are rarer than there: each takes one of two cores for the time of a frame.
"""

from __future__ import annotations

import threading

import numpy as np

from afet_video.datatypes import ByteArray, FloatArray, Landmarks
from afet_video.face.hands import FOLLOW_EVERY, GAP_S, HandFinder
from afet_video.live.aside import Aside

LOOK_EVERY_S, FOLLOWS_S = 0.8, 0.4
"""Time between looks while no hand is near the face; how long one is looked for closely after it was seen."""

_NOMINAL_STEP_S = 1 / 30
_NONE = np.zeros((0, 21, 2), np.float32)


class HandWatch:
    """Looks for hands.

    Parameters
    ----------
    enabled : False = never.

    Raises
    ------
    ModelFileError
        If the model file is missing or damaged.
    """

    def __init__(self, *, enabled: bool) -> None:
        self._finder = HandFinder(enabled=enabled)
        self._enabled = enabled
        self._lock = threading.Lock()
        self._looked_at = self._seen_at = -np.inf
        self._before, self._now = _NONE, _NONE

    def load(self) -> None:
        """Load the model."""
        self._finder.load()

    def look(
        self, rgb: ByteArray, size_wh: tuple[int, int], face: Landmarks, seconds: float, aside: Aside | None
    ) -> None:
        """Take a picture (h, w, 3) that nobody will change, if it is time for a look; `aside` None: look at once."""
        follows = seconds - self._seen_at < FOLLOWS_S
        every_s = FOLLOW_EVERY * _NOMINAL_STEP_S if follows else LOOK_EVERY_S
        if not self._enabled or seconds - self._looked_at < every_s:
            return

        def find() -> None:
            self._find(rgb, size_wh, face, seconds)

        if aside is None:
            find()
        elif not aside.offer(find):
            return
        self._looked_at = seconds

    def at(self, seconds: float) -> FloatArray:
        """Return the hands (n, 21, 2) in pixels of the upright frame."""
        with self._lock:
            is_sure = len(self._before) and len(self._now) and seconds - self._seen_at < GAP_S
            return self._now if is_sure else _NONE

    def close(self) -> None:
        """Release the model."""
        self._finder.close()

    def _find(self, rgb: ByteArray, size_wh: tuple[int, int], face: Landmarks, seconds: float) -> None:
        found = self._finder.find(rgb, size_wh, face)
        with self._lock:
            self._before, self._now = self._now, found
            if len(found):
                self._seen_at = seconds
