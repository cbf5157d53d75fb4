"""The crop goes with the face, and what is pasted back stays inside its mask."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from afet_video.errors import FaceError
from afet_video.facemesh import TWIN
from afet_video.liveportrait.crop import crop_around, eye_openings, lip_opening, paste_mask

SIZE = 512


def test_the_whole_face_is_in_the_crop_upright_and_eyes_first(real_faces: Mapping[str, Any]) -> None:
    xyz = real_faces["neutral"].xyz
    crop = crop_around(xyz, SIZE)
    inside = crop.to_crop(xyz[:, :2])
    assert (inside > 0).all()
    assert (inside < SIZE - 1).all()
    eyes, lips = inside[[33, 263]].mean(axis=0), inside[[61, 291]].mean(axis=0)
    assert abs(lips[0] - eyes[0]) < 2
    assert eyes[1] < SIZE / 2 < lips[1]


def test_there_and_back(real_faces: Mapping[str, Any]) -> None:
    crop = crop_around(real_faces["neutral"].xyz, SIZE)
    there = np.vstack((crop.from_photo, [0, 0, 1])) @ np.vstack((crop.to_photo, [0, 0, 1]))
    np.testing.assert_allclose(there, np.eye(3), atol=1e-9)


@pytest.mark.parametrize("angle_deg", [-40.0, 15.0, 90.0])
def test_a_turned_and_scaled_face_gives_the_same_crop(real_faces: Mapping[str, Any], angle_deg: float) -> None:
    xy = real_faces["smile"].xyz[:, :2].astype(np.float64)
    cos, sin = np.cos(np.radians(angle_deg)), np.sin(np.radians(angle_deg))
    turned = 1.7 * xy @ np.array([[cos, sin], [-sin, cos]]) + [900, 700]
    plain = crop_around(xy, SIZE).to_crop(xy)
    np.testing.assert_allclose(crop_around(turned, SIZE).to_crop(turned), plain, atol=1e-6)


def test_the_mirrored_face_gives_the_mirrored_crop(real_faces: Mapping[str, Any]) -> None:
    xy = real_faces["neutral"].xyz[:, :2].astype(np.float64)
    mirrored = xy[TWIN] * [-1, 1] + [399, 0]
    plain = crop_around(xy, SIZE).to_crop(xy)
    seen = crop_around(mirrored, SIZE).to_crop(mirrored)
    # The 68 points are not exactly symmetric: the mesh has none in some of the places.
    np.testing.assert_allclose(seen[TWIN] * [-1, 1] + [SIZE - 1, 0], plain, atol=0.01 * SIZE)


def test_the_crop_pasted_back_is_the_photo(real_faces: Mapping[str, Any]) -> None:
    face = real_faces["neutral"]
    crop = crop_around(face.xyz, SIZE)
    again = crop.paste(face.rgb, crop.cut(face.rgb))
    difference = np.abs(again.astype(int) - face.rgb.astype(int))
    assert difference.mean() < 1.5
    black = crop.paste(face.rgb, np.zeros((SIZE, SIZE, 3), np.uint8))
    nose = face.xyz[1, :2].round().astype(int)
    assert black[nose[1], nose[0]].tolist() == [0, 0, 0]


def test_beyond_the_mask_not_a_bit_changes(real_faces: Mapping[str, Any]) -> None:
    face = real_faces["neutral"]
    crop = crop_around(face.xyz, 128)
    painted = np.full((128, 128, 3), 255, np.uint8)
    changed = np.any(crop.paste(face.rgb, painted) != face.rgb, axis=2)
    rows, columns = np.nonzero(changed)
    places = crop.to_crop(np.stack((columns, rows), axis=1).astype(np.float64))
    assert changed.any()
    assert places.min() > 0
    assert places.max() < 127


def test_the_mask_is_one_inside_and_zero_at_the_border() -> None:
    mask = paste_mask(100)
    assert mask[50, 50] == 1
    assert mask[0].max() == mask[-1].max() == mask[:, 0].max() == mask[:, -1].max() == 0
    np.testing.assert_array_equal(mask, mask[::-1, ::-1])


def test_a_large_photo_is_not_aliased() -> None:
    """Single-pixel stripes become grey in a small crop, not broader stripes."""
    photo = np.zeros((1200, 1200, 3), np.uint8)
    photo[:, ::2] = 255
    points = np.zeros((478, 3), np.float32)
    rng = np.random.default_rng(0)
    points[:, :2] = rng.uniform(400, 800, (478, 2))
    points[[33, 133, 362, 263], :2] = (480, 500), (560, 500), (640, 500), (720, 500)
    points[[61, 291], :2] = (540, 700), (660, 700)
    cut = crop_around(points, 128).cut(photo)
    middle = cut[48:80, 48:80].astype(float)
    assert middle.std() < 12
    assert middle.mean() == pytest.approx(127.5, abs=3)


def test_small_and_impossible_faces(real_faces: Mapping[str, Any]) -> None:
    xyz = real_faces["neutral"].xyz
    with pytest.raises(FaceError, match=r"only \d+ pixels large: use a larger picture"):
        crop_around(xyz * 0.1, SIZE)
    with pytest.raises(FaceError, match="in one place"):
        crop_around(np.zeros((478, 3), np.float32), SIZE)


def test_openings_follow_lids_and_lips(real_faces: Mapping[str, Any]) -> None:
    neutral, jaw, brows = (real_faces[name].xyz for name in ("neutral", "jaw", "brows"))
    assert lip_opening(neutral) < 0.03 < 0.2 < lip_opening(jaw)
    assert eye_openings(neutral).shape == (2,)
    assert (eye_openings(neutral) > 0.18).all()
    assert eye_openings(brows).mean() > eye_openings(neutral).mean()
    shut = neutral.copy()
    shut[159] = shut[145]
    assert eye_openings(shut)[0] == 0  # the subject's right eye comes first
    assert eye_openings(shut)[1] > 0.18


def test_a_picture_that_shrinks_into_the_photo_is_not_aliased(real_faces: Mapping[str, Any]) -> None:
    face = real_faces["neutral"]
    crop = crop_around(face.xyz, 1024)
    stripes = np.zeros((1024, 1024, 3), np.uint8)
    stripes[:, ::2] = 255
    nose = face.xyz[1, :2].round().astype(int)
    around = crop.paste(face.rgb, stripes)[nose[1] - 20 : nose[1] + 20, nose[0] - 20 : nose[0] + 20]
    assert around.astype(float).std() < 12


def test_a_rectangle_of_the_photo_gets_what_the_whole_gets(real_faces: Mapping[str, Any]) -> None:
    face = real_faces["smile"]
    crop = crop_around(face.xyz - [100, 0, 0], SIZE)  # a part of it lies beyond the picture
    painted = np.random.default_rng(2).integers(0, 256, (SIZE, SIZE, 3), np.uint8)
    box = crop.within((400, 300))
    assert box is not None
    assert box.x0 == 0 < box.y0 < box.y1 < 300 < box.x1 + 100
    laid, share = crop.laid_in(painted, box)
    inside = (slice(box.y0, box.y1), slice(box.x0, box.x1))
    part = face.rgb[inside].astype(np.float32)
    expected = face.rgb.astype(np.float32)
    expected[inside] = np.round(part + share[..., None] * (laid - part))
    assert np.abs(crop.paste(face.rgb, painted) - expected).max() <= 1


def test_a_crop_beside_the_photo_reaches_nothing_of_it(real_faces: Mapping[str, Any]) -> None:
    assert crop_around(real_faces["smile"].xyz - [2000, 0, 0], SIZE).within((400, 300)) is None
