"""Where the head is, from the picture alone: heads turned by a known angle, faces that move in a known way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from afet_video import facemesh
from afet_video.face.headfit import FEATURES, FIRMNESS, TurningShape, fit_head
from afet_video.face.pose import interocular_px

FitArray = NDArray[np.float64]
FIRM = np.flatnonzero(FIRMNESS)


@dataclass(frozen=True)
class View:
    """How a head is seen: angles in radians, size against the shape's, place in pixels."""

    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    scale: float = 1.0
    shift: tuple[float, float] = (200.0, 150.0)

    def of(self, points: FitArray) -> FitArray:
        """Return the picture (478, 2) of points (478, 3): yaw, then pitch, then roll."""
        x, y, z = points.T
        x, z = np.cos(self.yaw) * x + np.sin(self.yaw) * z, np.cos(self.yaw) * z - np.sin(self.yaw) * x
        y = np.cos(self.pitch) * y - np.sin(self.pitch) * z
        turned = np.stack(
            [np.cos(self.roll) * x - np.sin(self.roll) * y, np.sin(self.roll) * x + np.cos(self.roll) * y]
        )
        return np.asarray(self.scale * turned.T + np.array(self.shift), np.float64)


@pytest.fixture(scope="module")
def shape(real_faces: Mapping[str, Any]) -> TurningShape:
    xyz = real_faces["neutral"].xyz
    points = xyz.astype(np.float64) - xyz.mean(axis=0)
    return TurningShape(points, np.zeros((478, 2)), np.zeros((FEATURES, 478, 2)), float(interocular_px(xyz)))


VIEWS = [
    View(),
    View(yaw=0.4),
    View(pitch=-0.35, scale=0.6),
    View(yaw=-0.5, pitch=0.3, roll=0.2, scale=1.6, shift=(300, 100)),
    View(yaw=0.7, pitch=-0.4, roll=-0.5, scale=0.5, shift=(50, 60)),
    View(yaw=0.1, pitch=0.1, roll=3.0),
]


@pytest.mark.parametrize("view", VIEWS)
def test_a_heads_place_is_recovered_from_the_picture(shape: TurningShape, view: View) -> None:
    seen = view.of(shape.points)
    head = fit_head(shape, seen)
    assert head.yaw == pytest.approx(view.yaw, abs=1e-4)
    assert head.pitch == pytest.approx(view.pitch, abs=1e-4)
    assert np.arctan2(head.linear[1, 0], head.linear[0, 0]) == pytest.approx(view.roll, abs=1e-4)
    assert np.sqrt(np.linalg.det(head.linear)) == pytest.approx(view.scale, rel=1e-4)
    np.testing.assert_allclose(head.shift, view.shift, atol=0.02)
    np.testing.assert_allclose(head.place(shape), seen, atol=0.02)


def test_displacements_go_back_and_forth(shape: TurningShape) -> None:
    head = fit_head(shape, View(roll=0.5, scale=2.0).of(shape.points))
    vectors = np.random.default_rng(0).normal(size=(478, 2))
    np.testing.assert_allclose(head.forth(head.back(vectors)), vectors)
    np.testing.assert_allclose(head.forth(np.array([1.0, 0.0])), 2 * np.array([np.cos(0.5), np.sin(0.5)]), atol=1e-3)


def test_a_frames_depth_plays_no_role(shape: TurningShape) -> None:
    seen = View(yaw=0.3, pitch=-0.1).of(shape.points)
    rng = np.random.default_rng(0)
    flat, deep = (np.column_stack([seen, depth]) for depth in (np.zeros(478), rng.normal(0, 30, 478)))
    np.testing.assert_array_equal(fit_head(shape, flat).place(shape), fit_head(shape, deep).place(shape))


def test_what_the_shape_has_learned_of_turns_is_used(shape: TurningShape) -> None:
    """Landmarks that err with the turn put no head in a wrong place, if the shape knows them to."""
    rng = np.random.default_rng(3)
    offset, slopes = rng.normal(0, 0.5, (478, 2)), rng.normal(0, 4.0, (FEATURES, 478, 2))
    learned = TurningShape(shape.points, offset, slopes, shape.iod_px)
    yaw, pitch = 0.35, -0.2
    terms = np.array([yaw, pitch, yaw * yaw, yaw * pitch, pitch * pitch])
    seen = View(yaw, pitch).of(shape.points) + offset + np.tensordot(terms, slopes, axes=1)
    head = fit_head(learned, seen)
    assert (head.yaw, head.pitch) == pytest.approx((yaw, pitch), abs=1e-3)
    np.testing.assert_allclose(head.place(learned), seen, atol=0.05)


def brow_raise(shape: TurningShape, iod: float = 0.12) -> FitArray:
    """Brows and forehead go up."""
    y = shape.points[:, 1]
    brows = y[list(facemesh.LEFT_BROW + facemesh.RIGHT_BROW)].mean()
    low = y[[facemesh.LEFT_EYE_OUTER, facemesh.RIGHT_EYE_OUTER]].mean() - 0.08 * shape.iod_px
    return np.stack([np.zeros(478), -iod * shape.iod_px * np.clip((low - y) / (low - brows), 0, 1)], axis=1)


def smile(shape: TurningShape, iod: float = 0.12) -> FitArray:
    """The corners of the mouth go out and up, and the cheeks with them."""
    result = np.zeros((478, 2))
    for corner in (facemesh.LEFT_COMMISSURE, facemesh.RIGHT_COMMISSURE):
        away = np.linalg.norm(shape.points[:, :2] - shape.points[corner, :2], axis=1) / (0.22 * shape.iod_px)
        by = iod * shape.iod_px * np.array([np.sign(shape.points[corner, 0]), -0.7])
        result += np.exp(-0.5 * away**2)[:, None] * by
    return result


def open_jaw(shape: TurningShape, iod: float = 0.35) -> FitArray:
    """All below the mouth goes down."""
    y = shape.points[:, 1]
    mouth = y[list(facemesh.COMMISSURES)].mean()
    return np.stack([np.zeros(478), iod * shape.iod_px * np.clip((y - mouth) / (y[152] - mouth), 0, 1)], axis=1)


@pytest.mark.parametrize("view", [View(), View(yaw=0.3, pitch=0.15, roll=0.1, scale=1.3)])
@pytest.mark.parametrize(("move", "tolerance_iod"), [(brow_raise, 0.001), (smile, 0.003), (open_jaw, 0.001)])
def test_an_expression_is_no_movement_of_the_head(
    shape: TurningShape, move: Any, tolerance_iod: float, view: View
) -> None:
    by = move(shape)
    expression = shape.points.copy()
    expression[:, :2] += by
    assert np.linalg.norm(by, axis=1).max() > 0.1 * shape.iod_px
    found = fit_head(shape, view.of(expression)).place(shape)
    error = np.linalg.norm(found - view.of(shape.points), axis=1) / (view.scale * shape.iod_px)
    assert error.max() < tolerance_iod


def test_skin_that_glides_over_the_bone_does_not_take_the_head_along(shape: TurningShape) -> None:
    """In a brow raise nearly all of it goes up a little. The corners of the eyes are tied to the bone."""
    canthi = [facemesh.LEFT_EYE_OUTER, facemesh.LEFT_EYE_INNER, facemesh.RIGHT_EYE_OUTER, facemesh.RIGHT_EYE_INNER]
    seen = View().of(shape.points)
    gliding = np.setdiff1d(FIRM, canthi)
    glide = 0.012 * shape.iod_px
    seen[gliding, 1] -= glide * np.random.default_rng(2).uniform(0.2, 1.8, len(gliding))
    head = fit_head(shape, seen)
    off = (head.place(shape) - View().of(shape.points))[canthi, 1]
    assert abs(off.mean()) < 0.8 * glide


@pytest.mark.parametrize("centre", [facemesh.RIGHT_EYE_INNER, 4], ids=["squint", "nose"])
def test_firm_landmarks_that_err_together_are_outvoted(shape: TurningShape, centre: int) -> None:
    """A sixth of them; least squares would go 1 to 4 % astray."""
    away = np.linalg.norm(shape.points[FIRM, :2] - shape.points[centre, :2], axis=1)
    wrong = FIRM[np.argsort(away)[: len(FIRM) // 6]]
    seen = View(yaw=0.2).of(shape.points)
    spoiled = seen.copy()
    spoiled[wrong] += 0.05 * shape.iod_px
    error = np.linalg.norm(fit_head(shape, spoiled).place(shape) - seen, axis=1) / shape.iod_px
    assert error.max() < 0.002


def test_noise_is_averaged(shape: TurningShape) -> None:
    seen = View(yaw=0.2, pitch=-0.1).of(shape.points)
    rng = np.random.default_rng(5)
    noise = 0.004 * shape.iod_px
    errors = [
        np.linalg.norm(fit_head(shape, seen + rng.normal(0, noise, seen.shape)).place(shape) - seen, axis=1)
        for _ in range(10)
    ]
    assert np.mean(errors) < 0.6 * noise
