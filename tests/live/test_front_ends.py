"""Window, virtual camera, what stands on the screen, and the command."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from typer.testing import CliRunner

from afet_video.cli import app
from afet_video.datatypes import ZONES, PalsyProfile, Side
from afet_video.errors import OutputError
from afet_video.live import display as display_check
from afet_video.live import virtual
from afet_video.live.controls import Controls, View
from afet_video.live.display import check_display
from afet_video.live.hud import HELP, compose
from afet_video.live.results import LiveResult, LiveState
from afet_video.live.runner import LiveStats
from afet_video.live.session import LiveSession
from afet_video.live.settings import LiveSettings
from afet_video.live.window import press
from tests.conftest import ROOT
from tests.fakes import FakeCamera, FakeVirtualModule, gray_picture
from tests.live.test_record import frames_of, result, row

SETTINGS = LiveSettings(calibration_s=0.4, goes_on_learning=False, in_background=False)


@pytest.fixture
def controls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Controls]:
    monkeypatch.chdir(tmp_path)
    with LiveSession(SETTINGS) as session:
        yield Controls(session, View(), record=None, source="fake camera")


def timed(one: LiveResult) -> Any:
    return SimpleNamespace(result=one)


def test_keys_do_what_the_help_says(controls: Controls) -> None:
    session, last = controls.session, timed(result(1, 0))
    assert press("s", controls, last) and session.profile.side is Side.RIGHT
    press("p", controls, last)
    press("p", controls, last)
    assert controls.preset == "paper" and session.settings.convert.splice.ramp == "linear"
    press("P", controls, last)
    assert controls.preset == "complete"
    press("4", controls, last)
    press("+", controls, last)
    press("+", controls, last)
    press("-", controls, last)
    assert session.profile.commissure == pytest.approx(0.1)
    for _ in range(3):
        press("-", controls, last)
    assert session.profile.commissure == 0
    for key, name in (("m", "mirror"), ("l", "marks"), ("v", "split"), ("?", "help")):
        before = getattr(controls.view, name)
        press(key, controls, last)
        assert getattr(controls.view, name) is not before
    press("h", controls, last)
    assert controls.view.help is False
    assert press("ä", controls, last)
    assert not press("q", controls, last)
    assert not press("\x1b", controls, last)


def test_a_snapshot_is_the_result_and_is_marked(controls: Controls, tmp_path: Path) -> None:
    one = result(3, 0)
    press(" ", controls, timed(one))
    (path,) = tmp_path.glob("afet-live-*.png")
    assert np.array_equal(cv2.imread(str(path))[..., ::-1], one.result)
    assert b"compositeSynthetic" in path.read_bytes()
    assert path.name in controls.note


def test_recording_is_started_and_ended_by_a_key(controls: Controls, tmp_path: Path) -> None:
    controls.take(result(0, 0))
    press("r", controls, None)
    for index in range(4):
        controls.take(result(index, 40 * index))
    press("r", controls, None)
    (path,) = tmp_path.glob("afet-live-*.mp4")
    assert "4 frames" in controls.note
    assert len(frames_of(path)) == 4


def test_a_recording_that_cannot_start_is_a_note(controls: Controls, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(controls, "_record", Path("missing") / "a.mp4")
    press("r", controls, None)
    assert "missing is not a folder" in controls.note
    assert controls.recorder is None


def shown(one: LiveResult, view: View, **options: Any) -> NDArray[np.uint8]:
    return compose(one, LiveStats(), view, profile=PalsyProfile(), **options)


def a_result(state: LiveState, countdown_s: float | None = None, size_wh: tuple[int, int] = (640, 480)) -> LiveResult:
    base = result(0, 0, size_wh=size_wh)
    source, made = base.source.copy(), base.source.copy()
    source[:, :] = (40, 80, 120)
    made[:, :] = (120, 80, 40)
    source[200:280, :40] = made[200:280, :40] = (0, 250, 0)
    return replace(base, source=source, result=made, state=state, countdown_s=countdown_s, message="Look straight")


def test_the_picture_is_mirrored_and_the_result_is_not_touched() -> None:
    one = a_result(LiveState.LIVE)
    before = one.result.copy()
    mirrored, plain = shown(one, View(mirror=True)), shown(one, View(mirror=False))
    assert mirrored[240, 620].tolist() == [0, 250, 0] and plain[240, 20].tolist() == [0, 250, 0]
    assert np.array_equal(one.result, before)


def test_split_view_shows_the_source_beside_the_result() -> None:
    screen = shown(a_result(LiveState.LIVE), View(mirror=False, split=True))
    assert screen.shape == (480, 1280, 3)
    assert screen[240, 300].tolist() == [40, 80, 120] and screen[240, 940].tolist() == [120, 80, 40]


def test_marks_countdown_help_and_recording_are_drawn() -> None:
    plain = shown(a_result(LiveState.LIVE), View(mirror=False))
    for other in (
        shown(a_result(LiveState.LIVE), View(mirror=False, marks=True)),
        shown(a_result(LiveState.CALIBRATING, 2.0), View(mirror=False)),
        shown(a_result(LiveState.LIVE), View(mirror=False, help=True)),
        shown(a_result(LiveState.LIVE), View(mirror=False), is_recording=True),
        shown(a_result(LiveState.LIVE), View(mirror=False), notes=("no picture from the camera for 3 s",)),
    ):
        assert other.shape == plain.shape
        assert (other != plain).any()
    small = shown(a_result(LiveState.WAITING, size_wh=(160, 120)), View(help=True), notes=("é" * 300,))
    assert small.shape == (120, 160, 3)


def test_every_key_of_the_help_is_one(controls: Controls) -> None:
    named = {key for keys, _ in HELP for key in keys.replace(" or ", " ").replace("/", " ").split()}
    assert named == {"s", "p", "P", "1", "..", "5", "+", "-", "m", "l", "v", "c", "r", "space", "?", "h", "q", "Esc"}
    assert len(ZONES) == 5


def test_without_a_display_one_line_offers_the_browser() -> None:
    if sys.platform != "linux":
        pytest.skip("only Linux can lack a display")
    with pytest.raises(OutputError, match=r"no display .* --browser"):
        check_display({})
    with pytest.raises(OutputError, match=r"the display :4711 does not answer: use --browser"):
        check_display({"DISPLAY": ":4711"})


def test_a_system_library_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.system", lambda: "Linux")
    monkeypatch.setattr(display_check, "_answers", lambda _: True)
    monkeypatch.setattr(display_check, "_LIBRARIES", ("libc.so.6", "libnone.so.9"))
    with pytest.raises(OutputError, match=r"libnone\.so\.9 is missing: .* libsm6 .* --browser"):
        check_display({"DISPLAY": ":0"})


def test_the_virtual_camera_gets_what_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    module = FakeVirtualModule()
    monkeypatch.setattr(virtual, "load_pyvirtualcam", lambda: module)
    left_red = gray_picture(60, (320, 240))
    left_red[:, :160, 0] = 200
    said: list[str] = []
    pictures = [*[left_red] * 40, *[gray_picture(60, (100, 80))] * 40]  # the first one loads the models
    stats = virtual.feed_virtual_camera(
        FakeCamera(pictures, pause_s=0.06), SETTINGS, mirror=True, on_status=said.append,
    )  # fmt: skip
    (made,) = module.made
    assert (made.width, made.height) == (320, 240) and made.is_closed
    assert made.sent[0][0, -1].tolist() == [200, 60, 60]
    assert made.sent[-1].tolist() == gray_picture(60, (320, 240)).tolist()
    assert all(picture.shape == (240, 320, 3) for picture in made.sent)
    assert 2 <= len(made.sent) <= stats.frames
    assert {"Waiting for a face", "virtual camera: /dev/video9"} <= set(said)


def test_a_missing_package_and_a_missing_driver_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyvirtualcam", None)
    with pytest.raises(OutputError, match=r"pip install 'afet-video\[virtual-camera\]'"):
        virtual.load_pyvirtualcam()
    monkeypatch.setattr("platform.system", lambda: "Linux")
    module = FakeVirtualModule(failure="No v4l2 loopback devices\nfound")
    with pytest.raises(OutputError, match=r"No v4l2 loopback devices found\): install v4l2loopback"):
        virtual.open_virtual_camera(module, (640, 480), 30.0)


def run(*arguments: object) -> Any:
    return CliRunner().invoke(app, ["live", *map(str, arguments)])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--window", "--browser"), "--window, --browser and --virtual-camera exclude each other"),
        (("--port", 8000), "--port and --host are for --browser"),
        (("--browser", "--camera", 1), "the camera is chosen on the page"),
        (("--virtual-camera", "--source", "nope.mp4"), "pip install 'afet-video[virtual-camera]'"),
        (("--recover", "nope.mp4"), "no such folder, so there are no parts"),
    ],
)
def test_wrong_use_is_one_line(arguments: tuple[object, ...], said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyvirtualcam", None)
    done = run(*arguments)
    assert done.exit_code == 1
    assert said in done.stderr and done.stderr.count("\n") == 1


def test_without_a_display_the_command_offers_the_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    if sys.platform != "linux":
        pytest.skip("only Linux can lack a display")
    monkeypatch.delenv("DISPLAY", raising=False)
    done = run("--source", ROOT / "samples" / "webcam.mp4")
    assert done.exit_code == 1
    assert "use --browser" in done.stderr


def test_cameras_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    from afet_video.video import camera

    monkeypatch.setattr(camera, "list_cameras", lambda: [camera.CameraName(2, "BRIO")])
    assert run("--list-cameras").stdout == "2: BRIO\n"


def test_tracks_of_a_killed_recording_are_put_together(tmp_path: Path) -> None:
    from afet_video.datatypes import Timestamp
    from afet_video.tracks.parts import PART_ROWS, PartedTrackWriter

    writer = PartedTrackWriter(tmp_path / "a.tracks.parquet")
    for index in range(PART_ROWS + 3):
        writer.write(row(index, Timestamp(index, Fraction(1, 25))))
    done = run("--recover", tmp_path / "a.mp4")
    assert done.exit_code == 0, done.output
    assert f"a.tracks.parquet: {PART_ROWS} rows" in done.stdout
    assert (tmp_path / "a.tracks.parquet").is_file()


@pytest.fixture(scope="module")
def display() -> Iterator[str]:
    """A display of its own."""
    read, write = os.pipe()
    command = ["Xvfb", "-displayfd", str(write), "-screen", "0", "1024x768x24", "-nolisten", "tcp"]
    process = subprocess.Popen(command, pass_fds=[write], stderr=subprocess.DEVNULL)
    os.close(write)
    with os.fdopen(read) as pipe:
        number = pipe.readline().strip()
    yield f":{number}"
    process.terminate()
    process.wait()


_WINDOW = """
import sys, time
from pathlib import Path
import cv2
import afet_video.live.window as window
from afet_video.live.settings import LiveSettings
from afet_video.video.camera import FileCamera

keys = iter([*"vl?", -1, *"s?", -1])
started, sizes, sent = time.monotonic(), [], []

def waitKey(ms):
    cv2_wait(ms)
    if states and states[-1] == "live" and time.monotonic() - sent_at[0] > 0.3:
        sent_at[0] = time.monotonic()
        key = next(keys, "q")
        sent.append(key)
        return key if key == -1 else ord(key)
    return -1

def compose(result, *arguments, **options):
    screen = made(result, *arguments, **options)
    states.append(str(result.state))
    sizes.append((str(result.state), screen.shape[1]))
    return screen

states, sent_at = [], [0.0]
cv2_wait, cv2.waitKey, made, window.compose = cv2.waitKey, waitKey, window.compose, compose
settings = LiveSettings(calibration_s=0.4, in_background=False)
camera = FileCamera(Path(sys.argv[1]))
stats = window.show_window(camera, settings, record=Path(sys.argv[2]))
camera.close()
print(stats.frames, sent, sorted(set(sizes)))
"""


@pytest.mark.needs("display")
def test_the_window_shows_a_session_and_obeys_keys(display: str, tmp_path: Path, sample_clip: Path) -> None:
    environment = {**os.environ, "DISPLAY": display, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", _WINDOW, str(sample_clip), str(tmp_path / "w.mp4")],
        capture_output=True, text=True, env=environment, timeout=300, check=False, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "['v', 'l', '?', -1, 's', '?', -1, 'q']" in done.stdout
    assert "('calibrating', 400)" in done.stdout and "('live', 800)" in done.stdout
    assert len(frames_of(tmp_path / "w.mp4")) > 2  # a busy machine shows few


@pytest.mark.needs("display")
def test_the_command_ends_in_order_on_ctrl_c(display: str, tmp_path: Path, sample_clip: Path) -> None:
    environment = {**os.environ, "DISPLAY": display, "PYTHONPATH": os.pathsep.join(sys.path)}
    arguments = ["live", "--source", str(sample_clip), "--record", "c.mp4", "--calibration", "0.4"]
    process = subprocess.Popen(
        [sys.executable, "-c", "from afet_video.cli import main; main()", *arguments],
        env=environment, cwd=tmp_path, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline and not _has(tmp_path / "c.mp4", 20_000):
        assert process.poll() is None, process.stderr.read() if process.stderr else ""
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=180)
    assert process.returncode == 0, said
    assert "frames, " in said and "dropped" in said
    assert {entry.name for entry in tmp_path.iterdir()} == {"c.mp4", "c.tracks.parquet", "c.afet.json"}


def _has(path: Path, size: int) -> bool:
    return path.is_file() and path.stat().st_size > size
