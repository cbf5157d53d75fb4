from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from afet_video import facemesh
from afet_video.datatypes import FloatArray
from afet_video.face.landmarker import FaceLandmarker
from afet_video.face.pose import STABLE, align, head_pose, interocular_px

Faces = Mapping[str, Any]


def transform(*, about_x: float = 0.0, about_y: float = 0.0, about_z: float = 0.0, scale: float = 1.0) -> FloatArray:
    """A head turned in MediaPipe's camera frame: x to the picture's right, y up, z towards the viewer; degrees."""
    matrix = np.eye(4, dtype=np.float32)
    matrix[:3, :3] = scale * Rotation.from_euler("zyx", [about_z, about_y, about_x], degrees=True).as_matrix()
    matrix[:3, 3] = (1, 2, -40)
    return matrix


@pytest.mark.parametrize("seed", range(4))
def test_align_recovers_a_similarity(real_faces: Faces, seed: int) -> None:
    rng = np.random.default_rng(seed)
    xyz = real_faces["neutral"].xyz.astype(float)
    rotation = Rotation.from_rotvec(rng.normal(0, 0.4, 3))
    scale, translation = float(rng.uniform(0.3, 3)), rng.uniform(-100, 100, 3)
    target = scale * rotation.apply(xyz) + translation
    found = align(xyz, target)
    assert found.scale == pytest.approx(scale, rel=1e-6)
    assert np.allclose(found.rotation, rotation.as_matrix(), atol=1e-6)
    assert np.allclose(found.apply(xyz), target, atol=1e-4)
    assert np.allclose(found.rotation_vector, rotation.as_rotvec(), atol=1e-6)


def test_align_looks_at_its_points_only_and_never_mirrors(real_faces: Faces) -> None:
    xyz = real_faces["neutral"].xyz
    bent = xyz.copy()
    others = np.setdiff1d(np.arange(478), STABLE)
    bent[others] += 50
    assert np.allclose(align(bent, xyz).apply(bent)[list(STABLE)], xyz[list(STABLE)], atol=1e-3)
    mirrored = xyz * np.array([-1, 1, 1], np.float32)
    assert np.linalg.det(align(xyz, mirrored).rotation) == pytest.approx(1)


def test_align_is_the_best_there_is(real_faces: Faces) -> None:
    """No small change of it comes nearer."""
    source, target = real_faces["smile"].xyz.astype(float), real_faces["neutral"].xyz.astype(float)
    points = list(STABLE)
    best = align(source, target)

    def error(turn: NDArray[np.float64], scale: float, shift: NDArray[np.float64]) -> float:
        moved = best.scale * scale * (source[points] @ (Rotation.from_rotvec(turn).as_matrix() @ best.rotation).T)
        return float(((moved + best.translation + shift - target[points]) ** 2).sum())

    rng = np.random.default_rng(3)
    here = error(np.zeros(3), 1.0, np.zeros(3))
    for _ in range(50):
        step = rng.normal(0, 1e-3, 7)
        assert error(step[:3], 1 + step[3], 100 * step[4:]) > here


@pytest.mark.parametrize("scale", [1.0, 1.3])
def test_the_signs_of_the_angles(scale: float) -> None:
    """The face looks along +z of its own frame; its top is +y; the subject's left is the picture's right."""
    left = head_pose(transform(about_y=20, scale=scale))  # the nose turns to +x, the subject's own left
    assert (left.yaw_deg, left.pitch_deg, left.roll_deg) == pytest.approx((20, 0, 0), abs=1e-3)
    up = head_pose(transform(about_x=-15, scale=scale))  # the nose turns to +y
    assert (up.yaw_deg, up.pitch_deg, up.roll_deg) == pytest.approx((0, 15, 0), abs=1e-3)
    right_shoulder = head_pose(transform(about_z=10, scale=scale))  # the top of the head goes to -x
    angles = (right_shoulder.yaw_deg, right_shoulder.pitch_deg, right_shoulder.roll_deg)
    assert angles == pytest.approx((0, 0, 10), abs=1e-3)


def test_nothing_known_is_nan() -> None:
    pose = head_pose(np.full((4, 4), np.nan, np.float32))
    assert np.isnan([pose.yaw_deg, pose.pitch_deg, pose.roll_deg]).all()


def test_a_real_heads_angles_agree_with_its_landmarks(sample_pictures: NDArray[np.uint8]) -> None:
    """Rolled pictures roll the pose; in a mirror yaw and roll change sign and pitch stays."""
    rgb = sample_pictures[325]
    with FaceLandmarker() as landmarker:

        def angles(picture: NDArray[np.uint8]) -> NDArray[np.float64]:
            face = landmarker.detect_image(np.ascontiguousarray(picture))[0]
            pose = head_pose(face.transform)
            return np.array([pose.yaw_deg, pose.pitch_deg, pose.roll_deg])

        plain, mirrored = angles(rgb), angles(rgb[:, ::-1])
        rolled = angles(_turned(rgb, 15))
    assert np.abs(mirrored - plain * (-1, 1, -1)).max() < 1.5
    assert plain[0] > 1.5, "this man looks a little to his own left"
    assert rolled[2] - plain[2] == pytest.approx(15, abs=2)
    assert np.abs(rolled - plain)[:2].max() < 5


def _turned(rgb: NDArray[np.uint8], degrees: float) -> NDArray[np.uint8]:
    """The picture turned counter-clockwise: the head tilts to the subject's own right shoulder."""
    import cv2

    height, width = rgb.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    return np.asarray(cv2.warpAffine(rgb, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE), np.uint8)


def test_yaw_follows_the_depth_of_the_cheeks(real_faces: Faces) -> None:
    """The side to which the head turns goes away from the camera, and the other one comes nearer."""
    for face in real_faces.values():
        across = face.xyz[454] - face.xyz[234]
        depth_deg = np.degrees(np.arctan2(across[2], across[0]))
        down = face.xyz[152] - face.xyz[10]
        assert head_pose(face.landmarks.transform).yaw_deg == pytest.approx(depth_deg, abs=2.5)
        assert down[2] < 0.35 * down[1]


def test_the_interocular_distance_does_not_shrink_in_a_turn(real_faces: Faces) -> None:
    xyz = real_faces["neutral"].xyz
    turned = (xyz @ Rotation.from_euler("y", 40, degrees=True).as_matrix().T).astype(np.float32)
    assert interocular_px(turned) == pytest.approx(float(interocular_px(xyz)), rel=1e-5)
    both = interocular_px(np.stack([xyz, 2 * xyz]))
    assert both[1] == pytest.approx(2 * both[0])
    assert np.linalg.norm(xyz[facemesh.LEFT_EYE_OUTER] - xyz[facemesh.RIGHT_EYE_OUTER]) == pytest.approx(both[0])
