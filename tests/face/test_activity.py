from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
import pytest

from afet_video import facemesh
from afet_video.face.activity import EXPRESSION, activity, baseline, lid_aperture, sharpness

Faces = Mapping[str, Any]


def test_gaze_is_no_expression() -> None:
    names = {facemesh.BLENDSHAPES[i] for i in EXPRESSION}
    assert len(names) == 52 - 1 - 8
    assert {"jawOpen", "mouthSmileLeft", "eyeBlinkLeft", "browInnerUp"} <= names
    rest = np.full(52, 0.1, np.float32)
    looking = np.tile(rest, (2, 1))
    looking[1, facemesh.BLENDSHAPES.index("eyeLookUpLeft")] = 0.9
    assert activity(looking, rest).tolist() == [0, 0]


def test_real_expressions_are_more_than_rest(real_faces: Faces) -> None:
    neutral = real_faces["neutral"].landmarks.blendshapes
    amount = {name: float(activity(face.landmarks.blendshapes[None], neutral)[0]) for name, face in real_faces.items()}
    assert amount["neutral"] == 0
    assert amount["rest"] < 0.8
    assert min(amount[name] for name in ("brows", "smile", "jaw")) > 2 * amount["rest"] + 0.3


def test_the_baseline_is_the_persons_own_rest() -> None:
    """Scores of this resting face are far from 0, and most of the video is not rest."""
    rng = np.random.default_rng(5)
    habit = rng.uniform(0, 0.6, 52).astype(np.float32)
    frames = np.tile(habit, (200, 1)) + rng.normal(0, 0.01, (200, 52)).astype(np.float32)
    moving = slice(60, 200)
    frames[moving] += rng.uniform(0, 0.5, (140, 52)).astype(np.float32)
    frames[10] = np.nan
    assert np.abs(baseline(frames) - habit).max() < 0.05
    assert np.isnan(activity(frames, habit)[10])


def test_lids_that_close_have_a_smaller_aperture(real_faces: Faces) -> None:
    xyz = real_faces["neutral"].xyz
    shut = xyz.copy()
    eye = facemesh.RIGHT_EYE  # one is enough
    shut[list(eye[1:8])] = shut[list(eye[:8:-1])]
    assert lid_aperture(shut) < 0.2 * lid_aperture(xyz)
    assert lid_aperture(2.5 * xyz) == pytest.approx(lid_aperture(xyz), rel=1e-5)
    assert 0.03 < lid_aperture(xyz) < 0.3


def test_blur_lowers_sharpness_and_size_hardly_matters(real_faces: Faces) -> None:
    face = real_faces["neutral"]
    xy = face.xyz[:, :2]
    plain = sharpness(face.rgb, xy)
    blurred = [sharpness(cv2.GaussianBlur(face.rgb, (0, 0), sigma), xy) for sigma in (1.0, 2.0, 4.0)]
    assert plain > blurred[0] > blurred[1] > blurred[2] > 0
    assert blurred[1] < 0.5 * plain
    dark = (face.rgb * 0.6).astype(np.uint8)
    assert sharpness(dark, xy) == pytest.approx(plain, rel=0.15)


@pytest.mark.parametrize("shift", [(-1000, 0), (0, 5000)])
def test_a_face_outside_the_picture_has_no_sharpness(real_faces: Faces, shift: tuple[int, int]) -> None:
    face = real_faces["neutral"]
    assert sharpness(face.rgb, face.xyz[:, :2] + np.float32(shift)) == 0
