"""One person before the camera: calibration, palsy, controls, somebody else. The sample plays the camera."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import replace
from fractions import Fraction

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from afet_video import facemesh
from afet_video.datatypes import ZONES, FaceStatus, Side, Timestamp
from afet_video.errors import SettingsError
from afet_video.live.results import LiveResult, LiveState
from afet_video.live.session import LiveSession
from afet_video.live.settings import LiveSettings
from afet_video.passes.settings import ConvertSettings
from tests.conftest import ROOT

SETTINGS = LiveSettings(calibration_s=0.4, goes_on_learning=False, in_background=False)
CALM, SMILE = range(30, 44), range(176, 185)


class Player:
    """Plays pictures into a session, 25 a second, and keeps what comes of them."""

    def __init__(self, session: LiveSession) -> None:
        self.session = session
        self._times = itertools.count(0, 40)

    def play(self, pictures: Iterable[NDArray[np.uint8]]) -> list[LiveResult]:
        return [self.session.process(one, Timestamp(next(self._times), Fraction(1, 1000))) for one in pictures]


@pytest.fixture(scope="module")
def session() -> Iterator[LiveSession]:
    with LiveSession(SETTINGS) as one:
        yield one


@pytest.fixture(scope="module")
def player(session: LiveSession) -> Player:
    return Player(session)


@pytest.fixture(scope="module")
def first(player: Player, sample_pictures: NDArray[np.uint8]) -> list[LiveResult]:
    """What became of the first frames: nobody, then a calm face, then a smile."""
    nobody = np.full_like(sample_pictures[0], 90)
    return player.play([nobody, nobody, *sample_pictures[CALM], *sample_pictures[SMILE]])


def changed(result: LiveResult) -> NDArray[np.bool_]:
    return np.asarray((result.source != result.result).any(axis=2))


def halves(result: LiveResult) -> tuple[int, int]:
    """How many pixels are changed on the subject's left and right of the midline."""
    rows, columns = np.nonzero(changed(result))
    middle = np.interp(rows, result.row.midline_y, result.row.midline_x)
    return int((columns > middle).sum()), int((columns < middle).sum())


def test_the_states_follow_each_other(first: list[LiveResult]) -> None:
    states = [state for state, _ in itertools.groupby(result.state for result in first)]
    assert states == [LiveState.WAITING, LiveState.CALIBRATING, LiveState.LIVE]
    assert first[0].message == "Waiting for a face"
    calibrating = [result for result in first if result.state is LiveState.CALIBRATING]
    assert "relax your face" in calibrating[0].message


def test_a_result_says_what_its_stages_took(first: list[LiveResult]) -> None:
    assert list(first[0].stages) == ["detect"]
    assert list(first[3].stages) == ["detect", "learn", "register", "follow"]
    stages = first[-1].stages
    assert list(stages) == ["detect", "learn", "register", "follow", "dress", "change"]
    assert all(spent.wall_ms > 0 and spent.busy_ms >= 0 for spent in stages.values())
    assert sum(spent.wall_ms for spent in stages.values()) <= first[-1].processing_ms


def test_the_countdown_runs_down_to_nothing(first: list[LiveResult]) -> None:
    counted = [result.countdown_s for result in first if result.state is LiveState.CALIBRATING]
    assert counted[0] == pytest.approx(0.4)
    assert all(b < a for a, b in itertools.pairwise(counted))  # type: ignore[operator]
    assert {result.countdown_s for result in first if result.state is LiveState.LIVE} == {None}


def test_until_then_the_picture_passes_through(first: list[LiveResult]) -> None:
    before = [result for result in first if result.state is not LiveState.LIVE]
    assert len(before) > 10
    assert not any(changed(result).any() for result in before)
    seen = [result.row for result in before if result.state is LiveState.CALIBRATING]
    assert all(row.strength == 0 and np.array_equal(row.source_xyz, row.output_xyz) for row in seen)
    assert {row.status for row in seen} == {FaceStatus.REDUCED}
    assert first[0].row.status is FaceStatus.MISSING


def test_then_the_affected_half_smiles_less(first: list[LiveResult]) -> None:
    smile = first[-1]
    assert smile.state is LiveState.LIVE
    left, right = halves(smile)
    assert left > 2000
    assert right < left / 3  # the ramp reaches over the midline a little
    moved = np.linalg.norm(smile.row.output_xyz - smile.row.source_xyz, axis=1)
    assert moved[facemesh.LEFT_COMMISSURE] > 3 * moved[facemesh.RIGHT_COMMISSURE]
    assert smile.row.status is FaceStatus.DETECTED
    assert smile.row.strength == 1
    assert smile.row.neutral_index in range(2, 2 + len(CALM))


def test_the_background_stays_bit_for_bit(first: list[LiveResult]) -> None:
    smile = first[-1]
    hull = cv2.convexHull(np.concatenate([smile.row.source_xyz, smile.row.output_xyz])[:, :2].astype(np.float32))
    face = np.zeros(smile.source.shape[:2], np.uint8)
    cv2.fillConvexPoly(face, np.round(hull).astype(np.int32), 1)
    face = cv2.dilate(face, np.ones((7, 7), np.uint8))
    assert not (changed(smile) & (face == 0)).any()


def test_times_and_numbers_are_those_of_the_frames(first: list[LiveResult]) -> None:
    assert [result.row.index for result in first] == list(range(len(first)))
    assert [result.timestamp.pts for result in first] == list(range(0, 40 * len(first), 40))
    assert all(result.row.timestamp == result.timestamp for result in first)
    assert all(result.processing_ms > 0 for result in first)


def test_controls_work_from_the_next_frame_on(
    first: list[LiveResult], player: Player, sample_pictures: NDArray[np.uint8]
) -> None:
    session, smile = player.session, sample_pictures[SMILE[-1]]
    assert session.profile.side is Side.LEFT
    session.choose_side(Side.RIGHT)
    assert session.profile.side is Side.RIGHT
    (right,) = player.play([smile])
    on_left, on_right = halves(right)
    assert on_right > 2000 and on_left < on_right / 3
    assert right.row.side is Side.RIGHT
    session.keep_movement(dict.fromkeys(ZONES, 1.0))
    (kept,) = player.play([smile])
    assert not changed(kept).any()
    assert kept.row.kept.tolist() == [1.0] * 5
    session.keep_movement({"lower_lip": 0.0})
    assert session.profile.kept == (1.0, 1.0, 1.0, 1.0, 0.0)
    session.choose_preset("hb6")
    assert session.profile.side is Side.RIGHT and session.profile.droop == 1
    (drooped,) = player.play([smile])
    assert halves(drooped)[1] > 2000
    session.choose_preset("paper")
    assert session.settings.convert.splice.texture == "neutral"
    session.choose_preset("complete")
    assert session.settings.convert.splice == ConvertSettings().splice
    session.choose_side(Side.LEFT)
    (again,) = player.play([smile])
    assert halves(again)[0] > 2000


def test_controls_refuse_nonsense(session: LiveSession) -> None:
    with pytest.raises(SettingsError, match='unknown profile "hb9"'):
        session.choose_preset("hb9")
    with pytest.raises(SettingsError, match='unknown zone "chin": choose brow, eye, cheek, commissure, lower_lip'):
        session.keep_movement({"chin": 0.5})
    with pytest.raises(SettingsError, match=r"profile\.brow is 1\.5"):
        session.keep_movement({"brow": 1.5})


def test_a_face_lost_for_a_moment_is_not_learnt_again(
    first: list[LiveResult], player: Player, sample_pictures: NDArray[np.uint8]
) -> None:
    nobody = np.full_like(sample_pictures[0], 90)
    lost = player.play([nobody] * 3)
    assert {result.state for result in lost} == {LiveState.NO_FACE}
    assert not any(changed(result).any() for result in lost)
    back = player.play(sample_pictures[SMILE])
    assert {result.state for result in back} == {LiveState.LIVE}
    strength = [result.row.strength for result in back]
    assert strength[0] < 0.5 and strength[-1] == 1
    assert strength == sorted(strength)


def test_times_that_do_not_grow_are_put_right(
    first: list[LiveResult], session: LiveSession, sample_pictures: NDArray[np.uint8]
) -> None:
    stamps = [Timestamp(pts, Fraction(1, 1000)) for pts in (90_000, 90_000, 100, 140)]
    results = [session.process(sample_pictures[40], stamp) for stamp in stamps]
    pts = [result.timestamp.pts for result in results]
    assert pts[0] == 90_000
    assert all(b > a for a, b in itertools.pairwise(pts))
    assert pts[3] - pts[2] == 40  # a clock that was set back goes on from there


def test_pictures_of_another_size_are_no_trouble(first: list[LiveResult], sample_pictures: NDArray[np.uint8]) -> None:
    with LiveSession(SETTINGS) as one:
        player = Player(one)
        player.play(sample_pictures[CALM])
        smile = sample_pictures[SMILE[-1]]
        large = np.asarray(cv2.resize(smile, (561, 421)), np.uint8)
        results = player.play([smile, *[large] * 6])
        assert results[-1].state is LiveState.LIVE
        assert results[-1].result.shape == (421, 561, 3)
        left, right = halves(results[-1])
        assert left > 3000 and right < left / 3
        one.recalibrate()
        (anew,) = player.play([smile])
        assert anew.state is LiveState.CALIBRATING
        assert not changed(anew).any()
        assert one.learned is None


def test_somebody_else_is_learnt_anew(sample_pictures: NDArray[np.uint8]) -> None:
    other = cv2.cvtColor(cv2.imread(str(ROOT / "samples" / "astronaut.png")), cv2.COLOR_BGR2RGB)[:384]
    other = np.asarray(cv2.resize(other, (400, 300)), np.uint8)
    with LiveSession(SETTINGS) as one:
        player = Player(one)
        him = player.play(sample_pictures[CALM])
        assert him[-1].state is LiveState.LIVE
        her = player.play([other] * 14)
        assert her[0].state is LiveState.CALIBRATING
        assert not changed(her[0]).any()
        assert her[0].row.face_id != him[-1].row.face_id
        assert her[-1].state is LiveState.LIVE


def test_what_is_shown_depends_on_earlier_frames_alone(
    first: list[LiveResult], sample_pictures: NDArray[np.uint8]
) -> None:
    nobody = np.full_like(sample_pictures[0], 90)
    with LiveSession(SETTINGS) as one:
        again = Player(one).play([nobody, nobody, *sample_pictures[CALM], *sample_pictures[SMILE][:2]])
    for before, now in zip(first, again, strict=False):
        assert np.array_equal(before.result, now.result)


def test_a_session_can_be_closed_twice() -> None:
    session = LiveSession(replace(SETTINGS, calibration_s=1.0))
    session.close()
    session.close()


def test_settings_refuse_nonsense() -> None:
    with pytest.raises(SettingsError, match=r"calibration_s = 0.0: give 0.2 to 60 seconds"):
        LiveSettings(calibration_s=0.0)
