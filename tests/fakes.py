"""Stand-ins for what a test machine does not have: cameras with every kind of fault, a virtual camera.

in: what shall happen -> out: objects that behave so.  Must not: use a device.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from afet_video.datatypes import Timestamp
from afet_video.video.camera import CameraFrame

Picture = NDArray[np.uint8]


class FakeCapture:
    """What `cv2.VideoCapture` gives: one entry of `script` a read; at its end the camera is gone.

    An entry is a picture (BGR or gray), None (the read fails), or a function that is called and whose result counts.
    `stamps_ms` are what `CAP_PROP_POS_MSEC` says of each read.
    """

    def __init__(self, script: Iterable[Any], *, stamps_ms: Sequence[float] = (), opens: bool = True) -> None:
        self._script = iter(script)
        self._stamps, self._reads, self._opens = list(stamps_ms), 0, opens
        self.asked: dict[int, float] = {}
        self.is_released = False

    def isOpened(self) -> bool:
        return self._opens

    def read(self) -> tuple[bool, Any]:
        self._reads += 1
        entry = next(self._script, None)
        entry = entry() if callable(entry) else entry
        return entry is not None, entry

    def get(self, prop: int) -> float:
        assert prop == cv2.CAP_PROP_POS_MSEC
        return self._stamps[min(self._reads, len(self._stamps)) - 1] if self._stamps else 0.0

    def set(self, prop: int, value: float) -> bool:
        self.asked[prop] = value
        return True

    def release(self) -> None:
        self.is_released = True


class FakeCamera:
    """A `Camera` that gives the pictures of a script, `rate` a second on its own clock, as fast as they are taken.

    An entry may be a function: it is called, and what it returns, if anything, is the picture.
    """

    def __init__(self, script: Iterable[Any], *, rate: int = 25, pause_s: float = 0.0) -> None:
        self.name, self.status = "fake camera", ""
        self._script, self._rate, self._pause_s = list(script), rate, pause_s
        self.is_closed = threading.Event()

    def __iter__(self) -> Iterator[CameraFrame]:
        for number, entry in enumerate(self._script):
            picture = entry() if callable(entry) else entry
            if self.is_closed.wait(self._pause_s):
                return
            if picture is not None:
                stamp = Timestamp(round(1_000_000 * number / self._rate), Fraction(1, 1_000_000))
                yield CameraFrame(picture, stamp, time.perf_counter())

    def close(self) -> None:
        self.is_closed.set()


@dataclass
class FakeVirtualCamera:
    """What `pyvirtualcam.Camera` is: it keeps what it was sent."""

    width: int
    height: int
    fps: float
    device: str = "/dev/video9"
    sent: list[Picture] = field(default_factory=list)
    is_closed: bool = False

    def send(self, picture: Picture) -> None:
        assert picture.shape == (self.height, self.width, 3)
        assert picture.flags["C_CONTIGUOUS"]
        self.sent.append(picture.copy())

    def close(self) -> None:
        self.is_closed = True


@dataclass
class FakeVirtualModule:
    """The module `pyvirtualcam`, with or without a driver."""

    failure: str = ""
    made: list[FakeVirtualCamera] = field(default_factory=list)

    def Camera(self, *, width: int, height: int, fps: float) -> FakeVirtualCamera:
        if self.failure:
            raise RuntimeError(self.failure)
        self.made.append(FakeVirtualCamera(width, height, fps))
        return self.made[-1]


def opener_of(captures: Iterable[FakeCapture]) -> Callable[[int], FakeCapture]:
    """Return what opens one capture after the other."""
    waiting = iter(captures)
    return lambda _number: next(waiting)


def gray_picture(value: int, size_wh: tuple[int, int] = (64, 48)) -> Picture:
    return np.full((size_wh[1], size_wh[0], 3), value, np.uint8)
