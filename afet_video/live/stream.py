"""A camera or a file as a stream of results, for programs.

in: a source, settings -> out: `LiveResult`s.  Must not: show or write anything.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from afet_video.live.results import LiveResult
from afet_video.live.runner import LiveRunner
from afet_video.live.session import LiveSession
from afet_video.live.settings import LiveSettings
from afet_video.video.camera import Camera, DeviceCamera, FileCamera


def live(
    source: str | int | Path | Camera = 0,
    settings: LiveSettings | None = None,
    *,
    session: LiveSession | None = None,
    size_wh: tuple[int, int] | None = None,
    rate: float | None = None,
    loops: bool = True,
    is_paced: bool = True,
) -> Iterator[LiveResult]:
    """Yield what each picture of a camera becomes; the newest one, if the caller is slower than the camera.

    Parameters
    ----------
    source : number, device or name of a camera, or the path of a video file that plays the camera.
    settings : what to do; the defaults give a complete palsy of the subject's left side.
    session : a session of the caller's own, whose controls can be used while this runs; it is left open.
    size_wh, rate : picture size and frames a second that the camera is asked for; a file is scaled to the
        size and played at the rate.
    loops, is_paced : for a file: whether it starts anew at its end, and whether each picture comes when its time has
        come. Without pace no picture is left out.

    Raises
    ------
    InputError
        If there is no such camera or file, or the camera gives no pictures any more.
    """
    camera = open_source(source, size_wh=size_wh, rate=rate, loops=loops, is_paced=is_paced)
    own = LiveSession(settings) if session is None else session
    try:
        with LiveRunner(camera, own, keeps_all=isinstance(camera, FileCamera) and not is_paced) as runner:
            for timed in runner.results():
                yield timed.result
    finally:
        if session is None:
            own.close()


def open_source(
    source: str | int | Path | Camera,
    *,
    size_wh: tuple[int, int] | None = None,
    rate: float | None = None,
    loops: bool = True,
    is_paced: bool = True,
) -> Camera:
    """Return the camera that `live` would use.

    Raises
    ------
    InputError
        If there is none.
    """
    if not isinstance(source, str | int | Path):
        return source
    if isinstance(source, Path) or _is_file(source):
        return FileCamera(Path(str(source)), loops=loops, is_paced=is_paced, rate=rate, size_wh=size_wh)
    return DeviceCamera(source, size_wh=size_wh, rate=rate)


def _is_file(source: str | int) -> bool:
    return isinstance(source, str) and not source.startswith("/dev/") and Path(source).is_file()
