from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from statsmodels.nonparametric.smoothers_lowess import lowess

from afet_video import facemesh
from afet_video.datatypes import FloatArray, Midline
from afet_video.errors import MidlineError, SettingsError
from afet_video.splice.lowess import lowess as own_lowess
from afet_video.splice.midline import (
    MidlineSettings,
    fit_midline,
    head_frame,
    midline_points,
    sample_rows,
    to_image,
)

Faces = Mapping[str, Any]


def midline_of(xyz: FloatArray, settings: MidlineSettings | None = None) -> Midline:
    head = head_frame(xyz)
    return to_image(fit_midline(head.to_head(midline_points(xyz)), settings or MidlineSettings()), head)


def turned(xyz: FloatArray, degrees: float) -> FloatArray:
    """Landmarks of the picture turned clockwise around its middle."""
    angle = np.radians(degrees)
    matrix = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    result = xyz.copy()
    result[:, :2] = (xyz[:, :2] - (200, 150)) @ matrix + (200, 150)
    return result


@pytest.mark.parametrize(("frac", "it"), [(0.5, 1), (0.3, 0), (0.8, 3)])
def test_it_is_statsmodels_lowess_through_the_midline_landmarks(real_faces: Faces, frac: float, it: int) -> None:
    head = head_frame(real_faces["jaw"].xyz)
    uv = head.to_head(midline_points(real_faces["jaw"].xyz))
    u = fit_midline(uv, MidlineSettings(frac=frac, it=it))
    rows = sample_rows().astype(float)
    inside = (rows >= uv[:, 1].min()) & (rows <= uv[:, 1].max())
    assert inside.sum() > 15
    expected = lowess(uv[:, 0], uv[:, 1], frac=frac, it=it, xvals=rows[inside])
    assert np.isfinite(expected).all()
    assert np.abs(u[inside] - expected).max() < 1e-6


@pytest.mark.parametrize("face", ["neutral", "smile", "jaw", "brows"])
def test_it_runs_through_the_middle_of_the_face(real_faces: Faces, face: str) -> None:
    xyz = real_faces[face].xyz
    midline = midline_of(xyz)
    iod = np.linalg.norm(xyz[facemesh.LEFT_EYE_OUTER, :2] - xyz[facemesh.RIGHT_EYE_OUTER, :2])
    points = midline_points(xyz)
    assert np.abs(midline.x_at(points[:, 1]) - points[:, 0]).max() < 0.05 * iod
    assert midline.y[0] < points[:, 1].min(), "it must go on over the forehead"
    assert midline.y[-1] > points[:, 1].max(), "it must go on below the chin"


def test_it_moves_with_the_face(real_faces: Faces) -> None:
    xyz = real_faces["smile"].xyz
    shift = np.array([31.0, -17.0, 5.0], np.float32)
    here, there = midline_of(xyz), midline_of(xyz + shift)
    assert np.allclose(there.x, here.x + 31, atol=1e-2)
    assert np.allclose(there.y, here.y - 17, atol=1e-2)


@pytest.mark.parametrize("degrees", [-35, -10, 10, 35])
def test_it_rolls_with_the_head(real_faces: Faces, degrees: float) -> None:
    upright, rolled = midline_of(real_faces["smile"].xyz), midline_of(turned(real_faces["smile"].xyz, degrees))
    points = np.stack([upright.x, upright.y, np.zeros_like(upright.x)], axis=1)
    expected = turned(points, degrees)
    assert np.abs(rolled.x - expected[:, 0]).max() < 0.05
    assert np.abs(rolled.y - expected[:, 1]).max() < 0.05


def test_it_is_mirrored_in_a_mirror(real_faces: Faces) -> None:
    xyz = real_faces["smile"].xyz
    mirrored = xyz[facemesh.TWIN].copy()
    mirrored[:, 0] = 399 - mirrored[:, 0]
    here, there = midline_of(xyz), midline_of(mirrored)
    assert np.allclose(there.x, 399 - here.x_at(there.y), atol=0.05)


def test_beyond_the_landmarks_it_goes_on_straight(real_faces: Faces) -> None:
    head = head_frame(real_faces["smile"].xyz)
    uv = head.to_head(midline_points(real_faces["smile"].xyz))
    u, rows = fit_midline(uv, MidlineSettings()), sample_rows()
    for beyond in (rows < uv[:, 1].min(), rows > uv[:, 1].max()):
        assert beyond.sum() >= 3
        assert np.abs(np.diff(u[beyond], 2)).max() < 1e-5
    midline = midline_of(real_faces["smile"].xyz)
    for end, step in ((0, -1), (-1, 1)):
        far = midline.x_at(midline.y[end] + step * np.array([10.0, 20.0, 30.0]))
        assert np.abs(np.diff(far, 2)).max() < 1e-3


def test_a_straight_row_of_landmarks_gives_a_straight_line() -> None:
    v = np.linspace(-0.5, 1.2, 20)
    u = fit_midline(np.stack([0.1 + 0.2 * v, v], axis=1), MidlineSettings())
    assert np.allclose(u, 0.1 + 0.2 * sample_rows(), atol=1e-4)


def test_one_landmark_gone_astray_hardly_bends_it() -> None:
    v = np.linspace(-0.5, 1.2, 28)
    uv = np.stack([np.random.default_rng(1).normal(0, 0.003, 28), v], axis=1)
    uv[14, 0] = 0.3
    inside = sample_rows() > -0.5
    inside &= sample_rows() < 1.2
    assert np.abs(fit_midline(uv, MidlineSettings(it=3)))[inside].max() < 0.02
    assert np.abs(fit_midline(uv, MidlineSettings(it=0)))[inside].max() > 0.02


@pytest.mark.parametrize("count", [0, 1, 4])
def test_too_few_landmarks_are_an_error(count: int) -> None:
    uv = np.full((28, 2), np.nan)
    uv[:count] = np.stack([np.zeros(count), np.arange(count)], axis=1)
    with pytest.raises(MidlineError, match=f"at least 5 landmarks, got {count}"):
        fit_midline(uv, MidlineSettings())


def test_missing_landmarks_are_left_out(real_faces: Faces) -> None:
    uv = head_frame(real_faces["smile"].xyz).to_head(midline_points(real_faces["smile"].xyz))
    some = uv.copy()
    some[[3, 11]] = np.nan
    whole, rest = fit_midline(uv, MidlineSettings()), fit_midline(some, MidlineSettings())
    assert np.isfinite(rest).all()
    assert np.abs(whole - rest).max() < 0.02


def test_a_face_on_its_side_is_an_error(real_faces: Faces) -> None:
    with pytest.raises(MidlineError, match="on its side"):
        midline_of(turned(real_faces["smile"].xyz, 90))


@pytest.mark.parametrize("values", [{"frac": 0.1}, {"frac": float("nan")}, {"it": -1}, {"smoothing_s": -0.1}])
def test_settings_out_of_range_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match=str(next(iter(values)))):
        MidlineSettings(**values)


@pytest.mark.parametrize("seed", range(20))
def test_lowess_is_that_of_statsmodels_with_outliers_too(seed: int) -> None:
    lots = np.random.default_rng(seed)
    x = np.sort(lots.normal(size=28))
    y = np.sin(x) + 0.2 * lots.normal(size=28)
    y[lots.integers(28)] += 5.0
    at = np.linspace(x[0], x[-1], 33)
    for frac, it in ((0.5, 1), (0.4, 0), (1.0, 3)):
        expected = lowess(y, x, frac=frac, it=it, xvals=at)
        assert np.abs(own_lowess(x, y, at, frac, it) - expected).max() < 1e-6
