"""Jitter and lag of signals made with a known one."""

from __future__ import annotations

import numpy as np
import pytest

from afet_video.metrics.steadiness import jitter, lag_frames


def test_jitter_is_the_rms_second_difference() -> None:
    rng = np.random.default_rng(0)
    spread = 0.01
    noise = rng.normal(0, spread, (4000, 3, 2))
    drift = np.arange(4000)[:, None, None] * 0.3  # steady motion is no jitter
    found, n = jitter(noise + drift, np.ones(4000, bool))
    # the variance of a second difference of white noise is 1 + 4 + 1 times that of the noise, in each of two axes
    assert found == pytest.approx(spread * np.sqrt(6 * 2), rel=0.02)
    assert n == 3998
    twice, _ = jitter(2 * noise, np.ones(4000, bool))
    assert twice / found == pytest.approx(2, rel=0.001)


def test_only_whole_still_stretches_count() -> None:
    values = np.zeros((12, 1, 2))
    values[5] = 100.0
    still = np.ones(12, bool)
    still[5] = False
    assert jitter(values, still) == (0.0, 7)
    values[9] = np.nan
    assert jitter(values, still) == (0.0, 4)
    found, n = jitter(values, np.zeros(12, bool))
    assert np.isnan(found)
    assert n == 0


@pytest.mark.parametrize("frames", [-3, -1, 0, 1, 2, 5])
def test_a_known_lag_is_found(frames: int) -> None:
    time = np.arange(300.0)
    reference = np.sin(time / 11) + 0.5 * np.sin(time / 4 + 1)
    signal = np.sin((time - frames) / 11) + 0.5 * np.sin((time - frames) / 4 + 1)
    noise = np.random.default_rng(2).normal(0, 0.02, 300)
    lag, agreement = lag_frames(3 * signal + 0.01 * time + 7 + noise, reference)
    assert lag == pytest.approx(frames, abs=0.1)
    assert agreement > 0.98


def test_a_lag_of_part_of_a_frame_is_found_across_gaps() -> None:
    time = np.arange(300.0)
    reference, signal = np.sin(time / 5), np.sin((time - 0.4) / 5)
    signal[:40] = np.nan
    reference[200:210] = np.nan
    lag, _ = lag_frames(signal, reference)
    assert lag == pytest.approx(0.4, abs=0.05)


def test_flat_or_short_signals_have_no_lag() -> None:
    assert np.isnan(lag_frames(np.zeros(200), np.zeros(200))[0])
    assert np.isnan(lag_frames(np.arange(9.0), np.arange(9.0))[0])
