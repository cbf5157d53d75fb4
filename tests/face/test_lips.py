"""Lips that stay shut."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from afet_video import facemesh
from afet_video.face.lips import lip_gaps, sealed, touching
from afet_video.face.pose import interocular_px

LOWER = [facemesh.LIPS_INNER[20 - place] for place in range(1, 10)]
UPPER = [facemesh.LIPS_INNER[place] for place in range(1, 10)]


def gap(xyz: np.ndarray) -> np.ndarray:
    return xyz[LOWER, 1] - xyz[UPPER, 1]


def test_lips_that_would_part_over_closed_ones_stay_together(real_faces: Mapping[str, Any]) -> None:
    current = real_faces["neutral"].xyz.astype(float)
    parted = current.copy()
    parted[list(facemesh.LOWER_LIP), 1] += 8.0
    iod_px = float(interocular_px(current))
    shut = sealed(parted, current, iod_px)
    assert (gap(parted) > 6.0).all()
    assert (gap(shut) < np.maximum(1.2 * gap(current), 0.0) + 0.02 * iod_px).all()
    elsewhere = np.setdiff1d(np.arange(478), facemesh.UPPER_LIP + facemesh.LOWER_LIP)
    np.testing.assert_array_equal(shut[elsewhere], parted[elsewhere])


def test_an_open_mouth_and_a_face_at_rest_are_left_alone(real_faces: Mapping[str, Any]) -> None:
    closed, wide = (real_faces[name].xyz.astype(float) for name in ("neutral", "jaw"))
    iod_px = float(interocular_px(closed))
    np.testing.assert_array_equal(sealed(closed, closed, iod_px), closed)
    np.testing.assert_array_equal(sealed(wide, wide, iod_px), wide)
    np.testing.assert_array_equal(sealed(closed, wide, iod_px), closed)


def test_lips_that_would_overlap_touch(real_faces: Mapping[str, Any]) -> None:
    current = real_faces["smile"].xyz.astype(float)
    crossed = current.copy()
    crossed[list(facemesh.UPPER_LIP), 1] += gap(current).max() + 4.0
    assert lip_gaps(crossed).max() < -3.0
    apart = touching(crossed, current)
    np.testing.assert_allclose(lip_gaps(apart), np.minimum(lip_gaps(current), 0.0), atol=1e-9)
    elsewhere = np.setdiff1d(np.arange(478), facemesh.UPPER_LIP + facemesh.LOWER_LIP)
    np.testing.assert_array_equal(apart[elsewhere], crossed[elsewhere])


def test_lips_that_do_not_overlap_are_left_alone(real_faces: Mapping[str, Any]) -> None:
    for name in ("neutral", "smile", "jaw"):
        xyz = real_faces[name].xyz.astype(float)
        np.testing.assert_array_equal(touching(xyz, xyz), xyz)
