"""Hair that thins out over the forehead stays as it is to its end, and of the neutral none of it is left."""

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
Face = tuple[Picture, Picture]

HAIR = np.float32([45, 36, 34])
SCALE = 3


@pytest.fixture(scope="module")
def face(real_faces: Mapping[str, Any]) -> Face:
    """The picture of a face at three times its size, and its landmarks there (478, 2)."""
    rgb, xyz = real_faces["neutral"].rgb, real_faces["neutral"].xyz
    low = np.floor(xyz[:, :2].min(axis=0)).astype(int) - 3
    high = np.ceil(xyz[:, :2].max(axis=0)).astype(int) + 4
    large = cv2.resize(rgb[low[1] : high[1], low[0] : high[0]], None, fx=SCALE, fy=SCALE, interpolation=cv2.INTER_CUBIC)
    return large.astype(np.float32), ((xyz[:, :2] - low + 0.5) * SCALE - 0.5).astype(np.float32)


def lock(face: Face) -> Picture:
    """How dense (h, w), 0..1, a lock of hair is that hangs into the forehead and thins out at its end."""
    rgb, xy = face
    iod = facemesh.iod_px(xy)
    rows, columns = np.mgrid[: rgb.shape[0], : rgb.shape[1]]
    middle, brow = xy[10], xy[9]
    along = (rows - middle[1]) / (brow[1] - middle[1])
    beside = np.abs(columns - middle[0]) / (0.12 * iod)
    return np.asarray(np.clip((0.55 - along) / 0.2, 0, 1) * np.clip((1.2 - beside) / 0.3, 0, 1), np.float32)


def with_lock(face: Face) -> Picture:
    dense = lock(face)[..., None]
    return np.asarray(face[0] + dense * (HAIR - face[0]), np.float32)


def on_forehead(face: Face) -> NDArray[np.bool_]:
    filled = np.zeros(face[0].shape[:2], np.uint8)
    cv2.fillPoly(filled, [np.rint(face[1][list(facemesh.FACE_OVAL)]).astype(np.int32)], 1)
    return filled > 0


def test_the_thin_end_of_hair_stays_with_it(face: Face) -> None:
    found = FaceCover(*face, MaskSettings()).find(with_lock(face), face[1], 0.0)
    dense = lock(face)
    thin = on_forehead(face) & (dense > 0.25) & (dense < 0.5)
    assert found.mask is not None
    assert thin.sum() > 100
    assert (found.mask[thin] < 0.1).mean() > 0.95
    far = cv2.dilate((dense > 0).astype(np.uint8), np.ones((31, 31), np.uint8)) == 0
    assert (found.mask[far] == 1).all(), "the forehead beside it may move"


def test_a_neutral_keeps_nothing_of_its_hair(face: Face) -> None:
    rgb, dense = with_lock(face), lock(face)
    clean = FaceCover(rgb, face[1], MaskSettings()).of_neutral().clean
    at = on_forehead(face) & (dense > 0.05)
    off = np.abs(clean - face[0]).mean(axis=2)
    assert np.abs(rgb - face[0]).mean(axis=2)[at].mean() > 50
    assert off[at].mean() < 14, "under it there is skin like that beside it"


def test_the_shadow_of_the_jaw_is_no_hair(face: Face) -> None:
    """Shade deviates as thin hair does; where no hair hangs it is left alone."""
    rgb, xy = face
    iod = facemesh.iod_px(xy)
    below = np.clip((np.arange(rgb.shape[0]) - xy[152][1] + 0.25 * iod) / (0.2 * iod), 0, 1)[:, None, None]
    shaded = (rgb * (1 - 0.75 * below)).astype(np.float32)
    found = FaceCover(*face, MaskSettings()).find(shaded, xy, 0.0)
    half = on_forehead(face) & np.broadcast_to(below[..., 0] < 0.3, rgb.shape[:2])
    assert found.mask is not None
    assert found.mask.min() == 0, "what is nearly black is covered"
    assert (found.mask[half] == 1).mean() > 0.97
