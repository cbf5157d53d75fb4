"""Where lips were moved, a blurred picture has no sharper edge than elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
import pytest

from afet_video import facemesh
from afet_video.datatypes import FloatArray
from afet_video.splice.alpha import SpliceSettings
from afet_video.splice.blur import CRISP_PX, beyond_crisp
from afet_video.splice.soft_lips import soften_lips
from afet_video.splice.texture import texture_model

INNER = list(facemesh.LIPS_INNER)


@pytest.fixture
def opened(real_faces: Mapping[str, Any]) -> tuple[FloatArray, FloatArray, FloatArray]:
    """An even face with a dark opening whose left half was moved: picture, landmarks before and after."""
    before = real_faces["neutral"].xyz[:, :2].copy()
    middle = before[INNER].mean(axis=0)
    before[INNER, 1] = middle[1] + 4 * (before[INNER, 1] - middle[1])
    after = before.copy()
    left = [i for i in INNER if before[i, 0] > middle[0] + 5]
    after[left, 1] += 6
    picture = np.full((*real_faces["neutral"].rgb.shape[:2], 3), 180.0, np.float32)
    cv2.fillPoly(picture, [np.round(after[INNER]).astype(np.int32)], (40.0, 20.0, 20.0))
    return picture, before, after


def test_edges_that_moved_are_as_soft_as_the_picture(opened: tuple[FloatArray, FloatArray, FloatArray]) -> None:
    picture, before, after = opened
    result = picture.copy()
    soften_lips(result, before, after, 3.0)
    steep = np.abs(np.diff(result.mean(axis=2), axis=0)).max(axis=0)
    column = round(float(after[INNER, 0].mean()))
    right, left = slice(0, column - 12), slice(column + 10, column + 14)
    assert steep[left].max() < 30, "of 150 grey levels, over three pixels"
    assert np.array_equal(result[:, right], picture[:, right]), "what did not move stays"
    far = int(after[INNER, 1].max()) + 20
    assert np.array_equal(result[far:], picture[far:])


def test_a_crisp_picture_is_left_alone(opened: tuple[FloatArray, FloatArray, FloatArray]) -> None:
    picture, before, after = opened
    result = picture.copy()
    soften_lips(result, before, after, beyond_crisp(CRISP_PX))
    assert np.array_equal(result, picture)


def test_the_blur_of_a_neutral_is_known(real_faces: Mapping[str, Any]) -> None:
    xy = real_faces["neutral"].xyz[:, :2]
    found = []
    for blur in (0.0, 3.0):
        rgb = real_faces["neutral"].rgb.astype(np.float32)
        rgb = np.asarray(cv2.GaussianBlur(rgb, (0, 0), blur) if blur else rgb, np.float32)
        found.append(texture_model(rgb, xy, SpliceSettings()).blur * facemesh.iod_px(xy))
    assert found[0] < CRISP_PX
    assert found[1] == pytest.approx(3.0, rel=0.25)
