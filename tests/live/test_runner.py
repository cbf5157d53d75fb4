"""Camera, session and display apart."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import afet_video
from afet_video.errors import InputError
from afet_video.live.results import LiveState
from afet_video.live.runner import LiveRunner, Slot
from afet_video.live.session import LiveSession
from afet_video.live.settings import LiveSettings
from afet_video.live.stream import open_source
from afet_video.video.camera import TICK, CameraFrame, DeviceCamera, FileCamera
from tests.fakes import FakeCamera, gray_picture

SETTINGS = LiveSettings(calibration_s=0.4, goes_on_learning=False, in_background=False)


@pytest.fixture(scope="module")
def session() -> Iterator[LiveSession]:
    with LiveSession(SETTINGS) as one:
        one.process(gray_picture(90), afet_video.Timestamp(0, Fraction(1, 1000)))  # loads the models
        yield one


def test_the_latest_value_wins() -> None:
    slot: Slot[int] = Slot(drops=True)
    for value in (1, 2, 3):
        assert slot.put(value)
    assert slot.dropped == 2
    assert slot.take() == 3
    assert slot.take(timeout_s=0.01) is None


def test_a_slot_that_drops_nothing_makes_its_giver_wait() -> None:
    slot: Slot[int] = Slot(drops=False)
    slot.put(1)
    giver = threading.Thread(target=slot.put, args=(2,), daemon=True)
    giver.start()
    time.sleep(0.05)
    assert giver.is_alive()
    assert [slot.take(), slot.take(30.0)] == [1, 2]
    giver.join(30.0)
    assert not giver.is_alive() and slot.dropped == 0


def test_a_closed_slot_gives_what_is_in_it_and_takes_nothing() -> None:
    slot: Slot[int] = Slot(drops=False)
    slot.put(1)
    slot.close()
    assert not slot.is_done
    assert slot.take() == 1
    assert slot.take() is None
    assert slot.is_done
    assert not slot.put(2)


def test_pictures_that_come_too_fast_are_dropped_and_counted(session: LiveSession) -> None:
    camera = FakeCamera([gray_picture(90, (320, 240))] * 60, pause_s=0.002)
    seen = []

    class Slow:
        """A session that takes its time."""

        def process(self, rgb: Any, timestamp: Any) -> Any:
            time.sleep(0.02)
            return session.process(rgb, timestamp)

    with LiveRunner(camera, Slow()) as runner:  # type: ignore[arg-type]
        for timed in runner.results():
            runner.stats.shown(timed)
            seen.append(timed.result.timestamp.pts)
    stats = runner.stats
    assert 0 < stats.frames < 60
    assert stats.dropped > 0
    assert stats.frames + stats.dropped == 60
    assert seen == sorted(set(seen))
    assert stats.fps > 0 and stats.processing_ms > 0 and stats.glass_ms > stats.processing_ms
    assert stats.longest_wait_ms > 0


def test_a_picture_gives_way_to_the_next_one_if_that_is_all_but_there(session: LiveSession) -> None:
    def taken(age_s: float, pts: int) -> CameraFrame:
        return CameraFrame(gray_picture(90), afet_video.Timestamp(pts, TICK), time.perf_counter() - age_s)

    runner = LiveRunner(FakeCamera([]), session)
    runner._step_s = 20.0
    runner._pictures.put(taken(2.0, 1))
    fresh = runner._fresh()
    assert fresh is not None and fresh.timestamp.pts == 1  # young: it is taken at once
    runner._pictures.put(taken(19.0, 2))
    giver = threading.Timer(0.1, lambda: runner._pictures.put(taken(0.0, 3)))
    giver.start()
    fresh = runner._fresh()
    assert fresh is not None and fresh.timestamp.pts == 3
    giver.join()
    runner._step_s = 0.1
    runner._pictures.put(taken(19.0, 4))
    fresh = runner._fresh()
    assert fresh is not None and fresh.timestamp.pts == 4  # none comes: the camera stalls
    runner._step_s = 20.0
    runner._pictures.put(taken(19.0, 5))
    runner._pictures.close()
    fresh = runner._fresh()
    assert fresh is not None and fresh.timestamp.pts == 5  # the last one is no less worth
    assert runner._fresh() is None
    assert runner._passed_over == 1


def test_no_picture_is_dropped_where_all_are_wanted(session: LiveSession) -> None:
    with LiveRunner(FakeCamera([gray_picture(90)] * 20), session, keeps_all=True) as runner:
        assert len(list(runner.results())) == 20
    assert runner.stats.dropped == 0


def test_every_result_is_handed_on(session: LiveSession) -> None:
    handed = []
    with LiveRunner(FakeCamera([gray_picture(90)] * 5), session, on_result=handed.append, keeps_all=True) as runner:
        taken = list(runner.results())
    assert handed == taken


def test_a_camera_that_stalls_is_said_to_and_ends(session: LiveSession) -> None:
    hangs = threading.Event()
    camera = FakeCamera([gray_picture(90), hangs.wait])
    start = time.monotonic()
    statuses = set()
    with LiveRunner(camera, session, give_up_s=1.0) as runner, pytest.raises(InputError, match="has stopped giving"):
        while True:
            runner.take(0.1)
            statuses.add(runner.status)
    hangs.set()
    assert time.monotonic() - start < 60
    assert any(status.startswith("no picture from the camera for") for status in statuses)


def test_what_ends_a_camera_reaches_the_caller(session: LiveSession) -> None:
    def unplugged() -> None:
        raise InputError("camera 0: gone")

    with LiveRunner(FakeCamera([gray_picture(90), unplugged]), session) as runner:
        with pytest.raises(InputError, match="camera 0: gone"):
            list(runner.results())
        assert runner.is_done


def test_what_ends_the_session_reaches_the_caller_and_ends_the_camera(session: LiveSession) -> None:
    camera = FakeCamera([np.zeros((4, 4), np.uint8)] * 1000)  # no picture in three colours
    with LiveRunner(camera, session) as runner, pytest.raises(ValueError):
        list(runner.results())
    assert camera.is_closed.is_set()


def test_the_public_generator_plays_a_file(short_clip: Path) -> None:
    settings = LiveSettings(calibration_s=0.4, in_background=False)
    results = list(afet_video.live(short_clip, settings, loops=False, is_paced=False))
    assert len(results) == 60
    assert results[0].state is LiveState.CALIBRATING
    assert results[-1].state is LiveState.LIVE
    assert [result.row.index for result in results] == list(range(60))


def test_leaving_the_generator_ends_everything(short_clip: Path, session: LiveSession) -> None:
    for _ in afet_video.live(short_clip, session=session):
        break
    left = {thread.name for thread in threading.enumerate()}
    assert not left & {"afet-capture", "afet-process"}


def test_a_source_may_be_a_file_or_a_camera(short_clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(open_source(str(short_clip)), FileCamera)
    fake = FakeCamera([])
    assert open_source(fake) is fake
    asked = []
    monkeypatch.setattr(DeviceCamera, "__init__", lambda self, wanted, **options: asked.append((wanted, options)))
    open_source("brio", size_wh=(640, 480), rate=30)
    assert asked == [("brio", {"size_wh": (640, 480), "rate": 30})]
