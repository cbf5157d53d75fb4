"""Faces laid over their neutral: pictures warped by a known movement, landmarks that did not see it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from afet_video import facemesh
from afet_video.datatypes import FloatArray
from afet_video.face.pose import interocular_px
from afet_video.face.register import FaceRegistration, Luma
from afet_video.splice.mesh import build_mesh

Field = Callable[[FloatArray, FloatArray], FloatArray]
SKIN = slice(facemesh.SKIN_COUNT)
NOSE = (1, 4, 5, 98, 327)
INNER = sorted(set(range(facemesh.SKIN_COUNT)) - set(facemesh.FACE_OVAL))


@dataclass(frozen=True)
class Face:
    """The sample's neutral: luma (300, 400), landmarks, and what lays other faces over it."""

    luma: FloatArray
    xyz: FloatArray
    registration: FaceRegistration

    @property
    def iod(self) -> float:
        return float(interocular_px(self.xyz))

    def refine(self, luma: FloatArray, xyz: FloatArray | None = None) -> FloatArray:
        return self.registration.refine(picture(luma), self.xyz if xyz is None else xyz)

    def centre(self, part: Sequence[int]) -> FloatArray:
        return np.asarray(self.xyz[list(part), :2].mean(axis=0))

    def distance(self, one: FloatArray, other: FloatArray) -> FloatArray:
        """How far landmarks (478,) are apart in the picture, in inter-ocular distances."""
        return np.asarray(np.linalg.norm((one - other)[:, :2], axis=1) / self.iod)


def picture(luma: FloatArray) -> Luma:
    return Luma(np.ascontiguousarray(luma, np.float32), (0.0, 0.0), 1.0)


@pytest.fixture(scope="module")
def face(real_faces: Mapping[str, Any]) -> Face:
    neutral = real_faces["neutral"]
    luma = (neutral.rgb @ np.float32([0.299, 0.587, 0.114])).astype(np.float32)
    return Face(luma, neutral.xyz, FaceRegistration(picture(luma), neutral.xyz, build_mesh(neutral.xyz)))


def bump(centre: FloatArray, spread_px: float, by_px: tuple[float, float]) -> Field:
    """A movement that is largest at `centre` and dies away around it."""

    def field(x: FloatArray, y: FloatArray) -> FloatArray:
        near = np.exp(-((x - centre[0]) ** 2 + (y - centre[1]) ** 2) / (2 * spread_px**2))
        return np.asarray(near[..., None] * np.float32(by_px), np.float32)

    return field


def warped(luma: FloatArray, field: Field) -> FloatArray:
    """The picture of which every point p has moved to p + field(p)."""
    y, x = np.mgrid[: luma.shape[0], : luma.shape[1]].astype(np.float32)
    from_x, from_y = x, y
    for _ in range(20):
        by = field(from_x, from_y)
        from_x, from_y = x - by[..., 0], y - by[..., 1]
    return np.asarray(cv2.remap(luma, from_x, from_y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE))


def moved(xyz: FloatArray, field: Field) -> FloatArray:
    result = xyz.copy()
    result[SKIN, :2] += field(xyz[SKIN, 0], xyz[SKIN, 1])
    return result


def test_the_same_picture_corrects_nothing(face: Face) -> None:
    assert face.distance(face.refine(face.luma), face.xyz).max() < 1e-3


@pytest.mark.parametrize(
    ("part", "by_iod", "share"),
    [
        (facemesh.LEFT_BROW, (0.0, -0.03), 0.85),
        (facemesh.LEFT_BROW, (0.03, 0.0), 0.8),
        (facemesh.RIGHT_BROW, (0.0, -0.03), 0.8),
        (NOSE, (0.0, -0.03), 0.9),
        (NOSE, (0.03, 0.0), 0.9),
        (facemesh.LIPS_OUTER, (0.0, -0.03), 0.85),
        (facemesh.LIPS_OUTER, (0.03, 0.0), 0.75),
    ],
)
@pytest.mark.parametrize("spread_iod", [0.3, 0.6])
def test_a_movement_that_the_detector_missed_is_found(
    face: Face, part: tuple[int, ...], by_iod: tuple[float, float], share: float, spread_iod: float
) -> None:
    by_px = (by_iod[0] * face.iod, by_iod[1] * face.iod)
    field = bump(face.centre(part), spread_iod * face.iod, by_px)
    true = moved(face.xyz, field)
    found = face.refine(warped(face.luma, field))
    missed, left = face.distance(face.xyz, true), face.distance(found, true)
    chosen = list(part)
    assert missed[chosen].mean() > 0.02
    assert left[chosen].mean() < (1 - share) * missed[chosen].mean()
    assert left[SKIN].mean() < 0.25 * missed[SKIN].mean()


def test_the_outline_stays_and_the_rest_is_found_all_the_same(face: Face) -> None:
    """Half of what is seen around the outline is no face: it is not believed. What lies inside has moved as a whole."""
    field = bump(face.centre(NOSE), 5 * face.iod, (0.0, -0.03 * face.iod))
    true = moved(face.xyz, field)
    oval = list(facemesh.FACE_OVAL)
    found = face.refine(warped(face.luma, field))
    assert face.distance(found, face.xyz)[oval].mean() < 0.4 * 0.03
    assert face.distance(found, true)[list(NOSE)].mean() < 0.2 * 0.03
    assert face.distance(found, true)[INNER].mean() < 0.35 * 0.03


def test_irises_and_depth_stay(face: Face) -> None:
    field = bump(face.centre(facemesh.LEFT_EYE), 0.5 * face.iod, (0.0, 0.03 * face.iod))
    found = face.refine(warped(face.luma, field))
    assert not np.array_equal(found, face.xyz)
    np.testing.assert_array_equal(found[facemesh.SKIN_COUNT :], face.xyz[facemesh.SKIN_COUNT :])
    np.testing.assert_array_equal(found[:, 2], face.xyz[:, 2])


@pytest.mark.parametrize("offset", [-20, 20])
def test_a_brighter_picture_moves_nothing(face: Face, offset: float) -> None:
    assert face.distance(face.refine(face.luma + offset), face.xyz).max() < 1e-3


@pytest.mark.parametrize("gain", [0.9, 1.1])
def test_more_contrast_moves_little(face: Face, gain: float) -> None:
    error = face.distance(face.refine(face.luma * gain), face.xyz)
    assert error.mean() < 0.005
    assert error.max() < 0.02


def test_a_soft_shadow_moves_little(face: Face) -> None:
    x = np.arange(face.luma.shape[1], dtype=np.float32)
    shadow = 1 - 0.1 / (1 + np.exp(-(x - face.centre(NOSE)[0]) / (0.3 * face.iod)))
    error = face.distance(face.refine(face.luma * shadow), face.xyz)
    assert error.mean() < 0.003
    assert error.max() < 0.015


@pytest.mark.parametrize("radius_iod", [0.1, 0.2, 0.4])
def test_noise_that_neighbours_share_is_taken_away(face: Face, radius_iod: float) -> None:
    """A detector's noise: a part of the face errs as one."""
    xy = face.xyz[SKIN, :2]
    squared = ((xy[:, None] - xy[None]) ** 2).sum(axis=2)
    mix = np.exp(-squared / (2 * (radius_iod * face.iod) ** 2))
    mix /= np.linalg.norm(mix, axis=1, keepdims=True)
    noisy = face.xyz.copy()
    noisy[SKIN, :2] += mix @ np.random.default_rng(0).normal(0, 0.01 * face.iod, (facemesh.SKIN_COUNT, 2))
    before, after = face.distance(noisy, face.xyz), face.distance(face.refine(face.luma, noisy), face.xyz)
    assert before[INNER].mean() > 0.005
    assert after[INNER].mean() < 0.45 * before[INNER].mean()
    for part in (facemesh.LEFT_BROW, facemesh.LIPS_OUTER):
        assert after[list(part)].mean() < 0.45 * before[list(part)].mean()


def test_noise_of_single_landmarks_does_not_grow(face: Face) -> None:
    """Nearer together than a window, they cannot be told apart."""
    noisy = face.xyz.copy()
    noisy[SKIN, :2] += np.random.default_rng(0).normal(0, 0.01 * face.iod, (facemesh.SKIN_COUNT, 2))
    before, after = face.distance(noisy, face.xyz), face.distance(face.refine(face.luma, noisy), face.xyz)
    assert after[SKIN].mean() < before[SKIN].mean()


@pytest.mark.parametrize("value", [20, 128, 230])
def test_what_covers_a_cheek_does_not_drag_the_rest(face: Face, value: float) -> None:
    middle, reach = face.centre((205,)), 0.25 * face.iod
    (x0, y0), (x1, y1) = np.round(middle - reach).astype(int), np.round(middle + reach).astype(int)
    covered = face.luma.copy()
    covered[y0:y1, x0:x1] = value
    error = face.distance(face.refine(covered), face.xyz)
    away = np.abs(face.xyz[:, :2] - middle).max(axis=1) / face.iod
    assert error[away > 0.8].max() < 0.003
    assert error[away > 0.45].mean() < 0.003


def test_corrections_are_limited(face: Face) -> None:
    field = bump(face.centre(facemesh.LEFT_BROW), 0.5 * face.iod, (0.0, -0.2 * face.iod))
    error = face.distance(face.refine(warped(face.luma, field)), face.xyz)
    assert error.max() == pytest.approx(0.08, abs=1e-3)


def test_a_picture_of_noise_stays_finite_and_limited(face: Face) -> None:
    noise = np.random.default_rng(1).uniform(0, 255, face.luma.shape)
    found = face.refine(noise.astype(np.float32))
    assert np.isfinite(found).all()
    assert face.distance(found, face.xyz).max() < 0.081


@pytest.mark.parametrize("scale", [0.7, 1.5, 2.0])
def test_a_nearer_or_farther_face(face: Face, scale: float) -> None:
    """Of another size than the neutral; the movement is found in the frame's own pixels."""
    field = bump(face.centre(NOSE), 0.5 * face.iod, (0.0, -0.03 * face.iod))

    def zoomed(luma: FloatArray) -> FloatArray:
        how = cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA
        return np.asarray(cv2.resize(luma, None, fx=scale, fy=scale, interpolation=how))

    def placed(xyz: FloatArray) -> FloatArray:
        result = xyz * np.float32(scale)
        result[:, :2] = (xyz[:, :2] + 0.5) * scale - 0.5
        return np.asarray(result, np.float32)

    still = face.refine(zoomed(face.luma), placed(face.xyz))
    assert face.distance(still, placed(face.xyz)).mean() < 0.003 * scale
    found = face.refine(zoomed(warped(face.luma, field)), placed(face.xyz))
    left = face.distance(found, placed(moved(face.xyz, field))) / scale
    assert left[list(NOSE)].mean() < 0.15 * 0.03


def test_a_turned_picture(face: Face) -> None:
    """A shift on the neutral's grid is turned on its way to the frame."""
    field = bump(face.centre(NOSE), 0.5 * face.iod, (0.0, -0.03 * face.iod))
    turn = cv2.getRotationMatrix2D(tuple(face.centre(NOSE).tolist()), 40, 1.0)

    def placed(xyz: FloatArray) -> FloatArray:
        result = xyz.copy()
        result[:, :2] = xyz[:, :2] @ turn[:, :2].T + turn[:, 2]
        return result

    seen = cv2.warpAffine(warped(face.luma, field), turn, (400, 300), flags=cv2.INTER_CUBIC)
    left = face.distance(face.refine(seen, placed(face.xyz)), placed(moved(face.xyz, field)))
    assert left[list(NOSE)].mean() < 0.15 * 0.03


def test_part_of_a_frame_at_another_resolution(face: Face) -> None:
    """`Luma` says where its pixels are in the frame."""
    field = bump(face.centre(NOSE), 0.5 * face.iod, (0.0, -0.03 * face.iod))
    seen = warped(face.luma, field)
    whole = face.refine(seen)
    part = cv2.resize(seen[80:280, 120:290], None, fx=2.0, fy=2.0, interpolation=cv2.INTER_LINEAR)
    found = face.registration.refine(Luma(part, (120.0, 80.0), 2.0), face.xyz)
    assert face.distance(found, whole).max() < 0.01
    assert face.distance(whole, face.xyz)[list(NOSE)].mean() > 0.02


@pytest.mark.parametrize("cut_px", [20, 60])
def test_a_face_partly_outside_of_the_picture(face: Face, cut_px: int) -> None:
    first = int(face.xyz[:, 0].min()) + cut_px
    placed: NDArray[np.float32] = face.xyz - np.float32([first, 0, 0])
    found = face.refine(face.luma[:, first:], placed)
    assert np.isfinite(found).all()
    error = face.distance(found, placed)
    assert error.max() < 0.081
    assert error[placed[:, 0] > 0.4 * face.iod].max() < 0.003
