"""What is told from curves over time: blinks, speech, expressions, rest."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from afet_video import facemesh
from afet_video.pairs.episodes import find_episodes
from afet_video.pairs.resting import REST, candidates, rest_scores, rest_stretch
from afet_video.pairs.traces import Trace, _blinks, _speech, _turning, runs

RATE = 25
SMILE = tuple(facemesh.BLENDSHAPES.index(f"mouthSmile{side}") for side in ("Left", "Right"))
BROWS = tuple(facemesh.BLENDSHAPES.index(f"browOuterUp{side}") for side in ("Left", "Right"))


def bump(count: int, start: int, stop: int, height: float = 1.0, ramp: int = 5) -> NDArray[np.float64]:
    """0, rising to `height` from `start`, held, back to 0 at `stop`."""
    x = np.arange(count)
    return height * np.clip(np.minimum((x - start) / ramp, (stop - x) / ramp), 0.0, 1.0)


def trace(count: int, **curves: NDArray[np.float64]) -> Trace:
    """A person who looks straight ahead at rest, except for the blendshapes given (as `smile` and `brows`)."""
    change = np.zeros((count, 52), np.float32)
    for columns, name in ((SMILE, "smile"), (BROWS, "brows")):
        for column in columns:
            change[:, column] = curves.get(name, np.zeros(count))
    return Trace(
        face_id=0,
        shot=0,
        frame=np.arange(100, 100 + count),
        seconds=np.arange(count) / RATE,
        change=change,
        excursion=np.zeros((count, 8), np.float32),
        effort=np.abs(change).sum(axis=1),
        motion=np.zeros(count, np.float32),
        sharpness=np.ones(count, np.float32),
        lids=np.full((count, 2), 0.1, np.float32),
        mouth_gap=np.zeros(count, np.float32),
        angles_deg=np.zeros((count, 3), np.float32),
        gaze=np.zeros((count, 2), np.float32),
        blinking=np.zeros(count, bool),
        speaking=np.zeros(count, bool),
    )


def apexes(one: Trace, **options: object) -> list[int]:
    chosen = {"min_activity": 1.0, "speech": False} | options
    return [episode.apex for episode in find_episodes(one, **chosen)]  # type: ignore[arg-type]


def test_runs() -> None:
    assert runs(np.array([True, False, True, True], bool)) == [(0, 1), (2, 4)]
    assert runs(np.zeros(3, bool)) == []


def test_an_expression_begins_is_held_and_ends() -> None:
    (episode,) = find_episodes(trace(100, smile=bump(100, 20, 60)), min_activity=1.0, speech=False)
    assert 20 <= episode.onset <= 22
    assert 25 <= episode.apex <= 55
    assert 58 <= episode.offset <= 60


def test_two_expressions_that_follow_at_once_are_two_and_one_that_wavers_is_one() -> None:
    follow = trace(120, smile=bump(120, 20, 60), brows=bump(120, 55, 95))
    first, second = apexes(follow)
    assert first < 57 < second
    wavers = trace(120, smile=bump(120, 20, 100) * (1 - 0.2 * bump(120, 50, 70)))
    assert len(apexes(wavers)) == 1


def test_a_slope_is_no_expression_of_its_own() -> None:
    """A smile that fades slowly is strong enough for long, but has one apex."""
    fades = trace(150, smile=np.interp(np.arange(150), [0, 20, 30, 140], [0, 0, 1.2, 0]))
    assert len(apexes(fades)) == 1


def test_weak_ones_blinks_and_speech_do_not_count() -> None:
    smile = trace(100, smile=bump(100, 20, 60))
    assert apexes(trace(100, smile=bump(100, 20, 60, height=0.4))) == []
    assert apexes(replace(smile, blinking=np.ones(100, bool))) == []
    talks = replace(smile, speaking=np.ones(100, bool))
    assert apexes(talks) == []
    assert len(apexes(talks, speech=True)) == 1


def test_of_equally_strong_frames_the_sharp_and_steady_one_is_the_apex() -> None:
    sharpness = np.full(100, 0.5, np.float32)
    sharpness[33] = 1.0
    assert apexes(replace(trace(100, smile=bump(100, 20, 60)), sharpness=sharpness)) == [33]


def test_a_blink_shuts_both_eyes_for_a_moment_a_wink_one_and_sleep_both_for_long() -> None:
    seconds = np.arange(60) / RATE
    lids = np.full((60, 2), 0.1, np.float32)
    blink, wink, sleep = lids.copy(), lids.copy(), lids.copy()
    blink[20:24] = 0.01
    wink[20:24, 0] = 0.01
    wink[20:24, 1] = 0.05
    sleep[20:45] = 0.01
    assert runs(_blinks(blink, seconds)) == [(18, 26)]
    assert not _blinks(wink, seconds).any()
    assert not _blinks(sleep, seconds).any()


def test_turning_points_of_a_zigzag() -> None:
    values = np.array([0, 0.2, 1, 0.9, 0.95, 0.1, 0, 0.8, 0.82], np.float32)
    assert _turning(values, 0.5) == [2, 6]
    assert _turning(values, 2.0) == []


@pytest.mark.parametrize("rate", [12.5, 25, 60])
def test_syllables_are_speech_and_one_open_mouth_is_not(rate: float) -> None:
    seconds = np.arange(round(4 * rate)) / rate
    syllables = np.where(seconds > 1.5, 0.06 * (1 - np.cos(2 * np.pi * 3 * (seconds - 1.5))), 0.0).astype(np.float32)
    speaking = _speech(syllables, seconds)
    assert not speaking[seconds < 1.0].any()
    assert speaking[(seconds > 2.0) & (seconds < 3.5)].all()
    gasp = np.interp(seconds, [0, 1, 1.3, 2.5, 2.8], [0, 0, 0.3, 0.3, 0]).astype(np.float32)
    assert not _speech(gasp, seconds).any()


def test_rest_lasts_and_has_open_eyes_and_a_shut_mouth() -> None:
    scores = rest_scores(trace(100, smile=bump(100, 20, 60)))
    assert scores[5] > 0.9
    assert scores[40] < 0.2
    assert scores[19] < scores[5]
    for name, value in (("lids", 0.04), ("mouth_gap", 0.2), ("motion", 2.0), ("sharpness", 0.3)):
        values = getattr(trace(100), name).copy()
        values[50:60] = value
        assert rest_scores(replace(trace(100), **{name: values}))[55] < REST, name
    assert rest_stretch(scores, 5) == (0, runs(scores >= REST)[0][1] - 1)


def test_the_neutral_is_near_in_pose_and_gaze() -> None:
    one = trace(200, smile=bump(200, 80, 120))
    angles, gaze = one.angles_deg.copy(), one.gaze.copy()
    angles[:40, 0] = 20.0
    angles[40:80, 0] = 6.0
    gaze[130:160, 0] = 0.3
    one = replace(one, angles_deg=angles, gaze=gaze)
    found = candidates(one, rest_scores(one), 100, max_pose_gap_deg=10.0)
    assert 119 < found[0].row < 130 or found[0].row >= 160
    assert found[0].pose_gap_deg == 0.0
    assert found[0].gaze_gap == 0.0
    assert all(candidate.row >= 40 for candidate in found)
    assert candidates(one, rest_scores(one), 10, max_pose_gap_deg=10.0)[0].row < 40
    shut = one.lids.copy()
    shut[100] = 0.01
    assert candidates(replace(one, lids=shut), rest_scores(one), 100, max_pose_gap_deg=10.0)[0].gaze_gap is None
