from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
import pytest
from splice_scene import Scene, mirrored_xyz

from afet_video import facemesh
from afet_video.datatypes import FloatArray, Side
from afet_video.splice.fold import flatten_fold

FOLD = {Side.RIGHT: (203, 206, 216), Side.LEFT: (423, 426, 436)}


@pytest.fixture
def scene(real_faces: Mapping[str, Any]) -> Scene:
    return Scene.of(real_faces["neutral"], real_faces["neutral"], scale=4)


def with_fold(scene: Scene, side: Side, *, grain: float = 0.0) -> FloatArray:
    """Even skin with a soft dark line where the fold of one side is."""
    height, width = scene.expression.shape[:2]
    line = np.zeros((height, width), np.float32)
    points = np.round(scene.expression_xyz[list(FOLD[side]), :2]).astype(np.int32)
    cv2.polylines(line, points[None], False, 1.0, 6)
    skin = 180.0 - 45.0 * cv2.GaussianBlur(line, (0, 0), 2.0)
    noise = np.random.default_rng(1).normal(0.0, 1.0, (height, width)) * grain
    return np.asarray((skin + noise)[..., None] + np.array([0.0, -20.0, -30.0]), np.float32)


def depth(picture: FloatArray, scene: Scene, side: Side) -> float:
    """How much darker the middle of the fold is than the skin, grey levels."""
    x, y = np.round(scene.expression_xyz[FOLD[side][1], :2]).astype(int)
    return float(180.0 - picture[y - 1 : y + 2, x - 1 : x + 2, 0].mean())


@pytest.mark.parametrize("side", Side)
def test_the_fold_of_that_side_gets_flatter_in_proportion(scene: Scene, side: Side) -> None:
    picture, xy = with_fold(scene, side), scene.expression_xyz[:, :2]
    before = depth(picture, scene, side)
    half, whole = (depth(flatten_fold(picture, xy, side, amount), scene, side) for amount in (0.5, 1.0))
    assert before > 25
    assert whole < 0.6 * before
    assert half == pytest.approx((before + whole) / 2, abs=0.01)
    assert np.abs(flatten_fold(picture, xy, side.other, 1.0) - picture).max() < 1e-3, "the other side's fold stays"
    assert flatten_fold(picture, xy, side, 0.0) is picture


def test_only_its_band_changes_and_only_brightens(scene: Scene) -> None:
    picture, xy = scene.expression, scene.expression_xyz[:, :2]
    change = flatten_fold(picture, xy, Side.LEFT, 1.0) - picture
    assert change.min() >= 0
    y, x = np.nonzero(change.any(axis=2))
    iod = float(np.linalg.norm(xy[facemesh.LEFT_EYE_OUTER] - xy[facemesh.RIGHT_EYE_OUTER]))
    assert (x > xy[facemesh.MIDLINE[10], 0] + 0.08 * iod).all()
    assert (y > xy[195, 1]).all()
    lips = np.round(xy[list(facemesh.LIPS_OUTER)]).astype(np.int32)
    inside = cv2.fillPoly(np.zeros(picture.shape[:2], np.uint8), lips[None], 1)
    assert not change[inside == 1].any(), "the red of the lips keeps its edge"


def test_grain_stays_and_even_skin_too(scene: Scene) -> None:
    xy = scene.expression_xyz[:, :2]
    even = np.full_like(scene.expression, 150.0)
    assert np.abs(flatten_fold(even, xy, Side.LEFT, 1.0) - even).max() < 1e-3
    plain, grainy = (with_fold(scene, Side.LEFT, grain=grain) for grain in (0.0, 2.0))
    left = flatten_fold(grainy, xy, Side.LEFT, 1.0) - flatten_fold(plain, xy, Side.LEFT, 1.0)
    x, y = np.round(xy[FOLD[Side.LEFT][1]]).astype(int)
    patch = (slice(y - 12, y + 13), slice(x - 12, x + 13), 0)
    assert left[patch].std() > 0.85 * (grainy - plain)[patch].std()


def test_a_mirror_swaps_the_sides(scene: Scene) -> None:
    picture, width = scene.expression, scene.expression.shape[1]
    mirrored = np.ascontiguousarray(picture[:, ::-1])
    twin = mirrored_xyz(scene.expression_xyz, width)[:, :2]
    plain = flatten_fold(picture, scene.expression_xyz[:, :2], Side.LEFT, 1.0)
    assert np.abs(flatten_fold(mirrored, twin, Side.RIGHT, 1.0)[:, ::-1] - plain).max() < 2.0


def test_a_face_outside_the_picture_is_left_alone(scene: Scene) -> None:
    for shift in ((5000, 0), (-5000, 0), (0, -5000)):
        xy = scene.expression_xyz[:, :2] + np.array(shift, np.float32)
        assert flatten_fold(scene.expression, xy, Side.LEFT, 1.0) is scene.expression
