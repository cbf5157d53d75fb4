"""A session that runs on keeps nothing of the frames that have gone by."""

from __future__ import annotations

import contextlib
import gc
import itertools
import platform
import time
import tracemalloc
import weakref
from collections.abc import Iterable, Iterator
from fractions import Fraction

import numpy as np
import pytest
from numpy.typing import NDArray

from afet_video.bench.process import memory_mb
from afet_video.datatypes import Timestamp
from afet_video.filters import OneEuroSettings
from afet_video.live.heap import give_back_freed
from afet_video.live.learn import Lesson
from afet_video.live.results import LiveState
from afet_video.live.session import LiveSession
from afet_video.live.settings import LiveSettings
from afet_video.live.worker import LearningFailed, TeacherBeside
from afet_video.passes.settings import ConvertSettings

SMILE = range(176, 185)
LEAST_KEPT_BYTES = 1000
"""Of a frame; its landmarks alone have 5700. Python's own free lists fill by 50 to 350 at first."""


@pytest.fixture
def tracing() -> Iterator[None]:
    was_on = tracemalloc.is_tracing()
    tracemalloc.start()
    yield
    if not was_on:
        tracemalloc.stop()


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc is known to keep what is freed")
def test_holes_of_the_heap_are_given_back() -> None:
    blocks = [b"\1" * 60_000 for _ in range(2000)]  # small enough not to be mapped one by one
    pins = blocks[::50]
    blocks.clear()
    before_mb = memory_mb()
    give_back_freed()
    assert before_mb - memory_mb() > 60
    assert len(pins) == 40


def test_a_teacher_gives_holes_back_after_every_lesson(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[str] = []
    monkeypatch.setattr("afet_video.live.worker.give_back_freed", lambda: given.append("back"))
    monkeypatch.setattr("afet_video.live.worker._GIVE_BACK_S", 0.01)
    teacher = TeacherBeside()
    try:
        teacher._process.kill()  # what comes of a lesson does not matter here
        for number in (1, 2):
            teacher.submit(Lesson(number, (), ConvertSettings(), OneEuroSettings()))
            deadline = time.monotonic() + 60
            while len(given) < number and time.monotonic() < deadline:
                time.sleep(0.01)
                with contextlib.suppress(LearningFailed):
                    teacher.fetch()
            assert len(given) == number
    finally:
        teacher.close()


def test_a_session_does_not_grow(sample_pictures: NDArray[np.uint8], tracing: None) -> None:
    times = itertools.count(0, 40)
    pictures: list[weakref.ref[NDArray[np.uint8]]] = []
    kept: list[int] = []
    settings = LiveSettings(calibration_s=0.4, goes_on_learning=False, in_background=False)
    with LiveSession(settings) as session:

        def play(those: Iterable[NDArray[np.uint8]]) -> None:
            for one in those:
                mine = one.copy()
                pictures.append(weakref.ref(mine))
                assert session.process(mine, Timestamp(next(times), Fraction(1, 1000))).state is not LiveState.NO_FACE
                del mine
            gc.collect()
            kept.append(sum(one() is not None for one in pictures))
            pictures.clear()

        play([*sample_pictures[30:44], *sample_pictures[SMILE], *sample_pictures[SMILE]])
        assert session.learned is not None
        objects, held = len(gc.get_objects()), tracemalloc.get_traced_memory()[0]
        play([*sample_pictures[SMILE], *sample_pictures[SMILE]])
        more_objects, more_held = len(gc.get_objects()), tracemalloc.get_traced_memory()[0]
    frames = 2 * len(SMILE)
    assert kept[0] <= 1  # what is loaded with the first frame may hold that one
    assert kept[1] == 0
    assert more_objects - objects < frames / 2
    assert more_held - held < frames * LEAST_KEPT_BYTES
