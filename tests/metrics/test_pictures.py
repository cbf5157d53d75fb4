"""Seams and differences of pictures made with known ones."""

from __future__ import annotations

import math

import numpy as np
import pytest

from afet_video.metrics.pictures import Differences, gradient_across, line_along, psnr_db

HEIGHT, WIDTH, MIDDLE = 120, 80, 40


@pytest.fixture
def texture() -> np.ndarray:
    return np.clip(np.random.default_rng(0).normal(128, 12, (HEIGHT, WIDTH)), 0, 255).astype(np.float32)


@pytest.fixture
def across() -> np.ndarray:
    """Distance from a slanted midline."""
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    return columns - (MIDDLE + (rows - HEIGHT / 2) * 0.1)


def test_the_gradient_of_a_ramp_is_its_slope() -> None:
    ramp = np.tile(3.0 * np.arange(WIDTH, dtype=np.float32), (HEIGHT, 1))
    everywhere = np.ones(ramp.shape, bool)
    assert gradient_across(ramp, everywhere) == pytest.approx(3.0)
    assert math.isnan(gradient_across(ramp, ~everywhere))


@pytest.mark.parametrize("step", [10.0, 30.0])
def test_a_planted_seam_is_found(texture: np.ndarray, across: np.ndarray, step: float) -> None:
    band = np.abs(across) <= 10
    flat = np.full_like(texture, 100.0)
    seam = step * (np.round(across) > 0)
    # one jump of `step` in about 20 pixels; a central difference sees it in two of them, halved
    assert gradient_across(flat + seam, band) == pytest.approx(step / band.sum(axis=1).mean(), rel=0.02)
    places = line_along(flat + seam, across, band)
    assert places == pytest.approx(step / np.sqrt(20), rel=0.1)  # RMS over 20 steps of which one is `step`
    before, after = (line_along(gray, across, band) for gray in (texture, texture + seam))
    assert after > before
    assert after / before > gradient_across(texture + seam, band) / gradient_across(texture, band)


def test_texture_has_hardly_a_line(texture: np.ndarray, across: np.ndarray) -> None:
    band = np.abs(across) <= 10
    assert line_along(texture, across, band, parts=1) < 0.3 * gradient_across(texture, band)
    assert math.isnan(line_along(texture, across, np.zeros_like(band)))


def test_ragged_edges_of_the_mask_make_no_line(across: np.ndarray) -> None:
    """There fewer rows count, and rows differ from each other."""
    rows = np.random.default_rng(4).uniform(50, 200, (len(across), 1)).astype(np.float32)
    ragged = np.abs(across) <= np.where(np.arange(len(across)) % 5 == 0, 12, 10)[:, None]
    assert line_along(np.broadcast_to(rows, across.shape), across, ragged) == 0.0


def test_differences_are_counted_over_frames() -> None:
    one = np.full((10, 100), 50, np.uint8)
    other = one.copy()
    other[0, 0], other[0, 1] = 57, 47
    mask = np.ones(one.shape, bool)
    mask[5:] = False
    total = Differences()
    assert math.isnan(total.largest)
    total.add(one, other, mask)
    total.add(one, one, mask)
    total.add(one, other, np.zeros_like(mask))
    assert (total.frames, total.samples) == (2, 1000)
    assert (total.largest, total.mean) == (7.0, 0.01)
    assert total.quantile(0.998) == 0.0
    assert total.quantile(0.999) == 3.0
    assert total.quantile(1.0) == 7.0
    assert total.psnr_db == pytest.approx(10 * math.log10(255**2 * 1000 / (49 + 9)))


def test_equal_pictures_are_infinitely_alike() -> None:
    assert psnr_db(0.0, 10) == math.inf
    assert math.isnan(psnr_db(0.0, 0))
    assert psnr_db(255.0**2, 1) == 0.0
