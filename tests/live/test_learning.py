"""What a session keeps of a person, and learns from it."""

from __future__ import annotations

import gc
import time
import weakref
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from numpy.typing import NDArray

from afet_video.datatypes import Timestamp
from afet_video.face.activity import lid_aperture, mouth_gap, sharpness
from afet_video.face.landmarker import FaceLandmarker
from afet_video.face.register import FaceRegistration
from afet_video.filters import OneEuroSettings
from afet_video.live.calibration import Calibration
from afet_video.live.learn import Learned, Learner, Lesson
from afet_video.live.pool import CELL_SIZE, HABITS, Pool, Sighting
from afet_video.live.settings import LiveSettings
from afet_video.live.smooth import LandmarkFilter, StrengthFilter
from afet_video.live.wardrobe import Wardrobe
from afet_video.live.worker import LearningFailed, TeacherBeside, TeacherHere
from afet_video.passes.prepare import around_face
from afet_video.passes.settings import ConvertSettings, with_profile
from afet_video.passes.strength import GAP_FADE_S

SMOOTHING = OneEuroSettings(2.0, 30.0, 3.0)


def sighting(index: int, *, turn: tuple[float, float] = (0, 0), unrest: float = 0.0, base: Sighting) -> Sighting:
    blendshapes = base.blendshapes.copy()
    blendshapes[44] += unrest  # half a smile
    return replace(
        base,
        index=index,
        timestamp=Timestamp(40 * index, Fraction(1, 1000)),
        turn=np.array(turn, np.float32),
        blendshapes=blendshapes,
    )


@pytest.fixture(scope="module")
def sightings(sample_pictures: NDArray[np.uint8]) -> list[Sighting]:
    """Ten calm frames and three of a smile, as a session sees them."""
    found = []
    with FaceLandmarker() as landmarker:
        for index in (*range(30, 40), 176, 180, 184):
            rgb = sample_pictures[index]
            face = landmarker.detect_image(rgb)[0]
            box = around_face(face.xyz, (rgb.shape[1], rgb.shape[0]))
            found.append(
                Sighting(
                    index=index,
                    timestamp=Timestamp(40 * index, Fraction(1, 1000)),
                    xyz=face.xyz,
                    blendshapes=face.blendshapes,
                    turn=np.zeros(2, np.float32),
                    lid_aperture=lid_aperture(face.xyz),
                    mouth_gap=mouth_gap(face.xyz),
                    sharpness=sharpness(rgb, face.xyz[:, :2]),
                    motion=0.0,
                    inside=1.0,
                    picture=rgb[box.y0 : box.y1, box.x0 : box.x1].copy(),
                    origin=(box.x0, box.y0),
                )
            )
    return found


@pytest.fixture(scope="module")
def lesson(sightings: list[Sighting]) -> Lesson:
    return Lesson(1, tuple(sightings), ConvertSettings(), SMOOTHING)


@pytest.fixture(scope="module")
def learned(lesson: Lesson) -> Learned:
    return Learner().learn(lesson)


def test_a_pool_does_not_grow_and_keeps_the_calm(sightings: list[Sighting]) -> None:
    pool = Pool()
    for one in sightings[:10]:
        pool.calibrate(one)
    pool.settle()
    for index in range(50, 1500):
        pool.add(sighting(index, unrest=(index % 7) / 10, turn=(0, 8 * (index % 3)), base=sightings[0]))
    kept = pool.sightings()
    assert len(kept) <= 3 * CELL_SIZE + HABITS
    assert [one.index for one in kept] == sorted({one.index for one in kept})
    assert {float(one.turn[1]) for one in kept} == {0.0, 8.0, 16.0}
    calm = sum(np.abs(one.blendshapes[44] - sightings[0].blendshapes[44]) < 0.05 for one in kept)
    assert calm > len(kept) / 3  # one in seven were


def test_a_pool_wants_calm_frames_and_some_others(sightings: list[Sighting]) -> None:
    pool = Pool()
    for one in sightings[:10]:
        pool.calibrate(one)
    pool.settle()
    pool.skip()
    assert pool.wants(sightings[0].blendshapes, 0.1)
    wanted = 0
    for _ in range(80):
        wanted += pool.wants(sightings[-1].blendshapes, 5.0)
        pool.skip()
    assert wanted == 10


def test_the_neutral_is_a_calm_frame(learned: Learned) -> None:
    assert learned.neutrals[0].choice.index in range(30, 40)
    assert learned.model.neutral.index == learned.neutrals[0].choice.index
    assert len(learned.references) == len(learned.model.bank) == len(learned.neutrals)


def test_a_smile_is_far_from_the_rest_that_was_learnt(learned: Learned, sightings: list[Sighting]) -> None:
    rest = learned.model.rest
    assert rest.rest(sightings[-1].xyz).excursion.max() > 0.05
    assert rest.rest(learned.neutrals[0].xyz).excursion.max() < 0.01


def test_the_neutral_in_use_stays_unless_another_is_much_better(lesson: Lesson) -> None:
    learner = Learner()
    best = learner.learn(lesson).neutrals[0].choice.index
    calm = next(index for index in range(30, 40) if index != best)
    assert learner.learn(replace(lesson, neutral=calm)).neutrals[0].choice.index == calm
    assert learner.learn(replace(lesson, neutral=184)).neutrals[0].choice.index == best


def test_learning_the_same_again_gives_the_same(lesson: Lesson, learned: Learned) -> None:
    learner = Learner()
    learner.learn(lesson)
    again = learner.learn(replace(lesson, number=2, neutral=learned.neutrals[0].choice.index))
    assert again.number == 2
    assert np.array_equal(again.model.rest.base, learned.model.rest.base)


def test_a_learner_keeps_nothing_of_frames_that_are_no_longer_learnt_from(sightings: list[Sighting]) -> None:
    learner, made = Learner(), weakref.WeakSet[FaceRegistration]()
    neutral = -1
    for number in range(3):  # the head turned, in other frames every time
        turned = [sighting(100 + 10 * number + k, turn=(15, 0), base=sightings[8]) for k in range(2)]
        lesson = Lesson(number, (*sightings[:4], *turned), ConvertSettings(), SMOOTHING, neutral)
        learned = learner.learn(lesson)
        assert len(learned.references) == 2
        made.update(one.face for one in learned.references)
        neutral = learned.neutrals[0].choice.index
    gc.collect()
    kept = {id(one) for one in made}
    assert kept == {id(one.face) for one in learned.references}


def test_another_process_learns_the_same_and_nothing_is_held_on_to(lesson: Lesson, learned: Learned) -> None:
    teacher = TeacherBeside()
    try:
        mine = replace(lesson, sightings=tuple(replace(one, picture=one.picture.copy()) for one in lesson.sightings))
        pictures = [weakref.ref(one.picture) for one in mine.sightings]
        teacher.submit(mine)
        del mine
        assert teacher.is_busy
        found = _wait(teacher)
        assert not teacher.is_busy
        assert np.allclose(found.model.rest.base, learned.model.rest.base, atol=1e-6)
        pictures += [weakref.ref(one.rgb) for one in found.neutrals]
        del found
        _until(lambda: not any(one() is not None for one in pictures))
        teacher.submit(replace(lesson, sightings=()))
        with pytest.raises(LearningFailed):
            _wait(teacher)
    finally:
        teacher.close()
        teacher.close()


def test_a_process_that_has_died_is_a_failure_and_no_hang(lesson: Lesson) -> None:
    teacher = TeacherBeside()
    try:
        teacher._process.kill()
        teacher._process.wait()
        teacher.submit(lesson)
        with pytest.raises(LearningFailed, match="has ended"):
            _wait(teacher)
    finally:
        teacher.close()


def _wait(teacher: TeacherBeside) -> Learned:
    found: list[Learned] = []

    def fetched() -> bool:
        found.extend(one for one in (teacher.fetch(),) if one is not None)
        return bool(found)

    _until(fetched)
    return found.pop()


def _until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < deadline, "it has not come to that within a minute"
        time.sleep(0.02)


def test_a_lesson_that_fails_begins_the_calibration_anew(sightings: list[Sighting]) -> None:
    class Failing(TeacherHere):
        def fetch(self) -> Learned | None:
            super().fetch()
            raise LearningFailed("no rest")

    calibration = Calibration(LiveSettings(calibration_s=0.2), Failing())
    for one in sightings[:8]:
        calibration.take(one)
    assert calibration.countdown_s == 0
    calibration.advance(2.0)
    assert calibration.countdown_s == pytest.approx(0.2)
    assert calibration.trouble == "no rest"


def test_the_countdown_waits_for_a_straight_look(sightings: list[Sighting]) -> None:
    calibration = Calibration(LiveSettings(calibration_s=3.0), TeacherHere())
    for index in range(10):
        calibration.take(sighting(index, turn=(35, 0), base=sightings[0]))
    assert calibration.countdown_s == 3.0
    assert not calibration.has_begun
    for index in range(10, 14):
        calibration.take(sighting(index, base=sightings[0]))
    assert calibration.countdown_s == pytest.approx(3.0 - 0.16)


def test_learning_goes_on_and_what_comes_of_it_is_used(sightings: list[Sighting]) -> None:
    calibration = Calibration(LiveSettings(calibration_s=0.2, in_background=False), TeacherHere())
    for one in sightings[:8]:
        calibration.take(one)
    calibration.advance(2.0)
    first = calibration.learned
    assert first is not None
    for number in range(8):  # the head turned
        calibration.take(sighting(100 + 10 * number, turn=(10, 0), base=sightings[8]))
    calibration.advance(4.0)
    assert calibration.learned is first  # not yet
    calibration.advance(7.0)
    calibration.advance(7.04)
    assert calibration.learned is not first
    assert calibration.learned is not None and len(calibration.learned.neutrals) == 2
    assert calibration.learned.neutrals[0].choice.index == first.neutrals[0].choice.index


def test_once_calibrated_not_every_calm_frame_is_measured(sightings: list[Sighting]) -> None:
    calibration = Calibration(LiveSettings(calibration_s=0.2, in_background=False), TeacherHere())
    calm = sightings[0].blendshapes
    assert all(calibration.wants(calm, 0.0, 0.04 * index) for index in range(4))  # all of them, before
    for one in sightings[:8]:
        calibration.take(one)
    calibration.advance(2.0)
    assert calibration.learned is not None
    wanted = [calibration.wants(calm, 0.0, 3.0 + index / 30) for index in range(31)]
    assert 8 <= sum(wanted) <= 11


def test_clothes_are_changed_only_when_asked_for(
    learned: Learned, lesson: Lesson, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr("afet_video.passes.prepare.Rims.of")  # no time to look for glasses again between two frames
    wardrobe = Wardrobe()
    settings = lesson.settings
    assert wardrobe.model(learned, settings) is learned.model
    kept = replace(settings, profile=replace(settings.profile, brow=0.5))
    assert wardrobe.model(learned, kept) is learned.model
    drooping = with_profile(settings, "hb6")
    other = wardrobe.model(learned, drooping)
    assert other is not learned.model and other.rest is learned.model.rest
    assert wardrobe.model(learned, drooping) is other
    assert not np.array_equal(other.bank[0].texture.rgb, learned.model.bank[0].texture.rgb)  # the fold is flatter


def test_the_filter_keeps_up_with_motion_and_calms_a_still_face(sightings: list[Sighting]) -> None:
    xyz = sightings[0].xyz
    size = float(np.linalg.norm(xyz[33] - xyz[263]))
    noise = np.random.default_rng(1).normal(0, 0.002 * size, (60, *xyz.shape)).astype(np.float32)
    smoothing = LandmarkFilter(SMOOTHING)
    still = np.array([smoothing.update(xyz + noise[i], i / 30) for i in range(60)])[10:]
    assert np.abs(np.diff(still, axis=0)).mean() < 0.4 * np.abs(np.diff(noise[10:], axis=0)).mean()
    smoothing.reset()
    speed = 2.0 * size / 30  # two eye distances a second
    moving = [smoothing.update(xyz + np.float32(i * speed), i / 30) for i in range(30)]
    lag = np.abs(moving[-1] - (xyz + 29 * speed)).max() / size
    assert lag < 0.02


def test_the_palsy_sets_in_smoothly_and_is_never_more_than_the_view_carries() -> None:
    strength = StrengthFilter()
    levels = [strength.update(1.0, i / 25) for i in range(8)]
    assert levels[0] == 0 and levels[-1] == 1
    assert levels == sorted(levels)
    assert sum(level < 1 for level in levels) == pytest.approx(GAP_FADE_S * 25, abs=1)
    assert strength.update(0.3, 0.4) == pytest.approx(0.3)
    assert strength.update(1.0, 0.44) < 0.8
    strength.reset()
    assert strength.update(1.0, 0.5) == 0
