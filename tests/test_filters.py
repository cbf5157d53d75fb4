"""Smoothing over time: what must pass unchanged, what must go, and what must not mix."""

import numpy as np
import pytest
from numpy.typing import NDArray

from afet_video.errors import SettingsError
from afet_video.filters import (
    CenteredSettings,
    OneEuroFilter,
    OneEuroSettings,
    neighbor_range,
    smooth_centered,
    smooth_floor,
)

Floats = NDArray[np.float64]


def irregular_times(count: int, seed: int = 3) -> Floats:
    """Times as of a phone: 15 to 60 ms between frames."""
    return np.cumsum(np.random.default_rng(seed).uniform(0.015, 0.06, count))


def regular_times(count: int) -> Floats:
    return np.arange(count) / 25.0


@pytest.mark.parametrize("seconds", [regular_times(60), irregular_times(60)], ids=["regular", "irregular"])
def test_constants_and_straight_lines_pass_unchanged(seconds: Floats) -> None:
    line = np.array([[3.0, -40.0], [250.0, 0.0]]) * seconds[:, None, None] + np.array([[100.0, 500.0], [7.0, 1.0]])
    np.testing.assert_allclose(smooth_centered(line, seconds, settings=CenteredSettings()), line, atol=1e-3)


def test_jitter_of_a_still_point_falls_to_a_third() -> None:
    seconds = irregular_times(400)
    noise = np.random.default_rng(5).normal(0.0, 0.3, (400, 20, 2))
    smooth = smooth_centered(noise, seconds, settings=CenteredSettings(noise=1.0))
    jitter = np.diff(smooth, n=2, axis=0).std() / np.diff(noise, n=2, axis=0).std()
    assert jitter < 1 / 3


def test_a_symmetric_pulse_stays_in_place() -> None:
    seconds = regular_times(51)
    pulse = 12.0 * np.exp(-(((seconds - seconds[25]) / 0.06) ** 2))[:, None]
    smooth = smooth_centered(pulse, seconds, settings=CenteredSettings(noise=1.0))
    np.testing.assert_allclose(smooth, smooth[::-1], atol=1e-5)
    assert int(smooth[:, 0].argmax()) == 25


def test_a_blink_keeps_its_depth_while_the_rest_is_smoothed() -> None:
    seconds = regular_times(60)
    truth = np.zeros((60, 1))
    truth[28:33, 0] = (-5.0, -9.0, -10.0, -8.0, -4.0)
    noisy = truth + np.random.default_rng(2).normal(0.0, 0.25, truth.shape)
    smooth = smooth_centered(noisy, seconds, settings=CenteredSettings(noise=1.0))
    assert smooth.min() < -9.0
    assert np.diff(smooth[:20], n=2, axis=0).std() < np.diff(noisy[:20], n=2, axis=0).std() / 3


def test_a_missing_frame_stays_missing_and_is_not_bridged() -> None:
    seconds = regular_times(40)
    values = np.zeros((40, 3, 2))
    values[20:] = 50.0
    values[19] = np.nan
    smooth = smooth_centered(values, seconds, settings=CenteredSettings())
    assert np.isnan(smooth[19]).all()
    np.testing.assert_array_equal(smooth[:19], 0.0)
    np.testing.assert_array_equal(smooth[20:], 50.0)


def test_one_missing_number_makes_the_frame_missing() -> None:
    values = np.zeros((9, 3, 2))
    values[4, 1, 0] = np.nan
    smooth = smooth_centered(values, regular_times(9), settings=CenteredSettings())
    assert np.isnan(smooth[4]).all()
    assert np.isfinite(np.delete(smooth, 4, axis=0)).all()


def test_a_cut_is_not_bridged() -> None:
    values = np.zeros((40, 1))
    values[20:] = 0.9  # Less than the noise: without the break it would be smoothed away.
    breaks = np.zeros(40, np.bool_)
    breaks[20] = True
    settings = CenteredSettings(noise=1.0)
    smooth = smooth_centered(values, regular_times(40), settings=settings, breaks=breaks)
    np.testing.assert_allclose(smooth, values, atol=1e-6)
    assert abs(smooth_centered(values, regular_times(40), settings=settings) - values).max() > 0.1


def test_all_missing_and_single_frames() -> None:
    settings = CenteredSettings()
    assert np.isnan(smooth_centered(np.full((4, 2), np.nan), regular_times(4), settings=settings)).all()
    alone = np.array([[np.nan], [5.0], [np.nan], [7.0], [8.0]])
    np.testing.assert_allclose(smooth_centered(alone, regular_times(5), settings=settings), alone)
    assert smooth_centered(np.zeros((0, 3)), np.zeros(0), settings=settings).shape == (0, 3)


@pytest.mark.parametrize("chunk", [1, 7, 50])
def test_chunk_by_chunk_is_the_same_as_the_whole_clip(chunk: int) -> None:
    rng = np.random.default_rng(8)
    seconds = irregular_times(160)
    values = 900.0 + np.cumsum(rng.normal(0.0, 1.5, (160, 6, 3)), axis=0)
    values[70:73] = np.nan
    breaks = np.zeros(160, np.bool_)
    breaks[101] = True
    settings = CenteredSettings(noise=1.0)
    whole = smooth_centered(values, seconds, settings=settings, breaks=breaks)
    pieces = []
    for start in range(0, 160, chunk):
        stop = min(start + chunk, 160)
        first, last = neighbor_range(seconds, start, stop, settings=settings)
        piece = smooth_centered(values[first:last], seconds[first:last], settings=settings, breaks=breaks[first:last])
        pieces.append(piece[start - first : stop - first])
        assert seconds[last - 1] - seconds[first] < (seconds[stop - 1] - seconds[start]) + 2 * settings.reach_s + 0.13
    # float32 near 900 has steps of 6e-5; sums formed in another order may differ by one.
    np.testing.assert_allclose(np.concatenate(pieces), whole, rtol=0, atol=7e-5)


@pytest.mark.parametrize("bad", [{"still_s": 0.0}, {"noise": float("nan")}, {"still_s": 0.1, "moving_s": 0.2}])
def test_settings_out_of_range(bad: dict[str, float]) -> None:
    with pytest.raises(SettingsError):
        CenteredSettings(**bad)


def one_euro(values: Floats, seconds: Floats, settings: OneEuroSettings | None = None) -> Floats:
    filter_ = OneEuroFilter(settings)
    return np.array([filter_.update(value, float(at)) for value, at in zip(values, seconds, strict=True)])


def test_one_euro_ignores_the_future() -> None:
    seconds = irregular_times(50)
    values = np.random.default_rng(4).normal(size=(50, 3, 2))
    changed = values.copy()
    changed[30:] += 100.0
    np.testing.assert_array_equal(one_euro(values, seconds)[:30], one_euro(changed, seconds)[:30])


def test_one_euro_passes_constants_and_calms_jitter() -> None:
    seconds = irregular_times(300)
    np.testing.assert_array_equal(one_euro(np.full((300, 2), 7.5), seconds), 7.5)
    noise = np.random.default_rng(4).normal(0.0, 0.3, (300, 10, 2))
    assert np.diff(one_euro(noise, seconds), n=2, axis=0).std() < np.diff(noise, n=2, axis=0).std() / 3


def test_one_euro_follows_fast_motion_closer_with_beta() -> None:
    seconds = regular_times(50)
    ramp = (400.0 * seconds)[:, None]
    slow = one_euro(ramp, seconds, OneEuroSettings(beta=0.0))
    fast = one_euro(ramp, seconds, OneEuroSettings(beta=0.05))
    assert ramp[-1, 0] - fast[-1, 0] < 0.2 * (ramp[-1, 0] - slow[-1, 0])


def test_one_euro_starts_afresh_after_a_gap() -> None:
    values = np.array([[1.0], [2.0], [np.nan], [90.0]])
    smooth = one_euro(values, regular_times(4))
    assert np.isnan(smooth[2]).all()
    assert smooth[3, 0] == 90.0


def test_one_euro_wants_time_to_grow() -> None:
    filter_ = OneEuroFilter()
    filter_.update(np.zeros(2), 1.0)
    with pytest.raises(ValueError, match="time must grow"):
        filter_.update(np.zeros(2), 1.0)


@pytest.mark.parametrize("bad", [{"min_cutoff_hz": 0.0}, {"beta": -1.0}, {"derivative_cutoff_hz": float("inf")}])
def test_one_euro_settings_out_of_range(bad: dict[str, float]) -> None:
    with pytest.raises(SettingsError):
        OneEuroSettings(**bad)


@pytest.mark.parametrize("seconds", [regular_times(120), irregular_times(120)], ids=["regular", "irregular"])
def test_a_floor_is_smooth_never_above_and_exact_where_nothing_changes(seconds: Floats) -> None:
    values = np.ones(120)
    values[40:60], values[80] = 0.0, 0.3
    floor = smooth_floor(values, seconds, half_width_s=0.13)
    assert (floor <= values.astype(np.float32)).all()
    assert (floor[(seconds < seconds[40] - 0.25) | (seconds > seconds[80] + 0.25)] == 1).all()
    assert (floor[40:60] == 0).all()
    assert floor[80] == pytest.approx(0.3)
    steps = np.abs(np.diff(floor)) / np.diff(seconds)
    assert steps.max() < 12, "from 1 to 0 in no less than about a tenth of a second"
    assert smooth_floor(np.full(9, 0.7), seconds[:9], half_width_s=0.2).tolist() == [np.float32(0.7)] * 9


def test_a_floor_has_no_lag_and_does_not_cross_gaps_or_breaks() -> None:
    seconds = regular_times(61)
    values = 1.0 - np.exp(-(((seconds - seconds[30]) / 0.2) ** 2))
    floor = smooth_floor(values, seconds, half_width_s=0.13)
    np.testing.assert_allclose(floor, floor[::-1], atol=1e-6)
    values[:30], values[30], values[31:] = 0.0, np.nan, 1.0
    floor = smooth_floor(values, seconds, half_width_s=0.13)
    assert np.isnan(floor[30])
    assert (floor[:30] == 0).all()
    assert (floor[31:] == 1).all()
    breaks = np.arange(61) == 45
    floor = smooth_floor(np.where(np.arange(61) < 45, 0.0, 1.0), seconds, half_width_s=0.13, breaks=breaks)
    assert (floor[:45] == 0).all()
    assert (floor[45:] == 1).all()
    assert np.isnan(smooth_floor(np.full(3, np.nan), seconds[:3], half_width_s=0.1)).all()
