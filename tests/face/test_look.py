"""What tells people apart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
import pytest

from afet_video.face.landmarker import FaceLandmarker
from afet_video.face.look import OTHER_LOOK, SAME_LOOK, Look, look_distance, look_of

SIZE_WH = (400, 300)


@pytest.fixture(scope="module")
def stranger(request: pytest.FixtureRequest) -> tuple[Any, Any]:
    path = request.config.rootpath / "samples" / "astronaut.png"
    rgb = np.ascontiguousarray(cv2.imread(str(path))[..., ::-1])
    with FaceLandmarker() as landmarker:
        return rgb, landmarker.detect_image(rgb)[0].xyz


@pytest.mark.parametrize("name", ["rest", "brows", "smile", "jaw"])
def test_one_person_stays_the_same_in_every_expression(real_faces: Mapping[str, Any], name: str) -> None:
    one, other = (look_of(real_faces[n].rgb, real_faces[n].xyz, SIZE_WH) for n in ("neutral", name))
    # two single sightings; people are known by means, which are nearer
    assert look_distance(one, other) < (SAME_LOOK + OTHER_LOOK) / 2


@pytest.mark.parametrize("light", [(0.6, 0.6, 0.6), (1.1, 1.0, 0.8), (0.8, 1.0, 1.1)])
def test_one_person_stays_the_same_in_other_light(real_faces: Mapping[str, Any], light: tuple[float, ...]) -> None:
    face = real_faces["neutral"]
    lit = np.clip(real_faces["rest"].rgb * np.array(light), 0, 255).astype(np.uint8)
    one, other = look_of(face.rgb, face.xyz, SIZE_WH), look_of(lit, real_faces["rest"].xyz, SIZE_WH)
    assert look_distance(one, other) < SAME_LOOK


def test_two_people_are_told_apart(real_faces: Mapping[str, Any], stranger: tuple[Any, Any]) -> None:
    rgb, xyz = stranger
    other = look_of(rgb, xyz, (rgb.shape[1], rgb.shape[0]))
    for face in real_faces.values():
        assert look_distance(look_of(face.rgb, face.xyz, SIZE_WH), other) > SAME_LOOK
    neutral = real_faces["neutral"]
    assert look_distance(look_of(neutral.rgb, neutral.xyz, SIZE_WH), other) > OTHER_LOOK


def test_the_size_of_the_picture_changes_little(real_faces: Mapping[str, Any]) -> None:
    face = real_faces["neutral"]
    small = cv2.resize(face.rgb, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    assert look_distance(look_of(face.rgb, face.xyz, SIZE_WH), look_of(small, face.xyz, SIZE_WH)) < 0.3


def test_what_is_out_of_the_picture_does_not_count(real_faces: Mapping[str, Any]) -> None:
    face = real_faces["neutral"]
    bottom = int(face.xyz[:, 1].max())
    cut = look_of(np.ascontiguousarray(face.rgb[:bottom]), face.xyz, (400, bottom))
    whole = look_of(face.rgb, face.xyz, SIZE_WH)
    assert np.isnan(cut.colors[2]).all()
    assert np.isfinite(cut.colors[:2]).all()
    assert look_distance(cut, whole) < 0.1
    assert np.isfinite(cut.joined(whole, 0.5).colors).all()
    assert np.isfinite(whole.joined(cut, 0.5).colors).all()


def test_the_mean_of_looks(real_faces: Mapping[str, Any]) -> None:
    one = look_of(real_faces["neutral"].rgb, real_faces["neutral"].xyz, SIZE_WH)
    other = look_of(real_faces["smile"].rgb, real_faces["smile"].xyz, SIZE_WH)
    mean = one.joined(other, 0.5)
    assert isinstance(mean, Look)
    assert max(look_distance(mean, one), look_distance(mean, other)) < look_distance(one, other)
    assert look_distance(one, one) < 1e-3
