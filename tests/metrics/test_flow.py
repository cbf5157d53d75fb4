"""Flows that are known, and errors along them."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from afet_video.metrics.flow import followed, mesh_flow, picture_flow, pulled_back, warping_error

TRIANGLES = np.array([[0, 1, 2], [1, 3, 2]], np.int32)
SQUARE = np.array([[10, 10], [50, 10], [10, 50], [50, 50]], np.float64)


@pytest.fixture(scope="module")
def texture() -> NDArray[np.uint8]:
    noise = np.random.default_rng(1).normal(128, 60, (96, 96)).astype(np.float32)
    return np.clip(cv2.GaussianBlur(noise, (0, 0), 2.0) * 4 - 384, 0, 255).astype(np.uint8)


def test_a_shift_is_found_and_followed(texture: NDArray[np.uint8]) -> None:
    moved = np.roll(texture, (2, 3), axis=(0, 1))
    flow = picture_flow(texture, moved)
    middle = flow[20:-20, 20:-20].reshape(-1, 2)
    assert np.median(middle, axis=0) == pytest.approx([3, 2], abs=0.25)
    good = followed(flow, picture_flow(moved, texture))
    assert good[20:-20, 20:-20].mean() > 0.8
    exact = np.zeros((96, 96, 2), np.float32) + np.array([3, 2], np.float32)
    mask = np.zeros((96, 96), bool)
    mask[10:-10, 10:-10] = True
    assert warping_error(texture, moved, exact, mask) == (0.0, 76 * 76)
    still = warping_error(texture, moved, np.zeros_like(exact), mask)[0]
    assert still > 1e5
    assert not followed(exact, np.zeros_like(exact)).any(), "a flow that does not close is not to be trusted"


def test_a_mesh_carries_affinely() -> None:
    after = SQUARE @ np.array([[1.1, 0.1], [-0.05, 0.9]]) + np.array([2.0, -3.0])
    flow, inside = mesh_flow(SQUARE, after, TRIANGLES, (64, 64))
    y, x = np.nonzero(inside)
    expected = np.stack([x, y], axis=1) @ np.array([[1.1, 0.1], [-0.05, 0.9]]) + np.array([2.0, -3.0])
    assert flow[inside] + np.stack([x, y], axis=1) == pytest.approx(expected, abs=1e-3)
    assert inside[10:51, 10:51].all()
    assert inside.sum() == 41 * 41
    assert not flow[~inside].any()


def test_a_triangle_on_edge_does_no_harm() -> None:
    flat = np.array([[10, 10], [30, 10], [50, 10], [50, 50]], np.float64)
    flow, _ = mesh_flow(flat, flat + 2.0, np.array([[0, 1, 2], [0, 2, 3]], np.int32), (64, 64))
    assert np.isfinite(flow).all()
    assert np.abs(flow).max() == pytest.approx(2.0, abs=1e-3)


def test_pulled_back_follows_the_flow() -> None:
    picture = np.zeros((9, 9), np.uint8)
    picture[4, 6] = 200
    flow = np.zeros((9, 9, 2), np.float32)
    flow[..., 0] = 2
    assert pulled_back(picture, flow)[4, 4] == 200
