"""The result as a camera that other programs can choose.

in: a camera, settings -> out: frames in a virtual camera until stopped.  Must not: need pyvirtualcam when it is not
asked for.
"""

from __future__ import annotations

import contextlib
import platform
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from afet_video.errors import OutputError
from afet_video.live.controls import Controls, View
from afet_video.live.results import LiveState
from afet_video.live.runner import LiveRunner, LiveStats, Timed
from afet_video.live.session import LiveSession
from afet_video.live.settings import LiveSettings
from afet_video.video.camera import Camera

_DRIVERS = {
    "Linux": "install v4l2loopback (Debian: `apt-get install v4l2loopback-dkms`, then "
    '`modprobe v4l2loopback exclusive_caps=1 card_label="afet-video"`)',
    "Windows": "install OBS Studio (obsproject.com), which brings a virtual camera",
    "Darwin": "install OBS Studio (obsproject.com) and start its virtual camera once",
}


def load_pyvirtualcam() -> Any:
    """Return the module.

    Raises
    ------
    OutputError
        If it is not installed; the line says how to install it.
    """
    try:
        import pyvirtualcam
    except ImportError as error:
        raise OutputError(
            "a virtual camera needs the package pyvirtualcam: run `pip install 'afet-video[virtual-camera]'`"
        ) from error
    return pyvirtualcam


def open_virtual_camera(module: Any, size_wh: tuple[int, int], rate: float) -> Any:
    """Return a virtual camera of `pyvirtualcam`.

    Raises
    ------
    OutputError
        If the driver is missing; the line says how to install it.
    """
    try:
        return module.Camera(width=size_wh[0], height=size_wh[1], fps=rate)
    except (RuntimeError, OSError, ValueError) as error:
        how = _DRIVERS.get(platform.system(), "install a virtual camera's driver")
        reason = " ".join(str(error).split()).split(" Run `pyvirtualcam")[0][:160]
        raise OutputError(f"no virtual camera can be opened ({reason}): {how}") from error


def feed_virtual_camera(
    camera: Camera,
    settings: LiveSettings,
    *,
    mirror: bool = False,
    rate: float = 30.0,
    record: Path | None = None,
    overwrite: bool = False,
    on_status: Callable[[str], None] = lambda _: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> LiveStats:
    """Run a session into a virtual camera until it is stopped, and return how it went.

    Parameters
    ----------
    on_status : called with one line whenever there is something new to say.

    Raises
    ------
    InputError
        If the camera is gone for good.
    OutputError
        If the package or its driver is missing, or the recording cannot be written.
    """
    module = load_pyvirtualcam()
    with contextlib.ExitStack() as stack:
        session = stack.enter_context(LiveSession(settings))
        controls = Controls(session, View(mirror=mirror), record=record, source=camera.name)
        stack.callback(controls.stop_recording)
        if record is not None:
            controls.start_recording(overwrite=overwrite)
        runner = LiveRunner(camera, session, on_result=lambda timed: controls.take(timed.result))
        stack.enter_context(runner)
        virtual: Any = None
        said = ""
        while not should_stop() and not runner.is_done:
            timed = runner.take(0.2)
            text = runner.status or ("" if timed is None else _status(timed))
            if text and text != said:
                on_status(text)
                said = text
            if timed is None:
                continue
            rgb = timed.result.result
            if virtual is None:
                virtual = open_virtual_camera(module, (rgb.shape[1], rgb.shape[0]), rate)
                stack.callback(virtual.close)
                on_status(f"virtual camera: {virtual.device}")
            if (rgb.shape[1], rgb.shape[0]) != (virtual.width, virtual.height):
                rgb = np.asarray(cv2.resize(rgb, (virtual.width, virtual.height)), np.uint8)
            virtual.send(np.ascontiguousarray(rgb[:, ::-1] if controls.view.mirror else rgb))
            runner.stats.shown(timed)
        runner.take(0.0)
        return runner.stats


def _status(timed: Timed) -> str:
    result = timed.result
    if result.state is LiveState.LIVE:
        return f"live: {result.row.side} side"
    return result.message
