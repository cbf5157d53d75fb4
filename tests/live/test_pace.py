from __future__ import annotations

import gc
import sys

import cv2
import pytest

from afet_video.live.pace import SWITCH_S, SteadyPace


def test_what_is_held_is_put_back_after_the_last_session() -> None:
    threads, frozen, switch = cv2.getNumThreads(), gc.get_freeze_count(), sys.getswitchinterval()
    one, other = SteadyPace(), SteadyPace()
    one.hold()
    one.hold()
    other.hold()
    assert cv2.getNumThreads() == 1
    assert sys.getswitchinterval() == pytest.approx(SWITCH_S)
    assert gc.get_freeze_count() > frozen
    one.release()
    one.release()
    assert cv2.getNumThreads() == 1
    other.release()
    assert cv2.getNumThreads() == threads
    assert sys.getswitchinterval() == pytest.approx(switch)
    assert gc.get_freeze_count() == 0


def test_what_is_loaded_later_is_held_too_but_only_then() -> None:
    pace = SteadyPace()
    pace.loaded_more()
    assert gc.get_freeze_count() == 0
    pace.hold()
    before, more = gc.get_freeze_count(), [[] for _ in range(1000)]
    pace.loaded_more()
    assert gc.get_freeze_count() >= before + len(more)
    pace.release()
    pace.loaded_more()
    assert gc.get_freeze_count() == 0
