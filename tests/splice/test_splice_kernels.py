"""Small kernels of the splice against the same thing said in NumPy."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from afet_video.splice.cavity_kernel import fill_table
from afet_video.splice.skin import SkinView, log_scales
from afet_video.splice.skin_kernel import agree, fill_candidates, fill_distance, fill_kept
from afet_video.splice.texture_kernel import fill_reached

Array = NDArray[Any]

DARK, BRIGHT, CHROMA, SHADE = 0.55, 0.65, 0.25, 0.6
SURE, LIKELY, KEPT, HAND = 1.0, 0.6, 0.45, 0.35


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(11)


def distance(log: Array) -> Array:
    """Size of differences (..., 3) of logarithmic colours; in shade, red may gain on blue."""
    red, green, blue = np.moveaxis(log, -1, 0)
    luma = (red + green + blue) / 3
    shade = np.clip((red - blue) / 2, 0, np.maximum(-SHADE * luma, 0))
    hue = np.max([np.abs(red - luma - shade), np.abs(green - luma), np.abs(blue - luma + shade)], axis=0)
    return np.hypot(luma / np.where(luma < 0, DARK, BRIGHT), hue / CHROMA)


def test_distance_of_colours(rng: np.random.Generator) -> None:
    log, other = (rng.normal(4, 0.5, (40, 30, 3)).astype(np.float32) for _ in range(2))
    found = np.empty((40, 30), np.float32)
    fill_distance(log, other, log_scales(DARK, BRIGHT, CHROMA), found)
    np.testing.assert_allclose(found, distance(log.astype(float) - other), rtol=1e-4, atol=1e-5)


def test_colours_that_do_not_agree_lose_their_weight(rng: np.random.Generator) -> None:
    gain = rng.normal(0, 0.1, (60, 3))
    gain[:8] += 0.6
    gain[8:12] -= 3.0
    places = rng.uniform(0, 4, (60, 2))
    near = np.exp(-(np.linalg.norm(places[:, None] - places, axis=2) ** 2))
    weight = (rng.uniform(size=60) < 0.9).astype(float)
    middle = np.median(gain[weight > 0], axis=0)
    found, smooth = weight.astype(np.float32), np.empty((60, 3), np.float32)
    arrays = (gain.astype(np.float32), found, middle.astype(np.float32), near.astype(np.float32))
    agree(*arrays, log_scales(DARK, BRIGHT, CHROMA), smooth)

    expected = weight * (distance(gain - middle) < 2)
    for _ in range(2):
        around = near @ (expected[:, None] * gain) / (near @ expected + 1e-9)[:, None]
        expected = expected * (distance(gain - around) < 1)
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_allclose(smooth, around, atol=1e-5)
    assert 0 < expected.sum() < weight.sum()
    assert not expected[8:12].any()


def test_what_may_be_covered(rng: np.random.Generator) -> None:
    shape = (50, 40)
    deviation = rng.uniform(0, 1.4, shape).astype(np.float32)
    before = rng.choice(np.array([0, 0.2, 0.4, 0.9], np.float32), shape)
    hands = rng.choice(np.array([0, 0.5, 1], np.float32), shape, p=[0.7, 0.2, 0.1])
    oval = (rng.uniform(size=shape) < 0.9).astype(np.uint8)
    plain = oval * (rng.uniform(size=shape) < 0.8).astype(np.uint8)
    likely, sure = np.empty(shape, np.uint8), np.empty(shape, np.uint8)
    levels = np.array([SURE, LIKELY, KEPT, HAND], np.float32)
    fill_candidates(deviation, before, hands, plain, oval, levels, likely, sure)
    low = np.where(hands > 0, levels[3], np.where(before > 0.3, levels[2], levels[1]))
    np.testing.assert_array_equal(likely, (plain > 0) & (deviation > low) | (hands == 1) & (oval > 0))
    np.testing.assert_array_equal(sure, (plain > 0) & (deviation > SURE) | (hands == 1) | (before > 0.5))


def test_only_large_parts_that_are_sure_somewhere_are_kept() -> None:
    likely = np.zeros((20, 30), np.uint8)
    likely[2:8, 2:8] = likely[12:18, 2:8] = likely[2:8, 20:26] = likely[15, 25] = 1
    sure = np.zeros_like(likely)
    sure[5, 5] = sure[15, 25] = sure[10, 10] = 1  # in the first part, in one that is too small, in none
    _, labels, stats, _ = cv2.connectedComponentsWithStats(likely, connectivity=8)
    covered = np.empty_like(likely)
    assert fill_kept(labels, sure, stats[:, cv2.CC_STAT_AREA].copy(), 4.0, covered)
    expected = np.zeros_like(likely)
    expected[2:8, 2:8] = 1
    np.testing.assert_array_equal(covered, expected)
    assert not fill_kept(labels, np.zeros_like(sure), stats[:, cv2.CC_STAT_AREA].copy(), 4.0, covered)
    assert not covered.any()


def test_values_are_spread_as_a_gaussian_mean(rng: np.random.Generator) -> None:
    xy = rng.uniform(10, 150, (478, 2)).astype(np.float32)
    view = SkinView(np.zeros((160, 160, 3), np.float32), xy, 80.0, 1.0)
    values = rng.normal(0, 1, 478).astype(np.float32)
    rows, columns = np.mgrid[:160, :160].astype(float)
    squared = (columns[..., None] - xy[:, 0]) ** 2 + (rows[..., None] - xy[:, 1]) ** 2
    weights = np.exp(-squared / (2 * (0.2 * 80.0) ** 2))
    expected = (weights * values).sum(axis=2) / weights.sum(axis=2)
    # Between its nodes it is straight, beyond the outermost level.
    inside = np.s_[4:-4, 4:-4]
    np.testing.assert_allclose(view.spread(values, 0.2)[inside], expected[inside], atol=0.03)


def test_a_changed_place_reaches_as_far_as_it_spreads(rng: np.random.Generator) -> None:
    spread = rng.uniform(0, 1, (50, 50)).astype(np.float32)
    changed = np.maximum(rng.normal(0, 1, 50), 0).astype(np.float32)
    found = np.empty(50, np.float32)
    fill_reached(changed, spread, found)
    np.testing.assert_array_equal(found, (changed[:, None] * spread).max(axis=0))


def test_edges_of_the_lips_column_by_column(rng: np.random.Generator) -> None:
    angles = np.pi + 2 * np.pi * np.arange(20) / 20  # from the left end over the top to the right one, and back
    ring = 50 + np.stack([20 * np.cos(angles), 8 * np.sin(angles)], axis=1) + rng.normal(0, 2, (20, 2))
    then = ring + rng.normal(0, 1, ring.shape)
    along = np.array([np.cos(0.2), np.sin(0.2)])
    across = np.array([-along[1], along[0]])
    first, per_px, trusted = -10.0, 1.1, 0.7
    table = np.empty((64, 6))
    widest = fill_table(ring, then, (along[0], along[1]), first, per_px, trusted, table)
    places = first + np.arange(64) / per_px
    edges = []
    for points in (ring, then):
        u, v = (points - ring[0]) @ along, (points - ring[0]) @ across
        for side in (list(range(11)), [*range(10, 20), 0]):
            order = np.array(side)[np.argsort(u[side], kind="stable")]
            edges.append(np.interp(places, u[order], v[order]))
    top, bottom, top_then, bottom_then = edges
    np.testing.assert_allclose(table[:, :4], np.transpose(edges), atol=1e-9)
    wider = np.stack([top - top_then, bottom_then - bottom], axis=1)
    np.testing.assert_allclose(table[:, 4:], np.clip(wider, 0, trusted), atol=1e-9)
    assert widest == pytest.approx((bottom - top).max())
