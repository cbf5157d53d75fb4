"""Cameras that work, and cameras that do not."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest

from afet_video.errors import InputError, SettingsError
from afet_video.video.camera import CameraName, DeviceCamera, FileCamera, find_camera, list_cameras, parse_size
from tests.fakes import FakeCapture, gray_picture, opener_of
from tests.synthetic import ClipSpec, make_clip

CAMERAS = [CameraName(0, "Integrated Camera"), CameraName(2, "Logitech BRIO"), CameraName(4, "Logitech C920")]


def camera(*captures: FakeCapture, give_up_s: float = 5.0) -> DeviceCamera:
    return DeviceCamera(0, opener=opener_of(captures), cameras=CAMERAS, give_up_s=give_up_s)


@pytest.mark.parametrize(
    ("wanted", "number"), [(0, 0), ("0", 0), ("/dev/video2", 2), ("brio", 2), ("integrated", 0), ("C920", 4)]
)
def test_a_camera_is_found_by_number_device_and_name(wanted: str | int, number: int) -> None:
    assert find_camera(wanted, CAMERAS) == number


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ("1", "there is no such camera; choose one of 0: Integrated Camera; 2: Logitech BRIO; 4: Logitech C920"),
        ("kinect", "there is no such camera; choose one of 0: Integrated Camera"),
        ("logitech", "several cameras have this in their name; choose one of 2: Logitech BRIO; 4: Logitech C920"),
    ],
)
def test_an_unknown_camera_lists_those_that_are_there(wanted: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        find_camera(wanted, CAMERAS)


def test_a_machine_without_a_camera_offers_a_file() -> None:
    with pytest.raises(InputError, match=r"camera 0: this machine has no camera; .* --source FILE"):
        find_camera(0, [])


def test_the_system_lists_cameras_without_their_further_nodes(tmp_path: Path) -> None:
    for node, index, name in (("video2", 0, "BRIO"), ("video3", 1, "BRIO"), ("video0", 0, "Built-in"), ("odd", 0, "x")):
        (tmp_path / node).mkdir()
        (tmp_path / node / "index").write_text(f"{index}\n")
        (tmp_path / node / "name").write_text(f"{name}\n")
    assert [one.label for one in list_cameras(folder=tmp_path)] == ["0: Built-in", "2: BRIO"]


def test_without_a_list_cameras_are_tried() -> None:
    captures = [FakeCapture([], opens=number in (1, 3)) for number in range(8)]
    assert [one.number for one in list_cameras(opener_of(captures))] == [1, 3]
    assert all(capture.is_released for capture in captures)


def test_pictures_come_as_rgb_with_growing_times() -> None:
    bgr = np.zeros((48, 64, 3), np.uint8)
    bgr[..., 0] = 200
    capture = FakeCapture([bgr, gray_picture(7)[..., 0], gray_picture(9)])
    taken = list(itertools.islice(camera(capture), 3))
    assert taken[0].rgb[0, 0].tolist() == [0, 0, 200]
    assert taken[1].rgb.shape == (48, 64, 3)
    assert [one.timestamp.pts for one in taken] == sorted({one.timestamp.pts for one in taken})


def test_the_camera_is_asked_for_size_and_rate() -> None:
    capture = FakeCapture([gray_picture(1)])
    DeviceCamera("brio", size_wh=(640, 480), rate=60, opener=opener_of([capture]), cameras=CAMERAS)
    assert capture.asked[cv2.CAP_PROP_FRAME_WIDTH] == 640
    assert capture.asked[cv2.CAP_PROP_FRAME_HEIGHT] == 480
    assert capture.asked[cv2.CAP_PROP_FPS] == 60


def test_a_driver_that_repeats_its_times_is_not_believed() -> None:
    now_ms = time.monotonic() * 1000
    capture = FakeCapture([gray_picture(i) for i in range(5)], stamps_ms=[now_ms] * 5)
    pts = [one.timestamp.pts for one in itertools.islice(camera(capture), 5)]
    assert all(b > a for a, b in itertools.pairwise(pts))


def test_a_drivers_own_time_is_when_the_picture_was_taken() -> None:
    late_s = 0.1  # up to 1 s is believed
    capture = FakeCapture([gray_picture(1)], stamps_ms=[(time.monotonic() - late_s) * 1000])
    (picture,) = itertools.islice(camera(capture), 1)
    assert late_s <= time.perf_counter() - picture.taken_at < late_s + 30


def test_a_camera_that_was_unplugged_is_opened_again() -> None:
    gone, back = FakeCapture([gray_picture(1), *[None] * 6]), FakeCapture([gray_picture(2)])
    one = camera(gone, FakeCapture([], opens=False), back)
    pictures = iter(one)
    assert next(pictures).rgb.max() == 1
    assert next(pictures).rgb.max() == 2
    assert gone.is_released
    assert one.status == ""


def test_a_camera_that_stays_away_ends_with_one_line() -> None:
    one = DeviceCamera(0, opener=_gone_after(FakeCapture([gray_picture(1)])), cameras=CAMERAS, give_up_s=0.6)
    start = time.monotonic()
    with pytest.raises(InputError, match=r"0: Integrated Camera has given no picture for 1 s: is it still plugged in"):
        list(one)
    assert time.monotonic() - start < 30
    assert "looking for it" in one.status


def _gone_after(capture: FakeCapture):  # type: ignore[no-untyped-def]
    captures = itertools.chain([capture], (FakeCapture([], opens=False) for _ in itertools.count()))
    return lambda _number: next(captures)


def test_a_camera_in_use_is_said_to_be() -> None:
    with pytest.raises(InputError, match="cannot be opened: is another program using it"):
        camera(FakeCapture([], opens=False))


def test_closing_ends_a_wait() -> None:
    one = camera(FakeCapture([None] * 1000), *(FakeCapture([], opens=False) for _ in range(100)), give_up_s=60)
    threading.Timer(0.2, one.close).start()
    start = time.monotonic()
    assert list(one) == []
    assert time.monotonic() - start < 30


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("camera") / "irregular.mp4"
    make_clip(path, ClipSpec(frames=4, pts=[0, 40, 100, 130]))
    return path


def test_a_file_plays_over_and_over_with_growing_times(clip: Path) -> None:
    taken = list(itertools.islice(FileCamera(clip, is_paced=False), 9))
    milliseconds = [float(one.timestamp.seconds * 1000) for one in taken]
    assert milliseconds == [0, 40, 100, 130, 160, 200, 260, 290, 320]
    assert {one.timestamp.time_base for one in taken} == {Fraction(1, 1_000_000)}
    assert np.array_equal(taken[0].rgb, taken[4].rgb)


class Clock:
    """A clock that stands still unless somebody waits, or moves it."""

    def __init__(self, camera: FileCamera, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        monkeypatch.setattr("afet_video.video.camera.time", SimpleNamespace(perf_counter=lambda: self.now))
        monkeypatch.setattr(camera, "_closed", SimpleNamespace(wait=self._wait, is_set=lambda: False))

    def _wait(self, seconds: float) -> bool:
        self.now += seconds
        return False


def test_a_file_keeps_pace_with_its_own_times(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    camera = FileCamera(clip, loops=False)
    clock = Clock(camera, monkeypatch)
    at = [(one.taken_at, clock.now, float(one.timestamp.seconds)) for one in camera]
    assert [taken for taken, _, _ in at] == pytest.approx([100.0, 100.04, 100.1, 100.13])
    assert [came for _, came, _ in at] == pytest.approx([100.0, 100.04, 100.1, 100.13])
    assert [seconds for *_, seconds in at] == pytest.approx([0.0, 0.04, 0.1, 0.13])


def test_a_picture_of_a_file_that_nobody_came_for_in_time_is_left_out(
    clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    camera = FileCamera(clip, rate=50)
    clock = Clock(camera, monkeypatch)
    ages, shown = [], []
    for number, one in enumerate(itertools.islice(camera, 6)):
        ages.append(clock.now - one.taken_at)
        shown.append(round(float(one.timestamp.seconds) * 50))
        clock.now += 0.07 if number == 1 else 0.001
    assert shown == [0, 1, 4, 5, 6, 7]  # 2 and 3 were over when somebody came
    assert max(ages) <= 0.02


def test_a_machine_that_cannot_keep_pace_sees_a_file_slow_down(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    camera = FileCamera(clip, rate=50)
    clock = Clock(camera, monkeypatch)
    monkeypatch.setattr(camera, "_played", lambda played=camera._played: _slowly(played(), clock))
    taken = list(itertools.islice(((one, clock.now - one.taken_at) for one in camera), 4))
    assert max(age for _, age in taken) <= 0.02
    pts = [one.timestamp.pts for one, _ in taken]
    assert pts == sorted(set(pts))


def _slowly(frames: Iterator[Any], clock: Clock) -> Iterator[Any]:
    for frame in frames:
        clock.now += 0.1  # five steps
        yield frame


def test_a_file_can_be_played_at_a_rate_and_a_size(clip: Path) -> None:
    taken = list(itertools.islice(FileCamera(clip, is_paced=False, rate=50, size_wh=(32, 20)), 6))
    assert [round(float(one.timestamp.seconds * 1000)) for one in taken] == [0, 20, 40, 60, 80, 100]
    assert taken[0].rgb.shape == (20, 32, 3)


def test_sizes() -> None:
    assert parse_size("640x480") == (640, 480)
    for text in ("640", "x480", "640x", "0x0", "99999x1", "axb"):
        with pytest.raises(SettingsError, match="as in 640x480"):
            parse_size(text)
