"""Where one shot ends and the next begins.

in: the pictures of a video, one after the other -> out: the number of the shot of each frame.
Must not: keep pictures, or grow with frames that begin no shot.

As PySceneDetect's AdaptiveDetector (which itself would bring a second OpenCV): a cut is a frame that differs from the
one before it much more than its neighbours do from theirs. Besides, none of the pictures before a cut may come back
right after it: a flash, or a hand before the lens, ends no shot. Dissolves and fades are not found.
"""

from __future__ import annotations

from collections import deque

import cv2
import numpy as np
from numpy.typing import NDArray

from afet_video.datatypes import ByteArray

LEAST_CHANGE = 12.0
"""Change from one picture to the next (mean of hue, saturation and value, 8 bit) below which nothing is a cut.

Within seven clips of faces it reached 8; between frames of different clips it was 22 to 89."""

LEAST_RATIO = 3.0
"""How many times the change of its neighbours that of a cut is, as in PySceneDetect."""

_SIDE_PX = 128
_REACH = 2
"""Neighbours on either side."""


class ShotFinder:
    """Looks at every frame in order; `update` says at once what may be a cut, `shots` at the end what was one.

    Parameters
    ----------
    keep : whether cuts are remembered for `shots`; False where nobody will ask, as before a camera that runs on.
    """

    def __init__(self, *, keep: bool = True) -> None:
        self._keep = keep
        self._pictures: deque[NDArray[np.int16]] = deque(maxlen=2 * (_REACH + 1))
        self._changes: deque[float] = deque(maxlen=2 * _REACH + 1)
        self._count = 0
        self._cuts: list[int] = []

    def update(self, rgb: ByteArray) -> bool:
        """Look at the next frame, (h, w, 3) at any size, and return whether it may be the first of a shot."""
        picture = _small(rgb)
        change = 0.0
        if self._pictures:
            change = _change(self._pictures[-1], picture)
            self._changes.append(change)
        self._pictures.append(picture)
        self._count += 1
        if self._keep:
            self._decide(self._count - 1 - _REACH)
        before = list(self._changes)[-1 - _REACH : -1]
        # Half the ratio: that of a cut is the same or more whatever comes next.
        return change >= LEAST_CHANGE and change * _REACH * 2 >= LEAST_RATIO * sum(before)

    def shots(self) -> NDArray[np.int32]:
        """Return the number of the shot of every frame so far, (T,), counted from 0; not without `keep`."""
        count, decided = self._count, list(self._cuts)
        for frame in range(max(count - _REACH, 0), count):
            self._decide(frame)
        starts = np.zeros(count, np.int32)
        starts[self._cuts] = 1
        self._cuts = decided
        return np.cumsum(starts, dtype=np.int32)

    def _decide(self, frame: int) -> None:
        """Remember `frame` if it is the first of a shot; the pictures kept must reach a little further."""
        if frame < 1:
            return
        changes = list(self._changes)
        place = frame - (self._count - len(changes))
        if changes[place] < LEAST_CHANGE:
            return
        nearby = [*changes[max(place - _REACH, 0) : place], *changes[place + 1 : place + 1 + _REACH]]
        if nearby and changes[place] * len(nearby) < LEAST_RATIO * sum(nearby):
            return
        split = len(self._pictures) - (self._count - frame)
        pictures = list(self._pictures)
        before, after = pictures[max(split - _REACH - 1, 0) : split], pictures[split : split + _REACH + 1]
        if min(_change(one, other) for one in before for other in after) >= LEAST_CHANGE:
            self._cuts.append(frame)


def _small(rgb: ByteArray) -> NDArray[np.int16]:
    stride = max(max(rgb.shape[:2]) // (3 * _SIDE_PX), 1)
    if stride > 1:
        rows, columns = (side // stride for side in rgb.shape[:2])
        # the same as a slice with a step, in a fifth of its time
        even = rgb[: rows * stride, : columns * stride]
        rgb = np.asarray(cv2.resize(even, (columns, rows), interpolation=cv2.INTER_NEAREST), np.uint8)
    scale = _SIDE_PX / max(rgb.shape[:2])
    size = [max(round(side * scale), 1) for side in rgb.shape[1::-1]]
    small = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA) if scale < 1 else rgb
    return cv2.cvtColor(np.ascontiguousarray(small), cv2.COLOR_RGB2HSV).astype(np.int16)


def _change(one: NDArray[np.int16], other: NDArray[np.int16]) -> float:
    if one.shape != other.shape:
        return float("inf")
    apart = np.abs(one - other)
    apart[..., 0] = np.minimum(apart[..., 0], 180 - apart[..., 0])
    return float(apart.mean())
