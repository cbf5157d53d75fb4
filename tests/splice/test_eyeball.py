"""An eyeball drawn by hand: what is hidden by lids is filled in, round and in its own colours."""

from __future__ import annotations

import numpy as np
import pytest

from afet_video.datatypes import FloatArray
from afet_video.splice.eyeball import Eyeball, between_lids, eyeball, filled, paint

WHITE, IRIS, SKIN = (200.0, 185.0, 180.0), (90.0, 70.0, 50.0), (180.0, 120.0, 100.0)
MIDDLE, RADIUS = np.array([60.0, 40.0], np.float32), 11.0
SHAPE = (80, 120)


def lids(upper: float, lower: float) -> FloatArray:
    """A lid margin from the outer corner (right) over the upper lid, `upper` and `lower` px high in its middle."""
    across = np.cos(np.pi * np.arange(16) / 8)
    height = np.where(np.arange(16) < 8, -upper, lower) * np.abs(np.sin(np.pi * np.arange(16) / 8))
    return np.stack([MIDDLE[0] + 30 * across, MIDDLE[1] + height], axis=1).astype(np.float32)


def iris_at(middle: FloatArray) -> FloatArray:
    rim = RADIUS * np.array([(1, 0), (0, -1), (-1, 0), (0, 1)], np.float32)
    return np.asarray(np.vstack([middle, middle + rim]), np.float32)


def picture(ring: FloatArray, middle: FloatArray = MIDDLE) -> FloatArray:
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]]
    ball = np.where((np.hypot(columns - middle[0], rows - middle[1]) < RADIUS)[..., None], IRIS, WHITE)
    opening = filled(ring, SHAPE)[..., None]
    return np.asarray(SKIN + opening * (ball - SKIN), np.float32)


OPEN = lids(10, 10)


@pytest.fixture(scope="module")
def ball() -> Eyeball:
    made = eyeball(picture(OPEN), OPEN, iris_at(MIDDLE))
    assert made is not None
    return made


def painted(ball: Eyeball, current: FloatArray, own: FloatArray, ring: FloatArray, middle: FloatArray) -> FloatArray:
    result = current.copy()
    closure = 1 - float(own[12, 1] - own[4, 1]) / 20
    paint(
        *(result, current, ball),
        lids=ring,
        own_lids=own,
        canthi=ring[[0, 8]],
        middle=middle,
        own_middle=MIDDLE,
        closure=closure,
        gain=np.ones(3, np.float32),
        share=1.0,
    )
    return result


def test_behind_lids_that_open_wider_there_is_a_round_iris_and_white(ball: Eyeball) -> None:
    wide = lids(10, 18)
    result = painted(ball, picture(OPEN), OPEN, wide, MIDDLE)
    x, y = MIDDLE.astype(int)
    assert np.abs(result[y, x] - IRIS).max() < 12
    assert np.abs(result[y + 9, x] - IRIS).max() < 30, "the iris goes on below the old lid"
    below = result[y + 14, x]
    assert below.min() > 140 and below.mean() > np.mean(IRIS) + 60, "and beneath it there is white, no iris"
    outside = between_lids(wide, SHAPE) == 0
    outside[: int(MIDDLE[1]) + 2] = False  # the upper lid's own edge lies a little above its landmarks
    assert np.array_equal(result[outside], picture(OPEN)[outside])


def test_a_shut_eye_is_opened_with_the_kept_one(ball: Eyeball) -> None:
    shut = lids(0.6, 0.6)
    result = painted(ball, picture(shut), shut, OPEN, MIDDLE)
    truth = picture(OPEN)
    inside = between_lids(lids(7, 7), SHAPE) > 0.99
    assert np.abs(result - truth)[inside].mean() < 14


def test_an_eyeball_that_turns_up_leaves_white_without_a_trace(ball: Eyeball) -> None:
    shut, up = lids(0.6, 0.6), MIDDLE - (0, 9)
    result = painted(ball, picture(shut), shut, OPEN, up.astype(np.float32))
    x, y = MIDDLE.astype(int)
    line = result[y + 5, x - 14 : x + 15].mean(axis=1)
    assert line.min() > 150
    assert np.abs(np.diff(line)).max() < 8, "no rim of where the iris was"
    assert result[y - 5, x].mean() < 110, "the iris is up there"


def test_where_the_detectors_circle_is_off_there_is_no_second_edge() -> None:
    """The iris is seen 3 px beside the circle: its own edge is shown, and nothing dark is filled in beyond it."""
    seen = MIDDLE - np.array([3, 0], np.float32)
    current = picture(OPEN, seen)
    ball = eyeball(current, OPEN, iris_at(MIDDLE))
    assert ball is not None
    shown = ball.turned(np.eye(2, 3), MIDDLE, (SHAPE[1], SHAPE[0]))[int(MIDDLE[1]), :, 0]
    beyond = int(seen[0] + RADIUS) + 2
    assert shown[beyond : beyond + 6].min() > WHITE[0] - 25
    assert np.all(np.diff(shown[int(MIDDLE[0]) : beyond]) > -1), "from the iris outwards it only gets brighter"


def test_a_reflection_in_the_iris_is_no_white() -> None:
    current = picture(OPEN)
    x, y = int(MIDDLE[0] + 0.8 * RADIUS) - 1, int(MIDDLE[1])
    current[y : y + 2, x : x + 2] = 240.0
    with_it, without = (eyeball(one, OPEN, iris_at(MIDDLE)) for one in (current, picture(OPEN)))
    assert with_it is not None
    assert without is not None
    np.testing.assert_array_equal(with_it.disc, without.disc)


def test_the_white_that_was_not_seen_is_shaded_towards_the_corners(ball: Eyeball) -> None:
    row = ball.modelled[int(MIDDLE[1] - ball.origin[1]), :, :3].mean(axis=1)
    middle = round(float(MIDDLE[0] - ball.origin[0]))
    assert np.all(np.diff(row[: middle + 1]) >= 0)
    assert np.all(np.diff(row[middle:]) <= 0)
    assert 0.7 < row[middle + 25] / row[middle] < 0.9


def test_too_little_of_an_eye_gives_none() -> None:
    tiny = iris_at(MIDDLE) * 0.1
    assert eyeball(picture(OPEN), OPEN * 0.1, tiny) is None, "an iris of two pixels"
    assert eyeball(np.full((*SHAPE, 3), SKIN, np.float32), OPEN - (0, 60), iris_at(MIDDLE)) is None, "off the picture"
