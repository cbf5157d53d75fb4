"""The window: picture, keys, sliders.

in: a camera, settings -> out: a session in a window until it is closed.  Must not: process frames in its own thread's
time.
"""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2

from afet_video.datatypes import ZONES, ByteArray
from afet_video.live.controls import STEP, Controls, View
from afet_video.live.display import check_display
from afet_video.live.hud import compose
from afet_video.live.runner import LiveRunner, LiveStats, Timed
from afet_video.live.session import LiveSession
from afet_video.live.settings import LiveSettings
from afet_video.video.camera import Camera

TITLE = "afet-video live (synthetic)"

_ESCAPE = 27
_KEY_MS = 4


def show_window(
    camera: Camera,
    settings: LiveSettings,
    *,
    view: View | None = None,
    record: Path | None = None,
    overwrite: bool = False,
    preset: str = "",
    should_stop: Callable[[], bool] = lambda: False,
) -> LiveStats:
    """Show a session in a window until it is closed, and return how it went.

    Parameters
    ----------
    record : recording to start at once, and where the `r` key records to.
    preset : name of the profile in use, for the screen.
    should_stop : asked between frames.

    Raises
    ------
    InputError
        If the camera is gone for good.
    OutputError
        If there is no display, or the recording cannot be written.
    """
    check_display()
    with _opened(camera, settings, view or View(), record) as controls, _window(controls) as sliders:
        controls.preset = preset
        if record is not None:
            controls.start_recording(overwrite=overwrite)
        with LiveRunner(camera, controls.session, on_result=lambda timed: controls.take(timed.result)) as runner:
            _loop(runner, controls, sliders, should_stop)
            return runner.stats


@contextlib.contextmanager
def _opened(camera: Camera, settings: LiveSettings, view: View, record: Path | None) -> Iterator[Controls]:
    with LiveSession(settings) as session:
        controls = Controls(session, view, record=record, source=camera.name)
        try:
            yield controls
        finally:
            controls.stop_recording()


class _Sliders:
    """One slider a zone; moving one moves the profile, and the other way round."""

    def __init__(self, controls: Controls) -> None:
        self._controls = controls
        self._shown: dict[str, int] = {}
        for zone in ZONES:
            value = round(100 * controls.kept(zone))
            self._shown[zone] = value
            cv2.createTrackbar(_label(zone), TITLE, value, 100, functools.partial(self._moved, zone))

    def _moved(self, zone: str, value: int) -> None:
        if value != self._shown.get(zone):
            self._shown[zone] = value
            self._controls.keep(zone, value / 100)

    def follow(self) -> None:
        """Move the sliders to where the profile is."""
        for zone in ZONES:
            value = round(100 * self._controls.kept(zone))
            if value != self._shown[zone]:
                self._shown[zone] = value
                cv2.setTrackbarPos(_label(zone), TITLE, value)


def _label(zone: str) -> str:
    return f"{zone.replace('_', ' ')} kept %"


@contextlib.contextmanager
def _window(controls: Controls) -> Iterator[_Sliders]:
    os.environ.setdefault("QT_QPA_PLATFORM", "xcb")  # OpenCV's Qt has no other plug-in on Linux
    os.environ.setdefault("QT_LOGGING_RULES", "*.warning=false")
    cv2.namedWindow(TITLE, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO | cv2.WINDOW_GUI_NORMAL)
    try:
        yield _Sliders(controls)
    finally:
        with contextlib.suppress(cv2.error):
            cv2.destroyWindow(TITLE)


def _loop(runner: LiveRunner, controls: Controls, sliders: _Sliders, should_stop: Callable[[], bool]) -> None:
    last: Timed | None = None
    is_stale = is_sized = False
    while not should_stop() and not runner.is_done:
        timed = runner.take(0.0)
        if timed is not None:
            last, is_stale = timed, True
        if last is not None and is_stale:
            screen = _screen(last, runner, controls)
            if not is_sized:
                scale = max(1.0, 720 / screen.shape[1])
                cv2.resizeWindow(TITLE, round(scale * screen.shape[1]), round(scale * screen.shape[0]))
                is_sized = True
            cv2.imshow(TITLE, screen[..., ::-1])
            is_stale = False
        # Keys are only taken in here, and only one a time: so often and shortly.
        key = cv2.waitKey(_KEY_MS)
        if timed is not None:
            runner.stats.shown(timed)
        if key >= 0:
            if not press(chr(key & 0xFF), controls, last):
                return
            sliders.follow()
            is_stale = True
        if cv2.getWindowProperty(TITLE, cv2.WND_PROP_VISIBLE) < 1:
            return
    runner.take(0.0)  # raises what has ended the run


def _screen(timed: Timed, runner: LiveRunner, controls: Controls) -> ByteArray:
    return compose(
        timed.result,
        runner.stats,
        controls.view,
        profile=controls.session.profile,
        preset=controls.preset,
        zone=controls.zone,
        notes=(runner.status, controls.trouble, controls.note),
        is_recording=controls.recorder is not None,
    )


def press(key: str, controls: Controls, last: Timed | None) -> bool:
    """Do what a key asks for; returns False if that is to quit."""
    if key in ("q", chr(_ESCAPE)):
        return False
    actions: dict[str, Callable[[], None]] = {
        "s": controls.toggle_side,
        "p": controls.next_preset,
        "P": lambda: controls.next_preset(-1),
        "m": lambda: controls.toggle("mirror"),
        "l": lambda: controls.toggle("marks"),
        "v": lambda: controls.toggle("split"),
        "c": controls.session.recalibrate,
        "r": controls.toggle_recording,
        "?": lambda: controls.toggle("help"),
        "h": lambda: controls.toggle("help"),
    }
    if key in actions:
        actions[key]()
    elif key == " " and last is not None:
        controls.snapshot(last.result)
    elif key in "12345":
        controls.zone = ZONES[int(key) - 1]
    elif key in "+=-_":
        step = STEP if key in "+=" else -STEP
        controls.keep(controls.zone, controls.kept(controls.zone) + step)
    return True
