"""Pictures from a camera, or from a file that plays the camera.

in: a camera's number, name or device, or a file -> out: `CameraFrame`s as they come.  Must not: hold a picture back,
or wait for ever.
"""

from __future__ import annotations

import platform
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np

from afet_video.datatypes import ByteArray, Timestamp
from afet_video.errors import InputError, SettingsError
from afet_video.video.decode import VideoReader
from afet_video.video.frame import StoredFrame

TICK = Fraction(1, 1_000_000)
"""All cameras count time in microseconds, from about 0."""

GIVE_UP_S = 10.0
"""How long a camera that gives no pictures is waited for."""

_USUAL_STEP = Fraction(1, 25)
_RETRY_S, _MISSES = 0.5, 5
_MAX_NUMBER = 8
_MOST_LEFT_OUT = 8
"""Pictures of a file in a row that may be left out: who is later still is not about to catch up."""
_SYS = Path("/sys/class/video4linux")


@dataclass(frozen=True, slots=True, eq=False)
class CameraFrame:
    """One picture: `rgb` (H, W, 3) uint8, when it was taken on the camera's clock, and by `time.perf_counter`."""

    rgb: ByteArray
    timestamp: Timestamp
    taken_at: float


class Camera(Protocol):
    """Something that gives pictures. `status` is "" or one line about a trouble; both may be read from any thread."""

    name: str
    status: str

    def __iter__(self) -> Iterator[CameraFrame]:
        """Yield pictures, each with a later time than the one before, until the end or `close`."""

    def close(self) -> None:
        """Let go of the camera; a waiting iteration ends soon."""


@dataclass(frozen=True, slots=True)
class CameraName:
    """A camera that is there: its number and what it is called."""

    number: int
    name: str

    @property
    def label(self) -> str:
        """One line for a list."""
        return f"{self.number}: {self.name}"


def list_cameras(opener: Callable[[int], Any] | None = None, folder: Path = _SYS) -> list[CameraName]:
    """Return the cameras that are there; `opener` as `cv2.VideoCapture`, tried where the system keeps no list."""
    if platform.system() == "Linux" and opener is None:
        return _listed(folder)
    found = []
    for number in range(_MAX_NUMBER):
        capture = (opener or cv2.VideoCapture)(number)
        if capture.isOpened():
            found.append(CameraName(number, f"camera {number}"))
        capture.release()
    return found


def _listed(folder: Path) -> list[CameraName]:
    """Return what the kernel lists; a camera's further nodes (for its metadata) are none."""
    found = []
    for node in folder.glob("video*"):
        number = node.name.removeprefix("video")
        try:
            is_first = (node / "index").read_text().strip() == "0"
            name = (node / "name").read_text().strip()
        except OSError:
            continue
        if number.isdigit() and is_first:
            found.append(CameraName(int(number), name))
    return sorted(found, key=lambda one: one.number)


def find_camera(wanted: str | int, cameras: list[CameraName]) -> int:
    """Return the number of a camera given by number, `/dev/videoN`, or (a part of) its name.

    Raises
    ------
    InputError
        If there is none, or several fit; the message lists what there is.
    """
    text = str(wanted).strip()
    number = text.removeprefix("/dev/video")
    if number.isascii() and number.isdigit():
        fitting = [one for one in cameras if one.number == int(number)]
    else:
        fitting = [one for one in cameras if text.lower() in one.name.lower()]
    if len(fitting) == 1:
        return fitting[0].number
    if not cameras:
        raise InputError(f"camera {text}: this machine has no camera; plug one in, or play a video with --source FILE")
    there = "; ".join(one.label for one in fitting or cameras)
    what = "several cameras have this in their name" if fitting else "there is no such camera"
    raise InputError(f"camera {text}: {what}; choose one of {there}")


class DeviceCamera:
    """A camera of the machine.

    Parameters
    ----------
    wanted : number, name or device.
    size_wh, rate : what the camera is asked for; it may give something else.
    opener : makes a capture from a number, as `cv2.VideoCapture` does.
    cameras : what there is; None = looked up.

    Raises
    ------
    InputError
        If there is no such camera, or it cannot be opened.
    """

    def __init__(
        self,
        wanted: str | int = 0,
        *,
        size_wh: tuple[int, int] | None = None,
        rate: float | None = None,
        opener: Callable[[int], Any] | None = None,
        cameras: list[CameraName] | None = None,
        give_up_s: float = GIVE_UP_S,
    ) -> None:
        cameras = list_cameras() if cameras is None else cameras
        self._number = find_camera(wanted, cameras)
        self.name = next(one.label for one in cameras if one.number == self._number)
        self.status = ""
        self._size_wh, self._rate = size_wh, rate
        self._opener = opener or cv2.VideoCapture
        self._give_up_s = give_up_s
        self._closed = threading.Event()
        self._capture = self._open()
        if self._capture is None:
            raise InputError(f"camera {self.name} cannot be opened: is another program using it, or is access denied?")

    def __iter__(self) -> Iterator[CameraFrame]:
        last_s, origin = time.monotonic(), -1.0
        misses, last_pts = 0, -1
        while not self._closed.is_set():
            is_there, bgr = self._read()
            now = time.monotonic()
            if not is_there:
                misses += 1
                if misses >= _MISSES:
                    self._reconnect(last_s)
                    misses = 0
                else:
                    self._closed.wait(0.02)
                continue
            misses, last_s, self.status = 0, now, ""
            taken = self._taken_at(now)
            origin = taken if origin < 0 else origin
            pts = round((taken - origin) / TICK)
            if pts <= last_pts:  # the driver repeats itself: its clock is worth nothing
                taken, pts = now, max(round((now - origin) / TICK), last_pts + 1)
            last_pts = pts
            yield CameraFrame(_rgb(bgr), Timestamp(pts, TICK), time.perf_counter() - (now - taken))

    def close(self) -> None:
        """Let go of the camera."""
        self._closed.set()
        capture, self._capture = self._capture, None
        if capture is not None:
            capture.release()

    def _open(self) -> Any:
        capture = self._opener(self._number)
        if not capture.isOpened():
            capture.release()
            return None
        if self._size_wh is not None:
            capture.set(cv2.CAP_PROP_FRAME_WIDTH, self._size_wh[0])
            capture.set(cv2.CAP_PROP_FRAME_HEIGHT, self._size_wh[1])
        if self._rate is not None:
            capture.set(cv2.CAP_PROP_FPS, self._rate)
        capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)  # old pictures are worth nothing
        return capture

    def _read(self) -> tuple[bool, Any]:
        capture = self._capture
        if capture is None:
            return False, None
        try:
            is_there, bgr = capture.read()
        except cv2.error:
            return False, None
        return bool(is_there) and bgr is not None and bgr.size > 0, bgr

    def _taken_at(self, now: float) -> float:
        """Return when the picture was taken, on the monotonic clock: V4L2 stamps pictures by it, others do not."""
        capture = self._capture
        stamp = float(capture.get(cv2.CAP_PROP_POS_MSEC)) / 1000 if capture is not None else 0.0
        return stamp if 0.0 <= now - stamp < 1.0 else now

    def _reconnect(self, last_s: float) -> None:
        """Open the camera again, and wait for it for a while.

        Raises
        ------
        InputError
            If it does not come back.
        """
        self.status = f"camera {self.name} gives no pictures: looking for it"
        if self._capture is not None:
            self._capture.release()
            self._capture = None
        while not self._closed.is_set():
            if time.monotonic() - last_s > self._give_up_s:
                raise InputError(
                    f"camera {self.name} has given no picture for {self._give_up_s:.0f} s: is it still plugged in, "
                    "and does no other program use it?"
                )
            self._capture = self._open()
            if self._capture is not None:
                return
            self._closed.wait(_RETRY_S)


class FileCamera:
    """A video file that plays the camera: paced by its own times, over and over, with times that go on growing.

    As with a camera, a picture that nobody came for in time is gone: one that is due after the next one is left out. A
    machine that cannot keep pace at all sees the file slow down.

    Parameters
    ----------
    path : any video.
    loops : whether it starts anew at its end.
    is_paced : whether each picture comes when its time has come; if not, as fast as it is taken.
    rate : frames a second at which it is played; None = by its own times.
    size_wh : what the pictures are scaled to; None = as they are.

    Raises
    ------
    InputError, DecodeError
        If the file cannot be used.
    """

    def __init__(
        self,
        path: Path,
        *,
        loops: bool = True,
        is_paced: bool = True,
        rate: float | None = None,
        size_wh: tuple[int, int] | None = None,
    ) -> None:
        self._step = None if rate is None else 1 / Fraction(rate).limit_denominator(1001)
        self._reader = VideoReader(path)
        self.name, self.status = str(path), ""
        self._loops, self._is_paced, self._size_wh = loops, is_paced, size_wh
        self._closed = threading.Event()

    def __iter__(self) -> Iterator[CameraFrame]:
        started: float | None = None
        left_out = 0
        for seconds, step, frame in self._played():
            now = time.perf_counter()
            started = now if started is None else started
            due = started + float(seconds)
            late_s = now - due
            if self._is_paced and late_s > float(step):
                left_out += 1
                if left_out <= _MOST_LEFT_OUT:
                    continue
                started, due = started + late_s, due + late_s
            left_out = 0
            rgb = self._scaled(frame.rgb())
            if self._is_paced and self._closed.wait(max(due - time.perf_counter(), 0.0)):
                return
            if self._closed.is_set():
                return
            stamp = Timestamp(round(seconds / TICK), TICK)
            yield CameraFrame(rgb, stamp, due if self._is_paced else time.perf_counter())

    def _played(self) -> Iterator[tuple[Fraction, Fraction, StoredFrame]]:
        """Yield the frames, over and over, each with its time since the start, which grows, and that since the last."""
        start, step = Fraction(0), self._step or _USUAL_STEP
        while True:
            first: Fraction | None = None
            shown = start
            for number, frame in enumerate(self._reader):
                first = frame.timestamp.seconds if first is None else first
                last = shown
                shown = start + (frame.timestamp.seconds - first if self._step is None else number * self._step)
                step = shown - last or step
                yield shown, step, frame
            start = shown + step
            if not self._loops:
                return

    def close(self) -> None:
        """End the iteration."""
        self._closed.set()

    def _scaled(self, rgb: ByteArray) -> ByteArray:
        if self._size_wh is None or self._size_wh == (rgb.shape[1], rgb.shape[0]):
            return rgb
        is_smaller = self._size_wh[0] < rgb.shape[1]
        scaled = cv2.resize(rgb, self._size_wh, interpolation=cv2.INTER_AREA if is_smaller else cv2.INTER_LINEAR)
        return np.asarray(scaled, np.uint8)


def parse_size(text: str) -> tuple[int, int]:
    """Return width and height from a text such as 640x480.

    Raises
    ------
    SettingsError
        If it is none.
    """
    width, cross, height = text.lower().partition("x")
    if cross and width.isdigit() and height.isdigit() and 16 <= int(width) <= 8192 and 16 <= int(height) <= 8192:
        return int(width), int(height)
    raise SettingsError(f'size "{text}": give width x height in pixels, as in 640x480')


def _rgb(bgr: Any) -> ByteArray:
    if bgr.ndim == 2 or bgr.shape[2] == 1:
        return np.asarray(cv2.cvtColor(bgr, cv2.COLOR_GRAY2RGB), np.uint8)
    return np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), np.uint8)
