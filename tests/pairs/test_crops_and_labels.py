"""Parts cut out of frames, the light on them, and words for what moved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from afet_video import facemesh
from afet_video.errors import SettingsError
from afet_video.pairs import PairSettings
from afet_video.pairs.crops import crop_map, cut_out, to_crop
from afet_video.pairs.labels import action_units, expression_name
from afet_video.pairs.light import light_gap, light_on


@pytest.mark.parametrize("kind", ["aligned", "box", "none"])
def test_landmarks_go_to_the_crop_and_back(kind: str, real_faces: Mapping[str, Any]) -> None:
    xyz = real_faces["smile"].xyz
    mapping = crop_map(kind, xyz, 256)
    inside = to_crop(xyz, mapping)
    back = inside[:, :2] @ mapping[:, :2].T + mapping[:, 2]
    assert np.abs(back - xyz[:, :2]).max() < 1e-3
    if kind == "none":
        assert np.array_equal(inside, xyz)


def test_eyes_lie_at_the_same_pixels_in_both_aligned_pictures(real_faces: Mapping[str, Any]) -> None:
    middles = []
    for name in ("neutral", "smile"):
        xyz = to_crop(real_faces[name].xyz, crop_map("aligned", real_faces[name].xyz, 512))
        middles.append([xyz[list(eye)[0:9:8], :2].mean(axis=0) for eye in (facemesh.RIGHT_EYE, facemesh.LEFT_EYE)])
    assert np.abs(np.subtract(*middles)).max() < 1e-3
    assert np.asarray(middles[0])[:, 1] == pytest.approx([0.42 * 512] * 2)


@pytest.mark.parametrize(("zoom", "size"), [(1.0, 300), (3.0, 160), (0.5, 300)])
def test_the_crops_pixels_are_where_the_map_says(zoom: float, size: int) -> None:
    """A smooth picture sampled through the map has the values of the places that the map names."""
    y, x = np.mgrid[0:480, 0:640]
    rgb = np.stack([x / 3, y / 3, (x + y) / 6], axis=2).round().astype(np.uint8)
    angle = np.radians(10)
    linear = zoom * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    mapping = np.column_stack([linear, np.array([320, 240]) - linear @ np.array([size / 2, size / 2])])
    crop = cut_out(rgb, mapping, size)
    for point in ((size * 0.4, size * 0.4), (size * 0.6, size * 0.45), (size / 2, size / 2)):
        px, py = (round(v) for v in point)
        fx, fy = linear @ np.array([px, py]) + mapping[:, 2]
        assert crop[py, px].astype(float) == pytest.approx([fx / 3, fy / 3, (fx + fy) / 6], abs=1.2)


def test_beyond_the_frame_the_crop_is_black(real_faces: Mapping[str, Any]) -> None:
    xyz = real_faces["smile"].xyz + np.array([250, 0, 0], np.float32)
    crop = cut_out(np.full((300, 400, 3), 200, np.uint8), crop_map("box", xyz, 128), 128)
    assert (crop[:, -1] == 0).all()
    assert (crop[60, 0] == 200).all()


def test_light_is_told_from_a_face(real_faces: Mapping[str, Any]) -> None:
    neutral, smile = real_faces["neutral"], real_faces["smile"]
    here = light_on(neutral.rgb, neutral.xyz)
    assert light_gap(here, here) == 0.0
    other = light_gap(here, light_on(smile.rgb, smile.xyz))
    assert 0.0 < other < 0.15
    darker = light_on(cv2.convertScaleAbs(neutral.rgb, alpha=0.7), neutral.xyz)
    assert 0.25 < light_gap(here, darker) < 0.4
    assert np.isnan(light_gap(here, light_on(neutral.rgb, neutral.xyz + np.float32(5000))))


def change(**scores: float) -> NDArray[np.float32]:
    values = np.zeros(52, np.float32)
    for name, score in scores.items():
        values[facemesh.BLENDSHAPES.index(name)] = score
    return values


def test_action_units_have_the_subjects_own_sides() -> None:
    units = action_units(change(mouthSmileLeft=0.7, mouthSmileRight=0.2, jawOpen=0.3, browDownLeft=-0.5))
    assert [(unit.au, unit.left, unit.right) for unit in units] == [("AU12", 0.7, 0.2), ("AU26", 0.3, 0.3)]
    assert expression_name(units) == "AU12+AU26"
    assert expression_name(action_units(change(eyeBlinkRight=0.15))) == "AU43"
    assert expression_name(action_units(change())) == "slight"


def test_every_proxy_names_blendshapes_that_exist() -> None:
    for _, _, shape in facemesh.AU_PROXIES:
        sides = ("Left", "Right") if "*" in shape else ("",)
        assert all(shape.replace("*", side) in facemesh.BLENDSHAPES for side in sides)
    assert len({au for au, _, _ in facemesh.AU_PROXIES}) == len(facemesh.AU_PROXIES)


@pytest.mark.parametrize(
    "wrong",
    [{"crop": "round"}, {"size": 10}, {"per_expression": -1}, {"min_activity": 0.0}, {"max_pose_gap_deg": -1.0}],
)
def test_settings_out_of_range(wrong: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match=next(iter(wrong))):
        PairSettings(**wrong)
