"""Clinical measures on a face that is symmetric by construction, and then not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from afet_video import facemesh
from afet_video.datatypes import Side
from afet_video.evaluation.asymmetry import asymmetry_of, mirrored
from afet_video.evaluation.heads import resting_face
from afet_video.metrics.clinical import MEASURES, polygon_area, resting_asymmetry, side_values

Fixed = NDArray[np.float64]


@pytest.fixture(scope="module")
def symmetric(real_faces: Mapping[str, Any]) -> Fixed:
    """(1, 478, 2) head-fixed: the mean of a real face and its mirror image."""
    xyz = real_faces["neutral"].xyz[None]
    face = resting_face(xyz, np.ones(len(xyz)), 0)
    fixed = face.fixed(xyz, face.heads(xyz))
    return (fixed + mirrored(fixed)) / 2


def test_a_symmetric_face_has_no_difference(symmetric: Fixed) -> None:
    assert resting_asymmetry(symmetric) == pytest.approx([0.0], abs=1e-9)
    for measure in MEASURES:
        sides = side_values(measure, symmetric)
        assert sides[Side.LEFT] == pytest.approx(sides[Side.RIGHT], abs=1e-6), measure.name


def test_what_moves_is_measured_on_its_side(symmetric: Fixed) -> None:
    def changed(points: tuple[int, ...], by: tuple[float, float]) -> dict[str, float]:
        moved = symmetric.copy()
        moved[:, list(points)] += by
        return {
            measure.name: float((side_values(measure, moved)[Side.LEFT] - side_values(measure, moved)[Side.RIGHT])[0])
            for measure in MEASURES
        }

    brow = changed(facemesh.LEFT_BROW, (0.0, -0.05))
    assert brow["brow height"] == pytest.approx(0.05)
    assert brow["commissure excursion"] == pytest.approx(0.0, abs=1e-6)
    corner = changed((facemesh.LEFT_COMMISSURE,), (0.1, -0.1))
    assert corner["commissure excursion"] > 0.05
    assert corner["smile angle"] > 5
    assert corner["canthus to commissure"] < -0.05
    lids = changed(facemesh.LEFT_EYE[3:6], (0.0, 0.03))
    assert lids["palpebral fissure"] == pytest.approx(-0.03, abs=0.005)
    assert lids["eye area"] < 0
    lip = changed((402, 318), (0.0, 0.04))
    assert lip["lip opening"] == pytest.approx(0.04, abs=0.01)


def test_a_mirror_changes_the_sides(symmetric: Fixed) -> None:
    moved = symmetric.copy()
    moved[:, facemesh.LEFT_COMMISSURE] += (0.07, -0.05)
    for measure in MEASURES:
        plain, other = side_values(measure, moved), side_values(measure, mirrored(moved))
        assert plain[Side.LEFT] == pytest.approx(other[Side.RIGHT], abs=1e-9), measure.name
    assert resting_asymmetry(moved) == pytest.approx(resting_asymmetry(mirrored(moved)))


def test_areas_and_asymmetry() -> None:
    assert polygon_area(np.array([[[0, 0], [2, 0], [2, 3], [0, 3]]], np.float64)).tolist() == [6.0]
    assert [asymmetry_of(share) for share in (1.0, 0.5, 0.0, -0.2)] == pytest.approx([0, 1 / 3, 1, 1])
