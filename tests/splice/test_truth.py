from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from splice_scene import Scene

from afet_video.datatypes import Midline, Side
from afet_video.splice.alpha import AlphaField
from afet_video.splice.truth import output_landmarks

Faces = Mapping[str, Any]


@pytest.mark.parametrize("ramp", ["smooth", "linear"])
@pytest.mark.parametrize("side", Side)
def test_alpha_of_a_landmark_is_the_fields_where_the_landmark_comes_to_lie(
    real_faces: Faces, ramp: str, side: Side
) -> None:
    scene = Scene.of(real_faces["smile"], real_faces["neutral"])
    current, rest = scene.expression_xyz, scene.neutral_xyz
    field = scene.alpha(side, ramp=ramp)
    landmarks, alpha = output_landmarks(current, rest, field)
    assert np.allclose(landmarks, rest + alpha[:, None] * (current - rest), atol=1e-3)
    assert np.abs(field.at(landmarks[:, 0], landmarks[:, 1]) - alpha).max() < 1e-3
    assert alpha.min() >= 0
    assert alpha.max() <= 1


@pytest.mark.parametrize("ramp", ["smooth", "linear"])
def test_each_half_shows_its_own_movement(real_faces: Faces, ramp: str) -> None:
    scene = Scene.of(real_faces["smile"], real_faces["neutral"])
    current, rest = scene.expression_xyz, scene.neutral_xyz
    field = scene.alpha(Side.LEFT, ramp=ramp)
    landmarks, alpha = output_landmarks(current, rest, field)
    rows = landmarks[:, 1]
    distance = field.direction * (landmarks[:, 0] - field.midline.x_at(rows)) * field.steep_at(rows)
    paralysed, healthy = distance < field.start - 0.1, distance > field.stop + 0.1
    assert paralysed.sum() > 100
    assert np.abs(landmarks - rest)[paralysed].max() < 1e-4
    assert alpha[healthy] == pytest.approx(1)
    assert np.abs(landmarks - current)[healthy].max(initial=0) < 1e-4
    order = np.argsort(distance)
    assert (np.diff(alpha[order]) > -1e-4).all(), "alpha falls towards the healthy side"


def test_landmarks_that_do_not_move_stay() -> None:
    points = np.random.default_rng(1).uniform(0, 200, (478, 3)).astype(np.float32)
    midline = Midline(np.array([0, 200], np.float32), np.array([90, 110], np.float32))
    field = AlphaField(midline, -1.0, -10.0, 10.0, False)
    landmarks, alpha = output_landmarks(points, points, field)
    assert np.array_equal(landmarks, points)
    assert alpha == pytest.approx(field.at(points[:, 0], points[:, 1]), abs=1e-6)


@settings(max_examples=60, deadline=None, database=None)
@given(
    moved=st.tuples(st.floats(-60, 60), st.floats(-60, 60)),
    at=st.tuples(st.floats(0, 200), st.floats(0, 200)),
    direction=st.sampled_from([-1.0, 1.0]),
    is_linear=st.booleans(),
    steep=st.floats(1, 2),
)
def test_there_is_a_consistent_place_for_every_movement(
    moved: tuple[float, float], at: tuple[float, float], direction: float, is_linear: bool, steep: float
) -> None:
    """However far and fast a landmark crosses the ramp."""
    midline = Midline(np.array([0, 100, 200], np.float32), np.array([90, 104, 100], np.float32))
    bend = np.float32([[60, 90, 110, 150], [steep, 1, 1, steep]])
    field = AlphaField(midline, direction, -12.0, 12.0, is_linear, bend)
    rest = np.array([[*at, 0.0]], np.float32)
    current = rest + np.array([[*moved, 3.0]], np.float32)
    landmarks, alpha = output_landmarks(current, rest, field)
    assert abs(float(field.at(landmarks[0, 0], landmarks[0, 1])) - float(alpha[0])) < 2e-3
    assert np.allclose(landmarks, rest + alpha[:, None] * (current - rest), atol=1e-3)
