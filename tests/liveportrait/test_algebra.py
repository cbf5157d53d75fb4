"""What holds of heads' motions, whoever they are."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from afet_video.liveportrait.algebra import (
    EYE_POINTS,
    LIP_POINTS,
    Motion,
    absolute_motion,
    angle_from_bins,
    between,
    ramp_shares,
    relative_motion,
    resting_expression,
    rotation_matrix,
    shifted,
)

SEEDS = range(4)
MIRROR = np.array([-1, 1, 1], np.float32)


def some_motion(seed: int, *, angles: tuple[float, float, float] = (5.0, -12.0, 8.0)) -> Motion:
    rng = np.random.default_rng(seed)
    return Motion(
        keypoints=rng.uniform(-0.5, 0.5, (21, 3)).astype(np.float32),
        rotation=rotation_matrix(*angles),
        expression=rng.normal(0, 0.02, (21, 3)).astype(np.float32),
        scale=float(rng.uniform(1, 2)),
        translation=rng.uniform(-0.2, 0.2, 2).astype(np.float32),
    )


@pytest.mark.parametrize("index", [0, 10, 65])
def test_a_certain_bin_is_its_angle(index: int) -> None:
    scores = np.full(66, -100.0, np.float32)
    scores[index] = 100.0
    assert angle_from_bins(scores) == pytest.approx(3 * index - 97.5)


def test_bins_without_a_preference_mean_straight_ahead() -> None:
    assert angle_from_bins(np.zeros(66, np.float32)) == pytest.approx(0.0, abs=1e-5)
    scores = np.random.default_rng(0).normal(size=66).astype(np.float32)
    assert angle_from_bins(scores + 7) == pytest.approx(angle_from_bins(scores), abs=1e-3)


def test_rotations_are_those_of_scipy_seen_from_the_right() -> None:
    angles = [11.0, -23.0, 31.0]
    expected = Rotation.from_euler("xyz", angles, degrees=True).as_matrix().T
    np.testing.assert_allclose(rotation_matrix(*angles), expected, atol=1e-6)
    np.testing.assert_array_equal(rotation_matrix(0, 0, 0), np.eye(3, dtype=np.float32))


@pytest.mark.parametrize("axis", range(3))
def test_turning_there_and_back_is_not_turning(axis: int) -> None:
    there, back = np.zeros(3), np.zeros(3)
    there[axis], back[axis] = 25.0, -25.0
    np.testing.assert_allclose(rotation_matrix(*there) @ rotation_matrix(*back), np.eye(3), atol=1e-6)


def test_without_pose_and_expression_points_are_scaled_and_moved_in_the_plane_alone() -> None:
    motion = some_motion(0, angles=(0, 0, 0)).with_expression(np.zeros((21, 3), np.float32))
    expected = motion.keypoints * motion.scale
    expected[:, :2] += motion.translation
    np.testing.assert_allclose(motion.placed(), expected, atol=1e-6)
    np.testing.assert_array_equal(motion.placed()[:, 2], (np.float32(motion.scale) * motion.keypoints)[:, 2])


@pytest.mark.parametrize("seed", SEEDS)
def test_the_mirrored_head_has_mirrored_points(seed: int) -> None:
    motion = some_motion(seed, angles=(7.0, 15.0, -9.0))
    mirrored = Motion(
        motion.keypoints * MIRROR,
        rotation_matrix(7.0, -15.0, 9.0),
        motion.expression * MIRROR,
        motion.scale,
        motion.translation * MIRROR[:2],
    )
    np.testing.assert_allclose(mirrored.placed(), motion.placed() * MIRROR, atol=1e-6)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_driving_face_at_rest_changes_nothing(seed: int) -> None:
    source, driving = some_motion(seed), some_motion(seed + 10)
    same = relative_motion(source, driving, driving.expression)
    np.testing.assert_array_equal(same.placed(), source.placed())


def test_changes_add_up_and_leave_the_pose() -> None:
    source, one, other = (some_motion(seed) for seed in range(3))
    reference = some_motion(3).expression
    both = relative_motion(relative_motion(source, one, reference), other, reference)
    swapped = relative_motion(relative_motion(source, other, reference), one, reference)
    np.testing.assert_allclose(both.expression, swapped.expression, atol=1e-7)
    np.testing.assert_array_equal(both.rotation, source.rotation)
    np.testing.assert_array_equal(both.translation, source.translation)


@pytest.mark.parametrize(("region", "points"), [("lips", LIP_POINTS), ("eyes", EYE_POINTS)])
@pytest.mark.parametrize("mode", ["relative", "absolute"])
def test_a_region_leaves_all_other_points(region: str, points: tuple[int, ...], mode: str) -> None:
    source, driving = some_motion(0), some_motion(1, angles=(0, 0, 20))
    if mode == "relative":
        changed = relative_motion(source, driving, resting_expression(), region=region)  # type: ignore[arg-type]
    else:
        changed = absolute_motion(source, driving, region=region)  # type: ignore[arg-type]
    moved = np.any(changed.placed() != source.placed(), axis=1)
    assert set(np.flatnonzero(moved)) == set(points)


def test_pose_alone() -> None:
    source, driving = some_motion(0), some_motion(1, angles=(0, 0, 20))
    assert relative_motion(source, driving, resting_expression(), region="pose") is source
    turned = absolute_motion(source, driving, region="pose")
    np.testing.assert_array_equal(turned.rotation, driving.rotation)
    np.testing.assert_array_equal(turned.expression, source.expression)


@pytest.mark.parametrize("seed", SEEDS)
def test_taking_over_ones_own_motion_changes_nothing(seed: int) -> None:
    source = some_motion(seed)
    np.testing.assert_array_equal(absolute_motion(source, source).placed(), source.placed())


def test_an_absolute_expression_leaves_the_shape_of_the_head() -> None:
    source = some_motion(0)
    driving = dataclasses.replace(source, expression=source.expression + 1)
    changed = absolute_motion(source, driving, region="expression").expression - source.expression
    changed = changed.round(5)
    assert set(np.flatnonzero(changed.any(axis=1))) == {1, 2, 3, 4, 5, 6, 8, 9, *range(11, 21)}
    assert changed[3].tolist() == [0, 1, 0]
    assert changed[5].tolist() == [0, 0, 1]
    assert changed[9].tolist() == [0, 1, 1]


def test_between_is_a_dial() -> None:
    start, end = some_motion(0).placed(), some_motion(1).placed()
    np.testing.assert_array_equal(between(start, end, 0.0), start)
    np.testing.assert_allclose(between(start, end, 1.0), end, atol=1e-6)
    half = between(start, end, 0.5)
    np.testing.assert_allclose(between(start, half, 0.5), between(start, end, 0.25), atol=1e-6)
    np.testing.assert_allclose(between(start, end, 2.0) - end, end - start, atol=1e-6)


def test_corrections() -> None:
    points = some_motion(0).placed()
    np.testing.assert_array_equal(shifted(points, np.zeros(65, np.float32)), points)
    correction = np.zeros(65, np.float32)
    correction[[4, 63, 64]] = 0.5, 0.25, -0.125  # y of the second point; then x and y of all
    moved = shifted(points, correction) - points
    np.testing.assert_allclose(moved[1], [0.25, 0.375, 0], atol=1e-6)
    np.testing.assert_allclose(moved[0], [0.25, -0.125, 0], atol=1e-6)


@pytest.mark.parametrize(("seconds", "rate"), [(0.01, 25.0), (2.0, 25.0), (3.0, 29.97)])
def test_a_ramp_rises_once_to_the_apex_and_falls_back(seconds: float, rate: float) -> None:
    shares = ramp_shares(seconds, rate)
    assert len(shares) == max(5, round(seconds * rate))
    assert shares[0] == shares[-1] == 0
    assert shares.max() == pytest.approx(1.0, abs=0.1 if len(shares) == 5 else 1e-9)
    assert shares.min() >= 0
    apex = int(shares.argmax())
    assert (np.diff(shares[: apex + 1]) >= -1e-12).all()
    assert (np.diff(shares[apex:]) <= 1e-12).all()


def test_a_ramp_has_no_jump_in_speed() -> None:
    speed = np.diff(ramp_shares(2.0, 100.0))
    assert np.abs(np.diff(speed)).max() < 0.12 * np.abs(speed).max()


def test_lips_at_rest_are_where_the_authors_have_them() -> None:
    rest = resting_expression()
    assert rest.shape == (21, 3)
    assert rest[19].tolist() == pytest.approx([-4e-6, -0.015091, -0.002549], abs=1e-7)
    assert np.abs(rest).argmax() == 19 * 3 + 1
