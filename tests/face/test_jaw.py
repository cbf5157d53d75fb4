from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from afet_video import facemesh
from afet_video.face.jaw import CHIN, JawModel, jaw_model
from afet_video.face.pose import interocular_px

Faces = Mapping[str, Any]


@pytest.fixture
def model(real_faces: Faces) -> JawModel:
    xyz = real_faces["neutral"].xyz.astype(float)
    return jaw_model(xyz, float(interocular_px(xyz)))


def carried(model: JawModel, *, chin_px: float, lip_px: float) -> Any:
    """How far down each landmark goes (478,), for a chin and a lower lip that go down so far."""
    seen = np.zeros((478, 3))
    seen[list(CHIN), 1] = chin_px
    seen[[14, 15, 16, 17], 1] = lip_px
    result = model.displacement(seen)
    assert not result[:, [0, 2]].any()
    return result[:, 1]


def test_chin_and_lower_lip_go_along_and_the_upper_face_stays(model: JawModel) -> None:
    down = carried(model, chin_px=20, lip_px=24)
    assert down[list(CHIN)] == pytest.approx(20, abs=4)
    assert down[[14, 15, 16, 17]] == pytest.approx(24, abs=5)
    assert down[[13, 12, 11, 0]] == pytest.approx(0, abs=4)
    corners = down[[facemesh.LEFT_COMMISSURE, facemesh.RIGHT_COMMISSURE]]
    assert ((corners > 5) & (corners < 15)).all()
    upper = [*facemesh.LEFT_BROW, *facemesh.RIGHT_EYE, *facemesh.LEFT_IRIS, 10, 4]
    assert not down[upper].any()


def test_both_sides_go_along_alike(model: JawModel) -> None:
    down = carried(model, chin_px=20, lip_px=24)
    assert np.abs(down - down[facemesh.TWIN]).max() < 2.5


def test_no_jaw_no_movement_and_twice_is_twice(model: JawModel) -> None:
    assert not carried(model, chin_px=0, lip_px=0).any()
    once, twice = carried(model, chin_px=15, lip_px=15), carried(model, chin_px=30, lip_px=30)
    assert np.allclose(twice, 2 * once, atol=0.5)


def test_a_lip_alone_is_no_jaw(model: JawModel) -> None:
    """Its own muscles move it, which the facial nerve drives."""
    assert np.abs(carried(model, chin_px=0, lip_px=10)).max() < 1e-6


def test_lips_held_shut_over_a_dropped_jaw_stay_shut(model: JawModel) -> None:
    shut, opened = carried(model, chin_px=20, lip_px=2), carried(model, chin_px=20, lip_px=26)
    assert shut[14] < 0.4 * opened[14]
    assert shut[152] == pytest.approx(opened[152])
