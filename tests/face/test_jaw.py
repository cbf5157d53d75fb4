from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
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
    return displaced(model, chin=(0, chin_px), lip=(0, lip_px))[:, 1]


def displaced(model: JawModel, *, chin: tuple[float, float], lip: tuple[float, float]) -> Any:
    """Where each landmark goes (478, 2), for a chin and a lower lip that go so far (right, down)."""
    seen = np.zeros((478, 2))
    seen[list(CHIN)] = chin
    seen[[14, 15, 16, 17]] = lip
    return model.displacement(seen)


def test_chin_and_lower_lip_go_along_and_the_upper_face_stays(model: JawModel) -> None:
    down = carried(model, chin_px=20, lip_px=24)
    assert down[list(CHIN)] == pytest.approx(20, abs=4)
    assert down[[14, 15, 16, 17]] == pytest.approx(24, abs=5)
    assert down[[13, 12, 11, 0]] == pytest.approx(0, abs=4)
    corners = down[[facemesh.LEFT_COMMISSURE, facemesh.RIGHT_COMMISSURE]]
    assert ((corners > 5) & (corners < 15)).all()
    upper = [*facemesh.LEFT_BROW, *facemesh.RIGHT_EYE, *facemesh.LEFT_IRIS, 10, 4]
    assert not down[upper].any()


def test_a_corner_that_the_jaw_opens_is_round(model: JawModel) -> None:
    """Slack lips part steeply beside the corner, as those of an ellipse; straight ones would meet in a sharp tip."""
    down = carried(model, chin_px=40, lip_px=50)
    upper, lower = (list(edge) for edge in facemesh.LIP_EDGES[-1])
    parted = down[lower] - down[upper]
    assert min(parted[0], parted[-1]) > 0.52 * parted[4]


def test_both_sides_go_along_alike(model: JawModel) -> None:
    down = carried(model, chin_px=20, lip_px=24)
    assert np.abs(down - down[facemesh.TWIN]).max() < 2.5


def test_no_jaw_no_movement_and_twice_is_twice(model: JawModel) -> None:
    assert not carried(model, chin_px=0, lip_px=0).any()
    once, twice = carried(model, chin_px=15, lip_px=15), carried(model, chin_px=30, lip_px=30)
    assert np.allclose(twice, 2 * once, atol=0.5)


def test_a_chin_drawn_up_is_no_jaw(model: JawModel) -> None:
    """Shut teeth rise no further: its own muscle does it, and a smile. From an open mouth the jaw does rise."""
    assert model.rise_px < 0.02 * model.iod_px
    assert np.abs(carried(model, chin_px=-10, lip_px=-10)).max() < 1.5 * model.rise_px + 1e-6
    opened = replace(model, rise_px=12.0)
    assert carried(opened, chin_px=-10, lip_px=-10)[list(CHIN)] == pytest.approx(-10, abs=2)


def test_a_lip_alone_is_no_jaw(model: JawModel) -> None:
    """Its own muscles move it, which the facial nerve drives."""
    assert np.abs(carried(model, chin_px=0, lip_px=10)).max() < 1e-6


def test_lips_held_shut_over_a_dropped_jaw_stay_shut(model: JawModel) -> None:
    shut, opened = carried(model, chin_px=20, lip_px=2), carried(model, chin_px=20, lip_px=26)
    assert shut[14] < 0.4 * opened[14]
    assert shut[152] == pytest.approx(opened[152])


def test_commissures_come_nearer_to_each_other_as_the_jaw_drops(model: JawModel) -> None:
    across = displaced(model, chin=(0, 20), lip=(0, 24))[:, 0]
    assert across[facemesh.RIGHT_COMMISSURE] == pytest.approx(2.0, abs=0.2)  # it is on the left of the picture
    assert across[facemesh.LEFT_COMMISSURE] == pytest.approx(-2.0, abs=0.2)
    assert np.abs(across[[13, 14, *CHIN, *facemesh.LEFT_BROW]]).max() < 0.1
    assert not displaced(model, chin=(0, 0.5), lip=(0, 0.5))[:, 0].any(), "noise of the chin does not move them"


def test_a_lower_lip_that_goes_another_way_than_the_chin_is_followed(model: JawModel) -> None:
    """As under a turned head; but no farther than a jaw can take it."""
    lip = [14, 15, 16, 17]
    aslant = displaced(model, chin=(1, 20), lip=(4, 24))
    assert aslant[lip] == pytest.approx(np.array([[4, 24]] * 4), abs=2.5)
    assert aslant[152] == pytest.approx((1, 20), abs=0.5)
    far = displaced(model, chin=(0, 20), lip=(18, 24))
    assert 3 < far[14, 0] < 6


def test_a_chin_that_the_mentalis_lifts_is_no_jaw(model: JawModel) -> None:
    """Between shut lips the jaw cannot rise; a pout lifts chin and lower lip all the same."""
    assert model.rise_px < 4
    lifted, more = carried(model, chin_px=-8, lip_px=-20), carried(model, chin_px=-16, lip_px=-40)
    assert lifted == pytest.approx(more)
    assert lifted.min() > -1.5 * model.rise_px
