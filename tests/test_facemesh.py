from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from afet_video import facemesh

Faces = Mapping[str, Any]


def test_twins_are_pairs() -> None:
    twin = facemesh.TWIN
    assert sorted(twin.tolist()) == list(range(478))
    assert np.array_equal(twin[twin], np.arange(478))
    assert not twin.flags.writeable
    assert (twin[list(facemesh.MIDLINE)] == list(facemesh.MIDLINE)).all()


def test_a_twin_lies_on_the_other_side_at_the_same_height(real_faces: Faces) -> None:
    xyz = real_faces["neutral"].xyz
    middle = xyz[list(facemesh.MIDLINE), 0].mean()
    iod = np.linalg.norm(xyz[facemesh.LEFT_EYE_OUTER] - xyz[facemesh.RIGHT_EYE_OUTER])
    twin = xyz[facemesh.TWIN]
    assert np.abs(twin[:, 1] - xyz[:, 1]).max() < 0.1 * iod
    assert np.abs((twin[:, 0] + xyz[:, 0]) / 2 - middle).max() < 0.1 * iod
    pairs = np.arange(478) != facemesh.TWIN
    assert np.abs(twin[pairs, 0] - xyz[pairs, 0]).min() > 0.01 * iod


@pytest.mark.parametrize("part", ["EYE", "BROW"])
def test_parts_of_the_two_sides_are_twins_in_the_same_order(part: str) -> None:
    left, right = getattr(facemesh, f"LEFT_{part}"), getattr(facemesh, f"RIGHT_{part}")
    assert facemesh.TWIN[list(right)].tolist() == list(left)


def test_irises_are_twins() -> None:
    assert set(facemesh.TWIN[list(facemesh.RIGHT_IRIS)].tolist()) == set(facemesh.LEFT_IRIS)
    assert facemesh.TWIN[facemesh.RIGHT_IRIS[0]] == facemesh.LEFT_IRIS[0]


@pytest.mark.parametrize("name", ["FACE_OVAL", "UPPER_LIP", "LOWER_LIP", "LIPS_OUTER", "LIPS_INNER", "COMMISSURES"])
def test_parts_across_the_midline_are_symmetric(name: str) -> None:
    part = getattr(facemesh, name)
    assert len(set(part)) == len(part)
    assert set(facemesh.TWIN[list(part)].tolist()) == set(part)


def test_left_is_the_subjects_left(real_faces: Faces) -> None:
    """In an unmirrored picture it lies on the right."""
    xyz = real_faces["neutral"].xyz
    for part in ("EYE", "BROW", "IRIS"):
        left, right = getattr(facemesh, f"LEFT_{part}"), getattr(facemesh, f"RIGHT_{part}")
        assert xyz[list(left), 0].min() > xyz[list(right), 0].max()
    assert xyz[facemesh.LEFT_COMMISSURE, 0] > xyz[facemesh.RIGHT_COMMISSURE, 0]
    assert xyz[facemesh.LEFT_EYE_OUTER, 0] > xyz[facemesh.LEFT_EYE_INNER, 0]


def test_the_midline_runs_from_forehead_to_chin(real_faces: Faces) -> None:
    xyz = real_faces["jaw"].xyz
    assert (np.diff(xyz[list(facemesh.MIDLINE), 1]) > -2).all()
    assert facemesh.MIDLINE[0] in facemesh.FACE_OVAL
    assert facemesh.MIDLINE[-1] in facemesh.FACE_OVAL


def test_lips_do_not_overlap_and_the_lower_one_is_lower(real_faces: Faces) -> None:
    upper, lower, corners = map(set, (facemesh.UPPER_LIP, facemesh.LOWER_LIP, facemesh.COMMISSURES))
    assert not upper & lower
    assert not (upper | lower) & corners
    assert set(facemesh.LIPS_OUTER + facemesh.LIPS_INNER) <= upper | lower | corners
    y = real_faces["jaw"].xyz[:, 1]
    assert y[list(lower)].mean() > y[list(upper)].mean() + 8


def test_blendshapes_are_mediapipes() -> None:
    assert len(facemesh.BLENDSHAPES) == len(set(facemesh.BLENDSHAPES)) == 52
    assert len(facemesh.IBUG68) == 68
    assert max(facemesh.IBUG68) < facemesh.SKIN_COUNT
