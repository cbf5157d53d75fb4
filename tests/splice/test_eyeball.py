"""An eyeball drawn by hand: what is hidden by lids is filled in, round and in its own colours."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from afet_video.datatypes import FloatArray
from afet_video.splice.eyeball import Eyeball, eyeball
from afet_video.splice.eyeball_fit import EyeballFit
from afet_video.splice.eyeball_paint import paint
from afet_video.splice.limbus import Limbus
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


def lit_picture(ring: FloatArray, middle: FloatArray = MIDDLE, *, vein: FloatArray | None = None) -> FloatArray:
    """The same with a white that is darker towards its corners and under the upper lid, and may have a spot."""
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]].astype(np.float32)
    across = (columns - MIDDLE[0]) / 30
    away = np.abs(rows - (MIDDLE[1] - 10 * np.sqrt(np.maximum(1 - across * across, 0))))
    light = np.exp(-0.25 * across * across - 0.6 * np.exp(-away / (0.4 * RADIUS)))
    if vein is not None:
        light *= 1 - 0.12 * np.exp(-(np.square(columns - vein[0]) + np.square(rows - vein[1])) / 8)
    iris = np.hypot(columns - middle[0], rows - middle[1]) < RADIUS
    ball = np.where(iris[..., None], IRIS, light[..., None] * WHITE)
    return np.asarray(SKIN + filled(ring, SHAPE)[..., None] * (ball - SKIN), np.float32)


def looked_at(rgb: FloatArray, ring: FloatArray, iris: FloatArray) -> tuple[Eyeball, EyeballFit]:
    """The eyeball of an open eye, and what is known of it."""
    fit = EyeballFit()
    made = eyeball(rgb, ring, iris, fit)
    assert made is not None
    return made, fit


@pytest.fixture(scope="module")
def ball() -> Eyeball:
    return looked_at(picture(OPEN), OPEN, iris_at(MIDDLE))[0]


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
        *(result, current, ball, fit or looked_at(picture(OPEN), OPEN, iris_at(MIDDLE))[1]),
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
    seen, shut = MIDDLE - np.array([3, 0], np.float32), lids(0.6, 0.6)
    made, fit = looked_at(picture(OPEN, seen), OPEN, iris_at(MIDDLE))
    line = painted(made, picture(shut), shut, OPEN, made.middle, fit=fit)[int(MIDDLE[1]), :, 0]
    disc = made.turned(np.eye(2), made.middle, made.radius, (SHAPE[1], SHAPE[0]), 0.0)[1]
    beyond = int(seen[0] + RADIUS) + 2
    assert line[beyond : beyond + 6].min() > WHITE[0] - 25
    assert np.all(np.diff(line[int(MIDDLE[0]) : beyond]) > -1), "from the iris outwards it only gets brighter"
    assert disc[int(MIDDLE[1]), beyond] < 0.05


SHUT = lids(0.6, 0.6)


def beside_the_iris(middle: FloatArray = MIDDLE) -> FloatArray:
    """Where the white is seen, (h, w)."""
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]]
    away = np.hypot(columns - middle[0], rows - middle[1])
    return (between_lids(lids(8, 8), SHAPE) > 0.99) & (away > 1.35 * RADIUS) & (np.abs(columns - MIDDLE[0]) < 24)


@pytest.mark.parametrize("up", [0, 7])
def test_hidden_white_is_shaded_by_lid_and_corners_as_the_seen_white_was(up: int) -> None:
    made, fit = looked_at(lit_picture(OPEN), OPEN, iris_at(MIDDLE))
    turned = np.asarray(MIDDLE - (0, up), np.float32)
    result = painted(made, lit_picture(SHUT), SHUT, OPEN, turned, fit=fit)
    there = beside_the_iris() & beside_the_iris(turned)
    own, shown = lit_picture(OPEN, turned)[there].mean(axis=1), result[there].mean(axis=1)
    assert own.std() > 12, "it has shade"
    assert abs(float(shown.mean() - own.mean())) < 3
    assert np.abs(shown - own).mean() < 5
    assert np.corrcoef(own, shown)[0, 1] > 0.9


def test_no_frame_flashes_while_lids_close_and_the_eyeball_turns() -> None:
    made, fit = looked_at(lit_picture(OPEN), OPEN, iris_at(MIDDLE))
    levels = []
    turned = MIDDLE - np.array([0, 7], np.float32)
    there = beside_the_iris() & beside_the_iris(turned)
    for gap, up in [(10, 0), (8.5, 0), (7, 0), (6, 0), (5, 0), (3, 0), (0.6, 0), (0.6, 3), (0.6, 7), (0.6, 7)]:
        own = lids(gap, gap)
        middle = np.asarray(MIDDLE - (0, up), np.float32)
        levels.append(painted(made, lit_picture(own), own, OPEN, middle, fit=fit)[there].mean())
    assert np.abs(np.diff(levels)).max() < 3
    assert np.ptp(levels) < 6


def test_a_spot_of_the_white_turns_with_the_eyeball() -> None:
    spot, up = MIDDLE + np.array([17, 0], np.float32), np.array([0, -4], np.float32)
    plain, spotted = (
        painted(*of[:1], lit_picture(SHUT), SHUT, OPEN, MIDDLE + up, fit=of[1]).mean(axis=2)
        for of in (looked_at(lit_picture(OPEN, vein=vein), OPEN, iris_at(MIDDLE)) for vein in (None, spot))
    )
    darker = cv2.GaussianBlur(plain - spotted, (0, 0), 1)
    darker[beside_the_iris(MIDDLE + up) == 0] = 0
    row, column = np.unravel_index(darker.argmax(), darker.shape)
    assert darker.max() > 3
    assert np.abs(np.array([column, row]) - (spot + up)).max() < 3


def test_one_eye_with_lashes_and_glitter_over_it_does_not_change_the_white() -> None:
    clean, fit = looked_at(lit_picture(OPEN), OPEN, iris_at(MIDDLE))
    expected = painted(clean, lit_picture(SHUT), SHUT, OPEN, MIDDLE, fit=fit)
    odd = lit_picture(OPEN)
    odd[:, ::6], odd[38:40, 80:84] = 30.0, 255.0
    assert eyeball(odd, OPEN, iris_at(MIDDLE), fit) is not None
    after = painted(clean, lit_picture(SHUT), SHUT, OPEN, MIDDLE, fit=fit)
    there = beside_the_iris()
    assert np.abs(after - expected)[there].max() < 6


def test_too_little_of_an_eye_gives_none() -> None:
    tiny = iris_at(MIDDLE) * 0.1
    skin, fit = np.full((*SHAPE, 3), SKIN, np.float32), EyeballFit()
    assert eyeball(picture(OPEN), OPEN * 0.1, tiny, fit) is None, "an iris of two pixels"
    assert eyeball(skin, OPEN - (0, 60), iris_at(MIDDLE), fit) is None, "off the picture"


def test_the_iris_goes_on_around_the_seen_one_not_around_the_detected_one() -> None:
    off = MIDDLE + np.array([3, -1], np.float32)
    narrow, wide = lids(10, 4), lids(10, 18)
    made, fit = looked_at(picture(OPEN), OPEN, iris_at(off))
    assert np.abs(made.middle - MIDDLE).max() < 0.8
    assert made.radius == pytest.approx(RADIUS, abs=0.8)
    result = painted(made, picture(narrow), narrow, wide, off, detected=off, fit=fit)
    x, y = MIDDLE.astype(int)
    row = result[y + 7, x - 14 : x + 15].mean(axis=1)
    left, right = row[:14], row[:14:-1]
    assert np.abs(left - right).max() < 30, "as far to the left as to the right, below the lid of the frame"


def test_a_reflection_is_not_repeated_where_the_iris_was_hidden() -> None:
    narrow = lids(10, 6)
    lit = picture(narrow)
    x, y = MIDDLE.astype(int)
    lit[y + 1 : y + 4, x + 3 : x + 6] = 255.0
    made, fit = looked_at(lit, narrow, iris_at(MIDDLE))
    result = painted(made, lit, narrow, lids(10, 18), MIDDLE, fit=fit)
    assert result[y + 2, x + 4].min() > 240, "where it is seen it stays"
    assert result[y + 6 : y + 9, x - 4 : x + 7].mean(axis=2).max() < np.mean(IRIS) + 15


def test_painted_white_is_as_bright_as_the_white_of_the_frame(ball: Eyeball) -> None:
    wide = lids(10, 18)
    for light in (0.7, 1.0):
        result = painted(ball, light * picture(OPEN), OPEN, wide, MIDDLE, gain=1.3 * light)
        x, y = MIDDLE.astype(int)
        beside, below = result[y, x + 16], result[y + 14, x + 4]
        assert below.max() <= 1.02 * beside.max(), "never brighter than what is seen"
        assert below.mean() > 0.75 * beside.mean()


def test_an_edge_that_is_seen_soft_is_painted_soft() -> None:
    sharp, _ = looked_at(picture(OPEN), OPEN, iris_at(MIDDLE))
    blurred, _ = looked_at(cv2.GaussianBlur(picture(OPEN), (0, 0), 2.5), OPEN, iris_at(MIDDLE))

    def width(ball: Eyeball) -> int:
        return int(((ball.disc > 0.05) & (ball.disc < 0.95)).sum())

    assert width(blurred) > 1.4 * width(sharp)


def test_in_a_blurred_picture_nothing_painted_is_sharper_than_the_picture() -> None:
    shut, steepest = lids(0.6, 0.6), []
    for own in (picture(shut), cv2.GaussianBlur(picture(shut), (0, 0), 4.0)):
        is_crisp = not steepest
        seen = picture(OPEN) if is_crisp else cv2.GaussianBlur(picture(OPEN), (0, 0), 4.0)
        made, fit = looked_at(seen, OPEN, iris_at(MIDDLE))
        result = painted(made, own, shut, OPEN, MIDDLE, fit=fit)
        steepest.append([np.abs(np.diff(each.mean(axis=2), axis=0)).max() for each in (seen, result)])
        x, y = MIDDLE.astype(int)
        assert result[y, x].mean() < np.mean(SKIN) - 20, "an eye is there"
    (of_crisp, painted_crisp), (of_blurred, painted_blurred) = steepest
    assert painted_crisp > 0.3 * of_crisp
    assert painted_blurred < 1.5 * of_blurred < 0.15 * of_crisp


def test_what_is_known_of_an_eyeball_is_remembered(ball: Eyeball) -> None:
    _, fit = looked_at(picture(OPEN), OPEN, iris_at(MIDDLE))
    other = EyeballFit()
    off = MIDDLE + np.array([3, 0], np.float32)
    painted(ball, 0.8 * picture(OPEN), OPEN, lids(10, 18), off, detected=off, fit=fit)
    fit.see_radius(0.9, 1.0)
    other.recall(fit.remembered())
    assert np.array_equal(other.tint, fit.tint) and fit.tint.max() < 0.9
    for own in (0.0, 1.0):
        assert np.array_equal(other.offset(OPEN[[0, 8]], own), fit.offset(OPEN[[0, 8]], own))
        assert fit.offset(OPEN[[0, 8]], own) == pytest.approx([-3, 0], abs=0.8)

    terms = np.random.default_rng(0).random((3, 4, 5), np.float32)
    for again, first in zip(other.sclera.shaded(terms), fit.sclera.shaded(terms), strict=True):
        assert np.array_equal(again, first)
    assert other.radii == pytest.approx([0.9])


def test_a_narrow_eye_that_shows_nothing_but_dark_is_no_eyeball(ball: Eyeball) -> None:
    narrow = lids(6.5, 6.5)
    dark = picture(narrow)
    dark[filled(lids(8, 8), SHAPE) > 0.1] = 20.0  # lashes and their shadow
    inside = between_lids(lids(8, 8), SHAPE) > 0.99
    result = painted(ball, dark, narrow, OPEN, MIDDLE)
    assert np.abs(result - picture(OPEN))[inside].mean() < 14


def test_where_the_iris_is_is_learnt_for_good_from_open_eyes_alone() -> None:
    fit, detected = EyeballFit(), iris_at(MIDDLE)
    for step in range(30):
        fit.see_limbus(Limbus(MIDDLE, RADIUS, 1.0), detected, OPEN[[0, 8]], 60.0, 1.0, step / 30)
    for step in range(30, 60):
        fit.see_limbus(Limbus(MIDDLE - (0, 5), RADIUS, 1.0), detected, OPEN[[0, 8]], 60.0, 0.0, step / 30)
    assert fit.offset(OPEN[[0, 8]], 1.0) == pytest.approx([0, -5], abs=0.1), "what is seen is followed"
    assert fit.offset(OPEN[[0, 8]], 0.0) == pytest.approx([0, 0], abs=0.1), "until it is seen no more"
