"""An eyeball drawn by hand: what is hidden by lids is filled in, round and in its own colours."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from afet_video.datatypes import FloatArray
from afet_video.splice.eyeball import Eyeball, eyeball
from afet_video.splice.eyeball_fit import EyeballFit
from afet_video.splice.eyeball_paint import paint
from afet_video.splice.opening import between_lids, filled

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


def painted(
    ball: Eyeball,
    current: FloatArray,
    own: FloatArray,
    ring: FloatArray,
    middle: FloatArray,
    *,
    detected: FloatArray = MIDDLE,
    fit: EyeballFit | None = None,
    gain: float = 1.0,
) -> FloatArray:
    """Return a picture with `ball` between the lids `ring`; its own iris is `detected` there by the detector."""
    result = current.copy()
    closure = 1 - float(own[12, 1] - own[4, 1]) / 20
    paint(
        *(result, current, ball, fit or EyeballFit()),
        lids=ring,
        own_lids=own,
        middle=middle,
        own_iris=iris_at(detected),
        closure=closure,
        gain=np.full(3, gain, np.float32),
        share=1.0,
        seconds=0.0,
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
    outside = between_lids(lids(10, 19.5), SHAPE) == 0
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
    seen = MIDDLE - np.array([3, 0], np.float32)
    made = eyeball(picture(OPEN, seen), OPEN, iris_at(MIDDLE))
    assert made is not None
    shown, disc = made.turned(np.eye(2, 3), made.middle, made.radius, (SHAPE[1], SHAPE[0]), 0.0, 0.0)
    line = shown[int(MIDDLE[1]), :, 0]
    beyond = int(seen[0] + RADIUS) + 2
    assert line[beyond : beyond + 6].min() > WHITE[0] - 25
    assert np.all(np.diff(line[int(MIDDLE[0]) : beyond]) > -1), "from the iris outwards it only gets brighter"
    assert disc[int(MIDDLE[1]), beyond] < 0.05


def test_the_white_that_was_not_seen_is_shaded_towards_the_corners(ball: Eyeball) -> None:
    row = ball.modelled[int(MIDDLE[1] - ball.origin[1]), :, :3].mean(axis=1)
    middle = round(float(MIDDLE[0] - ball.origin[0]))
    assert np.all(np.diff(row[: middle + 1]) >= 0)
    assert np.all(np.diff(row[middle:]) <= 0)
    assert 0.7 < row[middle + 25] / row[middle] < 0.95


def test_too_little_of_an_eye_gives_none() -> None:
    tiny = iris_at(MIDDLE) * 0.1
    assert eyeball(picture(OPEN), OPEN * 0.1, tiny) is None, "an iris of two pixels"
    assert eyeball(np.full((*SHAPE, 3), SKIN, np.float32), OPEN - (0, 60), iris_at(MIDDLE)) is None, "off the picture"


def test_the_iris_goes_on_around_the_seen_one_not_around_the_detected_one() -> None:
    off = MIDDLE + np.array([3, -1], np.float32)
    narrow, wide = lids(10, 4), lids(10, 18)
    made = eyeball(picture(OPEN), OPEN, iris_at(off))
    assert made is not None
    assert np.abs(made.middle - MIDDLE).max() < 0.8
    assert made.radius == pytest.approx(RADIUS, abs=0.8)
    result = painted(made, picture(narrow), narrow, wide, off, detected=off)
    x, y = MIDDLE.astype(int)
    row = result[y + 7, x - 14 : x + 15].mean(axis=1)
    left, right = row[:14], row[:14:-1]
    assert np.abs(left - right).max() < 30, "as far to the left as to the right, below the lid of the frame"


def test_a_reflection_is_not_repeated_where_the_iris_was_hidden() -> None:
    narrow = lids(10, 6)
    lit = picture(narrow)
    x, y = MIDDLE.astype(int)
    lit[y + 1 : y + 4, x + 3 : x + 6] = 255.0
    made = eyeball(lit, narrow, iris_at(MIDDLE))
    assert made is not None
    result = painted(made, lit, narrow, lids(10, 18), MIDDLE)
    assert result[y + 2, x + 4].min() > 240, "where it is seen it stays"
    assert result[y + 6 : y + 9, x - 4 : x + 7].mean(axis=2).max() < np.mean(IRIS) + 15


def test_painted_white_is_as_bright_as_the_white_of_the_frame(ball: Eyeball) -> None:
    wide = lids(10, 18)
    for light in (0.7, 1.0):
        result = painted(ball, light * picture(OPEN), OPEN, wide, MIDDLE, gain=1.3 * light)
        x, y = MIDDLE.astype(int)
        beside, below = result[y, x + 16], result[y + 14, x + 4]
        assert below.max() <= beside.max() + 2, "never brighter than what is seen"
        assert below.mean() > 0.75 * beside.mean()


def test_an_edge_that_is_seen_soft_is_painted_soft() -> None:
    sharp = eyeball(picture(OPEN), OPEN, iris_at(MIDDLE))
    blurred = eyeball(cv2.GaussianBlur(picture(OPEN), (0, 0), 2.5), OPEN, iris_at(MIDDLE))
    assert sharp is not None and blurred is not None

    def width(ball: Eyeball) -> int:
        return int(((ball.disc > 0.05) & (ball.disc < 0.95)).sum())

    assert width(blurred) > 1.4 * width(sharp)


def test_in_a_blurred_picture_nothing_painted_is_sharper_than_the_picture() -> None:
    shut, steepest = lids(0.6, 0.6), []
    for own in (picture(shut), cv2.GaussianBlur(picture(shut), (0, 0), 4.0)):
        is_crisp = not steepest
        seen = picture(OPEN) if is_crisp else cv2.GaussianBlur(picture(OPEN), (0, 0), 4.0)
        made = eyeball(seen, OPEN, iris_at(MIDDLE))
        assert made is not None
        result = painted(made, own, shut, OPEN, MIDDLE)
        steepest.append([np.abs(np.diff(each.mean(axis=2), axis=0)).max() for each in (seen, result)])
        x, y = MIDDLE.astype(int)
        assert result[y, x].mean() < np.mean(SKIN) - 20, "an eye is there"
    (of_crisp, painted_crisp), (of_blurred, painted_blurred) = steepest
    assert painted_crisp > 0.3 * of_crisp
    assert painted_blurred < 1.5 * of_blurred < 0.15 * of_crisp


def test_what_is_known_of_an_eyeball_is_remembered(ball: Eyeball) -> None:
    fit, other = EyeballFit(), EyeballFit()
    off = MIDDLE + np.array([3, 0], np.float32)
    painted(ball, 0.8 * picture(OPEN), OPEN, lids(10, 18), off, detected=off, fit=fit)
    fit.see_radius(0.9, 1.0)
    other.recall(fit.remembered())
    assert np.array_equal(other.tint, fit.tint) and fit.tint.max() < 0.9
    assert np.array_equal(other.offset(OPEN[[0, 8]]), fit.offset(OPEN[[0, 8]]))
    assert fit.offset(OPEN[[0, 8]]) == pytest.approx([-3, 0], abs=0.8)
    assert other.radii == pytest.approx([0.9])
