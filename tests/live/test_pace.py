from __future__ import annotations

import gc

import cv2

from afet_video.live.pace import SteadyPace


def test_what_is_held_is_put_back_after_the_last_session() -> None:
    threads, frozen = cv2.getNumThreads(), gc.get_freeze_count()
    one, other = SteadyPace(), SteadyPace()
    one.hold()
    one.hold()
    other.hold()
    assert cv2.getNumThreads() == 1
    assert gc.get_freeze_count() > frozen
    one.release()
    one.release()
    assert cv2.getNumThreads() == 1
    other.release()
    assert cv2.getNumThreads() == threads
    assert gc.get_freeze_count() == 0
