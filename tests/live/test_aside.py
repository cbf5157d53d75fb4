"""What goes on beside the frames: a thread for it, and who else has come into the picture."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from afet_video.face.landmarker import LandmarkerSettings
from afet_video.live.aside import Aside
from afet_video.live.bystanders import LOOK_EVERY_S, Bystanders
from tests.conftest import ROOT


@pytest.fixture
def aside() -> Iterator[Aside]:
    one = Aside(lambda: None)
    _wait(one)
    yield one
    one.close()


def _wait(aside: Aside) -> None:
    """Wait until all that was given is done."""
    deadline = time.monotonic() + 60
    while aside._task is not None:
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_one_task_at_a_time_is_taken(aside: Aside) -> None:
    goes_on, done = threading.Event(), []
    assert aside.offer(goes_on.wait)
    assert not aside.offer(lambda: done.append(1))
    goes_on.set()
    _wait(aside)
    aside.close()
    assert not done
    assert not aside.offer(lambda: done.append(2))


def test_what_ends_a_task_reaches_whoever_comes_next(aside: Aside) -> None:
    def fails() -> None:
        raise ValueError("no model")

    assert aside.offer(fails)
    _wait(aside)
    with pytest.raises(ValueError, match="no model"):
        aside.offer(lambda: None)


@pytest.mark.skipif(sys.platform != "linux", reason="threads have no priority of their own there")
def test_its_priority_is_low_and_that_of_others_stays(aside: Aside) -> None:
    mine, found = os.getpriority(os.PRIO_PROCESS, 0), []
    assert aside.offer(lambda: found.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id())))
    _wait(aside)
    assert found[0] > mine
    assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) == mine


def test_somebody_who_comes_into_the_picture_is_seen(aside: Aside, sample_pictures: NDArray[np.uint8]) -> None:
    alone = sample_pictures[30]
    other = cv2.cvtColor(cv2.imread(str(ROOT / "samples" / "astronaut.png")), cv2.COLOR_BGR2RGB)[:384]
    two = np.ascontiguousarray(np.hstack([alone, cv2.resize(other, (400, 300))]), np.uint8)
    bystanders = Bystanders(LandmarkerSettings())
    try:
        bystanders.look(alone, 10.0, aside)
        _wait(aside)
        assert not bystanders.have_come()
        bystanders.look(two, 10.0 + 0.5 * LOOK_EVERY_S, aside)  # not yet
        _wait(aside)
        assert not bystanders.have_come()
        bystanders.look(two, 10.1 + LOOK_EVERY_S, aside)
        _wait(aside)
        assert bystanders.have_come()
        assert not bystanders.have_come()
    finally:
        aside.close()
        bystanders.close()
