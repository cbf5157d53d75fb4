"""Movement kept is recovered from faces whose movement is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from afet_video import facemesh
from afet_video.datatypes import ZONES, Side
from afet_video.evaluation.heads import HeadFixed, resting_face
from afet_video.face.jaw import CHIN
from afet_video.metrics.movement import IBUG68, MESH478, movement_kept, moves_clearly, zone_excursion
from afet_video.metrics.regression import Slope, line_through, robust_slope

FRAMES = 240
KEPT = {"brow": 0.0, "eye": 0.3, "cheek": 0.6, "commissure": 1.0, "lower_lip": 0.3}
SIZE = 200.0
"""Distance of the outer canthi in pixels."""


@dataclass(frozen=True)
class Faces:
    """A face that moves: landmarks (T, 478, 3) of source and result in pixels, frames at rest."""

    source: NDArray[np.float32]
    result: NDArray[np.float32]
    rest: NDArray[np.bool_]


def bump(start: int, stop: int) -> NDArray[np.float64]:
    steps = np.clip((np.arange(FRAMES) - start) / (stop - start), 0, 1)
    return np.sin(np.pi * steps) ** 2


def faces(
    rest_xyz: NDArray[np.float32],
    kept: dict[str, float],
    *,
    side: Side = Side.LEFT,
    noise: float = 0.0,
    yaw_deg: float = 0.0,
    droop: float = 0.0,
    drive: float = 0.0,
) -> Faces:
    """Move every zone of both sides at times of its own, keep `kept` of it on one side, and turn the head.

    `droop` lowers the affected commissure at all times. `drive` lifts it in step with the other eye's closing.
    """
    rng = np.random.default_rng(3)
    unit = rest_xyz / np.linalg.norm(rest_xyz[263] - rest_xyz[33]) * SIZE
    moves = {
        "brow": (bump(10, 50), (0.0, -0.11)),
        "eye": (bump(60, 90), (0.0, 0.06)),
        "cheek": (bump(100, 150), (0.05, -0.05)),
        "commissure": (bump(100, 150) + 0.6 * bump(160, 180), (0.10, -0.05)),
        "lower_lip": (bump(190, 215), (0.02, 0.06)),
    }
    source = np.repeat(unit[None].astype(np.float64), FRAMES, axis=0)
    result = source.copy()
    for zone, (course, direction) in moves.items():
        for one in Side:
            points = MESH478.lids[one][0] if zone == "eye" else MESH478.of_zone(zone, one)
            outwards = 1.0 if one is Side.LEFT else -1.0
            vector = SIZE * np.array([outwards * direction[0], direction[1], 0.0])
            moved = course[:, None, None] * vector
            source[:, list(points)] += moved
            result[:, list(points)] += (kept[zone] if one is side else 1.0) * moved
    corner = list(MESH478.commissure[side])
    result[:, corner, 1] += SIZE * (droop - drive * moves["eye"][0][:, None])
    still = sum(course for course, _ in moves.values()) < 1e-3
    turned = [turn(xyz, yaw_deg) for xyz in (source, result)]
    for xyz in turned:
        xyz += rng.normal(0, noise * SIZE, xyz.shape)
    return Faces(turned[0].astype(np.float32), turned[1].astype(np.float32), still)


def turn(xyz: NDArray[np.float64], yaw_deg: float) -> NDArray[np.float64]:
    """Turn and shift the head smoothly over time."""
    angle = np.radians(yaw_deg) * np.sin(2 * np.pi * np.arange(FRAMES) / FRAMES * 1.7)
    c, s = np.cos(angle)[:, None], np.sin(angle)[:, None]
    center = xyz.mean(axis=(0, 1))
    x, y, z = np.moveaxis(xyz - center, 2, 0)
    shift = np.array([30.0, -10.0, 0.0]) * np.sin(np.arange(FRAMES) / 40)[:, None]
    return np.stack([c * x + s * z, y, c * z - s * x], axis=2) + center + shift[:, None]


def head_fixed(made: Faces) -> HeadFixed:
    face = resting_face(made.source, made.rest.astype(float), 0)
    heads = face.heads(made.source)
    source, result = (face.fixed(xyz, heads) for xyz in (made.source, made.result))
    return HeadFixed(source, result, face.passive(made.source, heads))


def share(made: Faces, fixed: HeadFixed, zone: str, *, side: Side = Side.LEFT, synkinesis: bool = False) -> Slope | str:
    return movement_kept(*fixed.muscles, zone=zone, side=side, rest=made.rest, synkinesis=synkinesis)


def measured(made: Faces, zone: str, *, synkinesis: bool = False) -> Slope | str:
    return share(made, head_fixed(made), zone, synkinesis=synkinesis)


@pytest.fixture(scope="module")
def at_rest(real_faces) -> NDArray[np.float32]:
    return real_faces["neutral"].xyz


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize(
    "kept", [KEPT, dict.fromkeys(ZONES, 0.0), dict.fromkeys(ZONES, 0.6), dict.fromkeys(ZONES, 1.0)]
)
def test_the_share_kept_is_recovered(at_rest: NDArray[np.float32], side: Side, kept: dict[str, float]) -> None:
    made = faces(at_rest, kept, side=side, noise=0.002, yaw_deg=15)
    fixed = head_fixed(made)
    for zone in ZONES:
        found = share(made, fixed, zone, side=side)
        assert isinstance(found, Slope)
        # noise in the source shortens the slope a little (errors in variables)
        assert found.value == pytest.approx(kept[zone], abs=0.04), zone
        assert 0 < found.error < 0.05
        assert found.n >= 8


def test_without_noise_it_is_exact_and_the_other_side_keeps_all(at_rest: NDArray[np.float32]) -> None:
    made = faces(at_rest, KEPT)
    fixed = head_fixed(made)
    for zone in ZONES:
        found, other = (share(made, fixed, zone, side=side) for side in Side)
        assert isinstance(found, Slope)
        assert isinstance(other, Slope)
        assert found.value == pytest.approx(KEPT[zone], abs=5e-3)
        assert other.value == pytest.approx(1.0, abs=2e-3)


def test_a_head_turn_is_no_movement_kept(at_rest: NDArray[np.float32]) -> None:
    made = faces(at_rest, dict.fromkeys(ZONES, 0.0), yaw_deg=20)
    squashed = [xyz * np.array([1.0, 1.0, 0.6], np.float32) for xyz in (made.source, made.result)]
    flat = Faces(squashed[0], squashed[1], made.rest)  # depth as poor as a detector's
    fixed = head_fixed(flat)
    for zone in ZONES:
        found = share(flat, fixed, zone)
        assert isinstance(found, Slope)
        assert found.value == pytest.approx(0.0, abs=0.06), zone


def test_droop_goes_into_the_intercept(at_rest: NDArray[np.float32]) -> None:
    found = measured(faces(at_rest, dict.fromkeys(ZONES, 0.3), droop=0.05), "commissure")
    assert isinstance(found, Slope)
    assert found.value == pytest.approx(0.3, abs=5e-3)


def test_synkinesis_is_not_taken_for_movement_kept(at_rest: NDArray[np.float32]) -> None:
    made = faces(at_rest, dict.fromkeys(ZONES, 0.3), drive=0.06)
    found = measured(made, "commissure", synkinesis=True)
    assert isinstance(found, Slope)
    assert found.value == pytest.approx(0.3, abs=0.01)


def test_a_zone_that_does_not_move_has_no_share(at_rest: NDArray[np.float32]) -> None:
    made = faces(at_rest, KEPT)
    still = Faces(made.source[:10], made.result[:10], np.ones(10, bool))
    found = measured(still, "brow")
    assert isinstance(found, str)
    assert "0 frames" in found


def test_what_the_jaw_moves_is_not_movement_kept(at_rest: NDArray[np.float32]) -> None:
    """Also where lips move and the jaw opens at once: what is left of both is the jaw's."""
    made = faces(at_rest, dict.fromkeys(ZONES, 0.0))
    drop = SIZE * 0.15 * (bump(120, 170) + bump(200, 230))
    jaw = resting_face(made.source, made.rest.astype(float), 0).model.jaw
    for frame, down in enumerate(drop):
        seen = np.zeros((478, 2))
        seen[list(CHIN), 1], seen[[14, 15, 16, 17], 1] = down, 1.4 * down
        for xyz in (made.source, made.result):
            xyz[frame, :, :2] += jaw.displacement(seen)
    fixed = head_fixed(made)
    for zone in ("cheek", "commissure", "lower_lip"):
        found = share(made, fixed, zone)
        assert isinstance(found, Slope)
        assert found.value == pytest.approx(0.0, abs=0.08), zone
    found = movement_kept(fixed.source, fixed.result, zone="lower_lip", side=Side.LEFT, rest=made.rest)
    assert isinstance(found, Slope)
    assert found.value > 0.5, "the jaw's share must matter here"


def test_how_a_face_wanders_at_rest_is_not_movement_kept(at_rest: NDArray[np.float32]) -> None:
    """At rest the result is the source, however many frames of rest there are."""
    made = faces(at_rest, dict.fromkeys(ZONES, 0.0))
    sway = SIZE * 0.01 * np.sin(np.arange(FRAMES) / 5) * made.rest
    for xyz in (made.source, made.result):
        xyz[:, list(MESH478.cheek[Side.LEFT]), 1] += sway[:, None].astype(np.float32)
    found = measured(made, "cheek")
    assert isinstance(found, Slope)
    assert found.value == pytest.approx(0.0, abs=0.02)


def test_without_a_frame_at_rest_there_is_no_share(at_rest: NDArray[np.float32]) -> None:
    made = faces(at_rest, KEPT)
    assert measured(Faces(made.source, made.result, np.zeros(FRAMES, bool)), "brow") == "no frame is at rest"


def test_a_share_that_noise_hides_is_not_told(at_rest: NDArray[np.float32]) -> None:
    clean, noisy = (faces(at_rest, KEPT, noise=noise) for noise in (0.0, 0.5))
    found = measured(Faces(clean.source, noisy.result, clean.rest), "eye")
    assert isinstance(found, str)
    assert "too uncertain" in found


def test_measures_have_the_signs_they_say() -> None:
    fixed = np.zeros((2, 478, 2))
    fixed[1, list(MESH478.brow[Side.LEFT]), 1] = -0.1
    fixed[:, list(MESH478.lids[Side.LEFT][0]), 1] = [[-0.1], [-0.02]]
    fixed[1, list(MESH478.commissure[Side.LEFT]), 0] = 0.1
    brow, eye, corner = (zone_excursion(fixed, zone, Side.LEFT, MESH478) for zone in ("brow", "eye", "commissure"))
    assert brow[:, 0] == pytest.approx([0, 0.1]), "up is positive"
    assert eye[:, 0] == pytest.approx([0.1, 0.02])
    assert corner.tolist() == [[0, 0], [pytest.approx(0.1), 0]]
    rest = np.array([True, False])
    assert moves_clearly(brow, rest).tolist() == [False, True]
    assert not zone_excursion(fixed, "brow", Side.RIGHT, MESH478).any()


def test_the_tables_name_twins_within_the_points() -> None:
    for zone in ZONES:
        right, left = (MESH478.of_zone(zone, side) for side in (Side.RIGHT, Side.LEFT))
        assert sorted(facemesh.TWIN[list(right)].tolist()) == sorted(left)
        assert all(0 <= point < 68 for side in Side for point in IBUG68.of_zone(zone, side))
    # every one of the 68 points that is used is the mesh point of the same zone, or near it
    assert {facemesh.IBUG68[i] for i in IBUG68.commissure[Side.LEFT]} <= set(MESH478.commissure[Side.LEFT]) | {308}


def test_a_slope_withstands_wild_frames_and_knows_its_error() -> None:
    rng = np.random.default_rng(1)
    x = np.sin(np.arange(300) / 9)[:, None] * np.array([[0.1, 0.05]])
    values = []
    for seed in range(20):
        noise = np.random.default_rng(seed).normal(0, 0.02, x.shape)
        found = robust_slope(x, 0.4 * x + noise, np.zeros((300, 0)))
        assert isinstance(found, Slope)
        values.append((found.value, found.error))
    spread = np.std([value for value, _ in values])
    assert np.mean([value for value, _ in values]) == pytest.approx(0.4, abs=0.01)
    assert np.median([error for _, error in values]) == pytest.approx(spread, rel=0.5)
    wild = 0.4 * x + rng.normal(0, 0.001, x.shape)
    wild[::25] += 1.0
    found = robust_slope(x, wild, np.zeros((300, 0)))
    assert isinstance(found, Slope)
    assert found.value == pytest.approx(0.4, abs=0.01)


def test_movement_that_follows_a_covariate_alone_has_no_slope() -> None:
    x = np.sin(np.arange(100) / 5)[:, None]
    assert "cannot be told" in str(robust_slope(x, 0.5 * x, 2.0 * x))


def test_a_line_through_conversions() -> None:
    line = line_through(np.array([0, 0.25, 0.5, 0.75, 1]), np.array([0.1, np.nan, 0.55, 0.775, 1.0]))
    assert not isinstance(line, str)
    slope, intercept = line
    assert slope.value == pytest.approx(0.9)
    assert intercept == pytest.approx(0.1)
    assert slope.n == 4
    assert slope.error == pytest.approx(0.0, abs=1e-9)
    assert isinstance(line_through(np.array([0.0, 1.0]), np.array([np.nan, 1.0])), str)
