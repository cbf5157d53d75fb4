"""Lids that go along with the gaze, and lids that blink."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from afet_video import facemesh
from afet_video.datatypes import FloatArray
from afet_video.face.gaze import GazeMemory
from afet_video.face.pose import interocular_px
from afet_video.face.rest import RestModel, fit_rest

EYES = ((facemesh.LEFT_EYE, facemesh.LEFT_IRIS), (facemesh.RIGHT_EYE, facemesh.RIGHT_IRIS))
UPPER, LOWER = ([eye[place] for eye, _ in EYES for place in places] for places in (range(2, 7), range(10, 15)))


@pytest.fixture(scope="module")
def neutral(real_faces: Mapping[str, Any]) -> FloatArray:
    return np.asarray(real_faces["neutral"].xyz, np.float32)


@pytest.fixture(scope="module")
def model(neutral: FloatArray) -> RestModel:
    return fit_rest(neutral, np.empty((0, 478, 3), np.float32), np.empty(0, np.float32))


def looking(xyz: FloatArray, *, iris: float, upper: float, lower: float) -> FloatArray:
    """Return the face with irises and lids moved down by so many inter-ocular distances."""
    result, iod = xyz.copy(), float(interocular_px(xyz))
    for eye, its_iris in EYES:
        result[list(its_iris), 1] += iris * iod
        for lid, by in ((eye[1:8], upper), (eye[9:], lower)):
            result[list(lid), 1] += by * iod * np.sin(np.pi * np.arange(1, 8) / 8) ** 0.5
    return result


def lids(of: FloatArray, against: FloatArray) -> tuple[float, float]:
    """Return how far the upper and the lower lids are below those of another face, inter-ocular distances."""
    down = (of - against)[:, 1] / float(interocular_px(against))
    return float(down[UPPER].mean()), float(down[LOWER].mean())


@pytest.mark.parametrize(("iris", "upper", "lower"), [(0.04, 0.04, 0.01), (0.03, 0.031, -0.007), (-0.03, -0.02, -0.01)])
def test_lids_follow_the_gaze_down_and_up(
    neutral: FloatArray, model: RestModel, iris: float, upper: float, lower: float
) -> None:
    xyz = looking(neutral, iris=iris, upper=upper, lower=lower)
    rest = model.rest(xyz)
    assert lids(rest.xyz, neutral)[0] == pytest.approx(lids(xyz, neutral)[0], rel=0.1), "as in the frame"
    assert max(rest.lid_closure) < 0.2
    np.testing.assert_array_equal(rest.xyz[facemesh.SKIN_COUNT :], xyz[facemesh.SKIN_COUNT :])


@pytest.mark.parametrize(
    ("iris", "upper", "lower"), [(0.035, 0.09, -0.03), (0.02, 0.045, -0.012), (-0.015, 0.012, -0.018)]
)
def test_a_blink_and_a_squint_are_no_gaze(
    neutral: FloatArray, model: RestModel, iris: float, upper: float, lower: float
) -> None:
    """The irises that seem to move with the lids change nothing: lids go back as those of a model without a gaze."""
    xyz = looking(neutral, iris=iris, upper=upper, lower=lower)
    without = replace(model, lids=replace(model.lids, share=np.zeros_like(model.lids.share)))
    for memory in (None, GazeMemory()):
        rest, expected = model.rest(xyz, memory), without.rest(xyz)
        np.testing.assert_allclose(rest.xyz, expected.xyz, atol=1e-3)
        assert rest.lid_closure == pytest.approx(expected.lid_closure, abs=1e-3)


def test_half_of_a_movement_is_explained_by_half_a_gaze(neutral: FloatArray, model: RestModel) -> None:
    """The lower lid goes down too: it is a gaze; but the irises go half as far as the upper lid."""
    rest = model.rest(looking(neutral, iris=0.02, upper=0.04, lower=0.012))
    assert 0.3 < lids(rest.xyz, neutral)[0] / 0.04 < 0.75


def test_in_a_blink_the_lids_stay_as_the_last_gaze_had_them(neutral: FloatArray, model: RestModel) -> None:
    down = looking(neutral, iris=0.03, upper=0.03, lower=0.0)
    blink = looking(neutral, iris=0.03, upper=0.09, lower=-0.02)
    open_ = lids(model.rest(blink).xyz, neutral)[0]
    memory = GazeMemory()
    before = lids(model.rest(down, memory).xyz, neutral)[0]
    during = lids(model.rest(blink, memory).xyz, neutral)[0]
    assert before > 0.02
    assert during - open_ == pytest.approx(before, abs=0.004)
    again = GazeMemory()
    again.recall(memory.remembered())
    assert lids(model.rest(blink, again).xyz, neutral)[0] == pytest.approx(during, abs=1e-9)
    again.recall({})
    assert lids(model.rest(blink, again).xyz, neutral)[0] == pytest.approx(open_, abs=1e-3)
    model.rest(neutral, memory)
    assert lids(model.rest(blink, memory).xyz, neutral)[0] == pytest.approx(open_, abs=1e-3)


def test_at_rest_nothing_follows(neutral: FloatArray, model: RestModel) -> None:
    rest = model.rest(neutral, GazeMemory())
    np.testing.assert_allclose(rest.xyz, neutral, atol=1e-3)
