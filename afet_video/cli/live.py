"""``afet-video live``.

in: arguments -> out: a session in a window, a browser or a virtual camera.  Must not: process a frame itself.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from afet_video.cli.failures import errors_as_lines

if TYPE_CHECKING:
    from afet_video.live.runner import LiveStats
    from afet_video.live.settings import LiveSettings
    from afet_video.video.camera import Camera

_ONE_THREAD = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
"""What linear algebra listens to, if it is set before NumPy is loaded."""

CAMERA, PALSY, SHOWN, FILES = "Camera", "Palsy", "Shown", "Files"

WhichCamera = Annotated[
    str | None,
    typer.Option(
        "--camera",
        metavar="N|NAME|/dev/videoX",
        help="The camera: its number, (a part of) its name, or its device. Default: 0.",
        rich_help_panel=CAMERA,
    ),
]
SourceFile = Annotated[
    Path | None,
    typer.Option(
        "--source", metavar="FILE", help="A video that plays the camera, over and over.", rich_help_panel=CAMERA
    ),
]
Size = Annotated[
    str | None,
    typer.Option(
        "--size",
        metavar="WxH",
        help="Picture size that the camera is asked for, or a file is scaled to.",
        rich_help_panel=CAMERA,
    ),
]
Fps = Annotated[
    float | None,
    typer.Option(
        "--fps",
        min=1,
        max=240,
        metavar="N",
        help="Frames a second that it is asked for, or a file is played at.",
        rich_help_panel=CAMERA,
    ),
]
ListCameras = Annotated[
    bool, typer.Option("--list-cameras", help="List the cameras of this machine and stop.", rich_help_panel=CAMERA)
]
LiveSide = Annotated[
    Literal["left", "right"] | None,
    typer.Option("--side", help="The affected side, the subject's own. Default: left.", rich_help_panel=PALSY),
]
LiveProfile = Annotated[
    str | None,
    typer.Option(
        "--profile",
        metavar="NAME|FILE.toml",
        help="What the palsy leaves: a name that `afet-video profiles` lists, or a file. Default: complete paralysis.",
        rich_help_panel=PALSY,
    ),
]
Calibration = Annotated[
    float | None,
    typer.Option(
        "--calibration",
        min=0.2,
        max=60,
        metavar="S",
        help="Seconds for which the face at rest is looked at first. Default: 3.",
        rich_help_panel=PALSY,
    ),
]
Window = Annotated[bool, typer.Option("--window", help="In a window (the default).", rich_help_panel=SHOWN)]
Browser = Annotated[
    bool, typer.Option("--browser", help="On a page in the browser, with its camera.", rich_help_panel=SHOWN)
]
Port = Annotated[
    int | None,
    typer.Option(
        "--port", min=0, max=65535, metavar="P", help="Port of the page. Default: a free one.", rich_help_panel=SHOWN
    ),
]
Host = Annotated[
    str | None,
    typer.Option(
        "--host",
        metavar="ADDRESS",
        help="Address of the page; another one than 127.0.0.1 lets other machines in.",
        rich_help_panel=SHOWN,
    ),
]
VirtualCamera = Annotated[
    bool,
    typer.Option("--virtual-camera", help="Into a camera that other programs can choose.", rich_help_panel=SHOWN),
]
Mirror = Annotated[
    bool | None,
    typer.Option(
        "--mirror/--no-mirror",
        help="Show the picture as in a mirror. Default: in a window yes, in a virtual camera no.",
        rich_help_panel=SHOWN,
    ),
]
RecordTo = Annotated[
    Path | None,
    typer.Option(
        "--record",
        metavar="OUT.mp4",
        help="Record the session: video (.mp4 or .mkv), landmark tracks and side-car.",
        rich_help_panel=FILES,
    ),
]
LiveOverwrite = Annotated[
    bool, typer.Option("--overwrite", help="Replace recordings that exist already.", rich_help_panel=FILES)
]
Recover = Annotated[
    Path | None,
    typer.Option(
        "--recover",
        metavar="OUT.mp4",
        help="Put the tracks of a recording together whose program was killed, and stop.",
        rich_help_panel=FILES,
    ),
]


def live(
    *,
    camera: WhichCamera = None,
    source: SourceFile = None,
    size: Size = None,
    fps: Fps = None,
    list_cameras: ListCameras = False,
    side: LiveSide = None,
    profile: LiveProfile = None,
    calibration: Calibration = None,
    window: Window = False,
    browser: Browser = False,
    port: Port = None,
    host: Host = None,
    virtual_camera: VirtualCamera = False,
    mirror: Mirror = None,
    record: RecordTo = None,
    overwrite: LiveOverwrite = False,
    recover: Recover = None,
) -> None:
    """Show the person before the camera with a simulated facial palsy, at once.

    First look straight into the camera for three seconds, with a relaxed face: that is the face at rest. Then the
    palsy is shown; ? lists the keys. Outputs are marked as synthetic.
    """
    for name in _ONE_THREAD:
        os.environ.setdefault(name, "1")  # two halves of the work run side by side: threads within them only disturb
    with errors_as_lines(as_json=False):
        if list_cameras:
            _print_cameras()
            return
        if recover is not None:
            _recover(recover)
            return
        _check_front_end(window=window, browser=browser, virtual=virtual_camera, port=port, host=host)
        settings = _settings(side, profile, calibration)
        if browser:
            _check_browser(camera, source, size, fps)
            _serve(settings, port=port, host=host, record=record)
            return
        if camera is not None and source is not None:
            raise _usage("--camera and --source exclude each other: leave one of them out")
        show = _front_end(virtual_camera, settings, mirror, record, overwrite, profile)
        _run(show, lambda: _camera(camera, source, size, fps))


def _check_front_end(*, window: bool, browser: bool, virtual: bool, port: int | None, host: str | None) -> None:
    if window + browser + virtual > 1:
        raise _usage("--window, --browser and --virtual-camera exclude each other: choose one")
    if not browser and (port is not None or host is not None):
        raise _usage("--port and --host are for --browser: add it, or leave them out")
    if not browser and not virtual:
        from afet_video.live.display import check_display

        check_display()  # before anything is loaded or opened


def _check_browser(camera: str | None, source: Path | None, size: str | None, fps: float | None) -> None:
    if any(value is not None for value in (camera, source, size, fps)):
        raise _usage("--camera, --source, --size and --fps are not for --browser: the camera is chosen on the page")


def _usage(text: str) -> Exception:
    from afet_video.errors import SettingsError

    return SettingsError(text)


def _settings(side: str | None, profile: str | None, calibration: float | None) -> LiveSettings:
    from afet_video.live.settings import LiveSettings
    from afet_video.passes.settings import ConvertSettings, with_profile
    from afet_video.settings_io import replace_nested

    convert = ConvertSettings()
    if profile is not None:
        convert = with_profile(convert, profile)
    if side is not None:
        convert = replace_nested(convert, {"profile.side": side})
    return LiveSettings(convert=convert) if calibration is None else LiveSettings(convert, calibration_s=calibration)


def _camera(camera: str | None, source: Path | None, size: str | None, fps: float | None) -> Camera:
    from afet_video.live.stream import open_source
    from afet_video.video.camera import parse_size

    size_wh = None if size is None else parse_size(size)
    if source is not None:
        return open_source(source, size_wh=size_wh, rate=fps)
    return open_source(camera if camera is not None else 0, size_wh=size_wh, rate=fps)


def _front_end(
    virtual: bool,
    settings: LiveSettings,
    mirror: bool | None,
    record: Path | None,
    overwrite: bool,
    profile: str | None,
) -> Callable[[Camera, Callable[[], bool]], LiveStats]:
    """Return what shows a camera's pictures until it is told to stop."""
    options: dict[str, Any] = {"record": record, "overwrite": overwrite}
    if virtual:
        from afet_video.live.virtual import feed_virtual_camera, load_pyvirtualcam

        load_pyvirtualcam()
        options |= {"mirror": bool(mirror), "on_status": lambda text: typer.echo(text, err=True)}
        return lambda camera, stop: feed_virtual_camera(camera, settings, should_stop=stop, **options)
    from afet_video.live.controls import View
    from afet_video.live.window import show_window

    options |= {"view": View(mirror=mirror is not False), "preset": profile or ""}
    return lambda camera, stop: show_window(camera, settings, should_stop=stop, **options)


def _run(show: Callable[[Camera, Callable[[], bool]], LiveStats], open_camera: Callable[[], Camera]) -> None:
    """Run a front-end until it ends by itself, or by Ctrl-C or SIGTERM: then everything is closed in order."""
    from afet_video.cli.interrupts import until_signalled

    camera = open_camera()
    try:
        with until_signalled() as should_stop:
            stats = show(camera, should_stop)
    finally:
        camera.close()
    typer.echo(
        f"{stats.frames} frames, {stats.fps:.1f} fps, processing {stats.processing_ms:.0f} ms, "
        f"camera to screen {stats.glass_ms:.0f} ms, {stats.dropped} dropped",
        err=True,
    )


def _serve(settings: LiveSettings, *, port: int | None, host: str | None, record: Path | None) -> None:
    from afet_video.errors import OutputError

    try:
        serve = importlib.import_module("afet_video.live_web").serve
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != "afet_video":
            raise OutputError(
                f"--browser needs the package {error.name}: run `pip install 'afet-video[live]'`"
            ) from error
        raise OutputError("this afet-video has no browser front-end: use --window") from error
    serve(
        settings,
        port=port or 0,
        host=host or "127.0.0.1",
        record=record,
        on_ready=lambda url: typer.echo(f"open {url}"),
    )


def _print_cameras() -> None:
    from afet_video.video.camera import list_cameras

    cameras = list_cameras()
    for camera in cameras:
        typer.echo(camera.label)
    if not cameras:
        typer.echo("no camera", err=True)


def _recover(video: Path) -> None:
    from afet_video.tracks import join_parts

    tracks = video.with_name(f"{video.stem}.tracks.parquet")
    rows = join_parts(tracks)
    typer.echo(f"{tracks}: {rows} rows" if rows else f"{tracks}: no rows were written before the end")
