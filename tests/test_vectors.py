from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from afet_video.vectors import gaussian, median, smoothstep, smoothsteps, squared_distances


@pytest.mark.parametrize("count", [1, 2, 3, 4, 7, 100, 101])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_median_is_numpys_to_the_bit(count: int, dtype: type) -> None:
    vectors = np.random.default_rng(count).normal(0, 10, (count, 3)).astype(dtype)
    found = median(vectors)
    np.testing.assert_array_equal(found, np.median(vectors, axis=0))
    assert found.dtype == dtype


def test_median_of_none_is_0() -> None:
    np.testing.assert_array_equal(median(np.empty((0, 2))), [0.0, 0.0])


def test_distances_and_weights() -> None:
    rng = np.random.default_rng(3)
    points, others = (rng.uniform(0, 200, (n, 2)).astype(np.float32) for n in (30, 20))
    squared = squared_distances(points, others)
    np.testing.assert_allclose(squared, cdist(points, others, "sqeuclidean"), rtol=1e-5, atol=1e-4)
    np.testing.assert_allclose(gaussian(squared, 40.0), np.exp(-squared / (2 * 40.0**2)), rtol=1e-4, atol=1e-11)


def test_no_weight_nor_the_product_of_two_is_denormal() -> None:
    weights = gaussian(np.linspace(0, 1e6, 1001, dtype=np.float32), 3.0)
    assert weights[0] == 1.0
    assert weights.min() ** 2 > np.finfo(np.float32).tiny
    assert weights.min() < 1e-11


def test_soft_thresholds_are_alike_for_one_and_many() -> None:
    values = np.linspace(-1.0, 3.0, 41)
    many = smoothsteps(values, 0.5, 1.5)
    assert many.tolist() == pytest.approx([smoothstep(float(value), 0.5, 1.5) for value in values], abs=1e-12)
    assert (many[values <= 0.5] == 0).all() and (many[values >= 1.5] == 1).all() and many[20] == pytest.approx(0.5)
    assert smoothsteps(values.astype(np.float32), 0.5, 1.5).dtype == np.float32
