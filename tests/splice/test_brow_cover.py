"""Hair over the end of a brow is hair, and under it the brow goes on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from afet_video import facemesh
from afet_video.splice.cover import FaceCover, MaskSettings

Picture = NDArray[np.float32]
Where = NDArray[np.bool_]

BROW = list(facemesh.LEFT_BROW)
HAIR = np.float32([40, 36, 44])


def filled(shape: tuple[int, ...], corners: NDArray[np.floating], margin: int = 0) -> Where:
    picture = np.zeros(shape[:2], np.uint8)
    whole = np.round(corners).astype(np.int32)
    cv2.fillPoly(picture, [whole], 1)
    if margin:
        cv2.polylines(picture, [whole], True, 1, thickness=2 * margin + 1)
    return picture > 0


@pytest.fixture
def face(real_faces: Mapping[str, Any]) -> tuple[Picture, Picture]:
    """The picture of a face, and its landmarks there (478, 2)."""
    rgb, xyz = real_faces["neutral"].rgb, real_faces["neutral"].xyz
    low = np.floor(xyz[:, :2].min(axis=0)).astype(int) - 3
    high = np.ceil(xyz[:, :2].max(axis=0)).astype(int) + 4
    picture = rgb[low[1] : high[1], low[0] : high[0]].astype(np.float32)
    return picture, (xyz[:, :2] - low).astype(np.float32)


def with_hair(face: tuple[Picture, Picture]) -> tuple[Picture, Where]:
    """The face with hair over the outer third of the left brow, its edge slanted, and where it lies."""
    rgb, xy = face
    iod = facemesh.iod_px(xy)
    x, y = xy[BROW].mean(axis=0) + np.float32([0.1 * iod, 0])
    edge = np.array([[x - 0.16 * iod, y - 0.45 * iod], [x + 0.16 * iod, y + 0.45 * iod]])
    hair = filled(rgb.shape, np.array([*edge, edge[1] + [2 * iod, 0], edge[0] + [2 * iod, 0]]))
    return np.where(hair[..., None], HAIR, rgb), hair


def test_a_dark_place_off_the_hair_is_a_shadow(face: tuple[Picture, Picture]) -> None:
    rgb, hair = with_hair(face)
    xy = face[1]
    iod = facemesh.iod_px(xy)
    beside = filled(rgb.shape, xy[BROW], round(0.06 * iod)) & ~filled(rgb.shape, xy[BROW], round(0.04 * iod))
    away = cv2.distanceTransform((~hair).astype(np.uint8), cv2.DIST_L2, 5)
    rows, columns = np.nonzero(beside & (away > 0.05 * iod) & (away < 0.07 * iod))
    lowest = rows.argmax()
    spot = np.s_[rows[lowest] - 1 : rows[lowest] + 2, columns[lowest] - 1 : columns[lowest] + 2]
    rgb[spot] = HAIR
    found = FaceCover(*face, MaskSettings()).find(rgb, xy, 0.0)
    assert found.mask is not None
    assert found.mask.min() == 0
    assert found.mask[rows[lowest], columns[lowest]] > 0.9


def test_hair_beside_the_brow_is_covered(face: tuple[Picture, Picture]) -> None:
    """Where the brow's landmarks are not, dark pixels that touch hair are hair: they must not move with the brow."""
    rgb, hair = with_hair(face)
    xy = face[1]
    found = FaceCover(*face, MaskSettings()).find(rgb, xy, 0.0)
    iod = facemesh.iod_px(xy)
    beside = filled(rgb.shape, xy[BROW], round(0.06 * iod)) & ~filled(rgb.shape, xy[BROW], round(0.03 * iod)) & hair
    beside &= filled(rgb.shape, xy[list(facemesh.FACE_OVAL)])
    assert found.mask is not None
    assert beside.sum() > 20
    assert (found.mask[beside] < 0.1).mean() > 0.95
    inner = filled(rgb.shape, xy[BROW[3:7]])
    assert (found.mask[inner] > 0.99).all(), "the brow itself may move, but for the softness of the hair's edge"


def test_under_hair_the_brow_goes_on(face: tuple[Picture, Picture]) -> None:
    rgb, hair = with_hair(face)
    xy = face[1]
    found = FaceCover(*face, MaskSettings()).find(rgb, xy, 0.0)
    assert found.mask is not None
    brow = filled(rgb.shape, xy[BROW])
    hidden = brow & hair & (found.mask == 0)
    assert hidden.sum() > 20
    seen = np.median(rgb[brow & ~hair], axis=0)
    skin = face[0][filled(rgb.shape, xy[[337, 299, 333]])].mean(axis=0)
    under = np.median(found.clean[hidden], axis=0)
    assert np.abs(under - seen).mean() < 0.35 * np.abs(skin - seen).mean()
