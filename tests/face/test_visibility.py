from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from afet_video.datatypes import FloatArray, Side
from afet_video.face.pose import interocular_px
from afet_video.face.visibility import AWAY_RANGE_DEG, PITCH_RANGE_DEG, TOWARDS_RANGE_DEG, visibility

SIZE_WH = (400, 300)


@pytest.fixture
def xyz(real_faces: Mapping[str, Any]) -> FloatArray:
    face: FloatArray = real_faces["neutral"].xyz
    return face


def carried(xyz: FloatArray, angles: NDArray[np.float64], side: Side = Side.LEFT) -> FloatArray:
    return visibility(np.repeat(xyz[None], len(angles), axis=0), angles, SIZE_WH, side)


def turned(values: NDArray[np.floating], axis: int) -> NDArray[np.float64]:
    angles = np.zeros((len(values), 3))
    angles[:, axis] = values
    return angles


@pytest.mark.parametrize("axis", range(3))
def test_a_frontal_face_carries_all_and_no_step_is_steep(xyz: FloatArray, axis: int) -> None:
    degrees = np.arange(-90, 91, 0.5)
    share = carried(xyz, turned(degrees, axis))
    assert (share[np.abs(degrees) <= 20] == 1).all()
    assert share[0] == share[-1] == 0
    assert np.abs(np.diff(share)).max() < 0.07
    assert (np.diff(share[degrees >= 0]) <= 0).all()


def test_the_side_turned_away_fades_first_and_the_sides_mirror(xyz: FloatArray) -> None:
    degrees = np.arange(-60.0, 60.5, 2.0)
    left, right = (carried(xyz, turned(degrees, 0), side) for side in (Side.LEFT, Side.RIGHT))
    assert np.array_equal(left, right[::-1])
    # yaw > 0: the subject turns to their own left, so that the left half goes out of sight
    assert left[degrees >= AWAY_RANGE_DEG[1]].max() == 0
    assert left[degrees == -AWAY_RANGE_DEG[1]].min() > 0.95
    assert left[degrees <= -TOWARDS_RANGE_DEG[1]].max() == 0


def test_up_and_down_are_alike(xyz: FloatArray) -> None:
    middle = sum(PITCH_RANGE_DEG) / 2
    assert carried(xyz, turned(np.array([middle, -middle]), 1)) == pytest.approx([0.5, 0.5])


def test_a_face_cut_by_the_edge_fades_and_a_cut_forehead_does_not(xyz: FloatArray) -> None:
    iod = float(interocular_px(xyz))
    brow_y = xyz[[70, 63, 105, 66, 107, 336, 296, 334, 293, 300], 1].min()
    up = xyz - np.array([0, brow_y - 1, 0], np.float32)
    assert up[:, 1].min() < -0.2 * iod, "the forehead is out of the picture"
    assert visibility(up[None], np.zeros((1, 3)), SIZE_WH, Side.LEFT) == 1
    steps = np.linspace(0, 1.5 * iod, 60)
    right_edge = SIZE_WH[0] - 1 - xyz[:468, 0].max()
    moved = np.array([xyz + np.array([right_edge + step, 0, 0]) for step in steps], np.float32)
    share = visibility(moved, np.zeros((60, 3)), SIZE_WH, Side.LEFT)
    assert share[0] == 1
    assert share[-1] == 0
    assert (np.diff(share) <= 0).all()
    assert np.abs(np.diff(share)).max() < 0.3


def test_no_landmarks_no_share(xyz: FloatArray) -> None:
    both = np.stack([xyz, np.full_like(xyz, np.nan)])
    share = visibility(both, np.zeros((2, 3)), SIZE_WH, Side.LEFT)
    assert share[0] == 1
    assert np.isnan(share[1])
