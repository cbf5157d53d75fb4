"""Smoothing over time, with irregular frame times and gaps.

in: values (n, ..., C) and their times -> out: smoothed values of the same shape.  Must not: know what the values mean,
invent a value where one is missing, or look across a gap.

Two filters, for two uses:

* `smooth_centered` sees the past and the future alike (zero phase: no lag). For files.
* `OneEuroFilter` sees the past only. For live pictures.

Both adapt: strong where a point is still, weak where it moves, because a filter of one strength either leaves jitter or
flattens blinks (three or four frames at 25 fps).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afet_video.errors import SettingsError

FloatValues = NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True)
class CenteredSettings:
    """How strongly `smooth_centered` smooths.

    Parameters
    ----------
    still_s : half-width in seconds of the window for points at rest.
    moving_s : half-width in seconds of the window for points in motion.
    noise : size of the measurement noise, in the unit of the values; for face landmarks 1 % of the distance between
        the outer eye corners. Two estimates of a point that differ by less than `noise` differ by noise, by more than
        three times that by motion.

    Notes
    -----
    The defaults were chosen on six clips of faces, 25 to 30 fps. On still stretches the second difference of the
    landmarks falls to 0.16 to 0.39 of what it was (0.56 in a blurred clip with head turns); 35 blinks, most of them
    three to five frames, keep 98 % of their depth (median; 92 % at the lowest decile); lag is below 0.02 frames.

    Raises
    ------
    SettingsError
        If a number is not finite and positive, or `moving_s` exceeds `still_s`.
    """

    still_s: float = 0.16
    moving_s: float = 0.1
    noise: float = 1.0

    def __post_init__(self) -> None:
        for name in ("still_s", "moving_s", "noise"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise SettingsError(f"{name} = {value}: give a number above 0")
        if self.moving_s > self.still_s:
            raise SettingsError(f"moving_s = {self.moving_s} is over still_s = {self.still_s}: swap them")

    @property
    def reach_s(self) -> float:
        """How far in time, each way, a frame's result depends on other frames."""
        return self.still_s + self.moving_s


def neighbor_range(seconds: FloatValues, start: int, stop: int, *, settings: CenteredSettings) -> tuple[int, int]:
    """Return the frames to hand to `smooth_centered` so that frames `start..stop` come out as for the whole clip.

    Parameters
    ----------
    seconds : (n,) increasing times of the whole clip.
    start, stop : frames whose smoothed values are wanted.

    Returns
    -------
    first, last : smooth `values[first:last]` and keep rows `start - first` to `stop - first`.
    """
    if start >= stop:
        return start, stop
    first = int(np.searchsorted(seconds, seconds[start] - settings.reach_s, side="left"))
    last = int(np.searchsorted(seconds, seconds[stop - 1] + settings.reach_s, side="right"))
    return max(first - 1, 0), min(last + 1, len(seconds))


def smooth_centered(
    values: FloatValues,
    seconds: FloatValues,
    *,
    settings: CenteredSettings,
    breaks: NDArray[np.bool_] | None = None,
) -> NDArray[np.float32]:
    """Smooth points over time without lag.

    Parameters
    ----------
    values : (n, ..., C) coordinates; the last axis is that of one point, and motion is its length. A frame with any
        NaN counts as missing.
    seconds : (n,) strictly increasing times.
    breaks : (n,) true where a frame has nothing to do with the one before it (a cut, another person).

    Returns
    -------
    (n, ..., C) float32, NaN in missing frames. Frames on two sides of a missing frame or a break never mix.

    Notes
    -----
    Each value is the centre of a polynomial fitted by weighted least squares to the frames around it (Savitzky and
    Golay 1964, *Analytical Chemistry* 36: 1627, with the tricube weights of Cleveland 1979, *JASA* 74: 829, which
    make it hold for irregular times). A straight line fitted over `still_s` removes jitter, a parabola over `moving_s`
    keeps motion; the distance between the two, largest of the frames within `moving_s`, tells which to believe. The
    value itself is believed where even the parabola is far from it, as at the bottom of a blink.
    """
    values = np.asarray(values)
    times: NDArray[np.float64] = np.asarray(seconds, np.float64)
    count = len(values)
    flat = values.reshape(count, math.prod(values.shape[1:])).astype(np.float64)
    present: NDArray[np.bool_] = np.asarray(np.isfinite(flat).all(axis=1))
    if not present.any():
        return np.full(values.shape, np.nan, np.float32)
    # Numbers near zero lose nothing to rounding when the sums of a chunk are formed in another order.
    origin = flat[present][0]
    flat = np.where(present[:, None], flat - origin, 0.0)
    run = _runs(present, breaks)
    still = _fit(flat, times, run, settings.still_s, degree=1)
    moving = _fit(flat, times, run, settings.moving_s, degree=2)
    mixed = still.reshape(values.shape)
    for coarse, fine, width_s in ((still, moving, settings.moving_s), (moving, flat, 0.0)):
        distance = np.linalg.norm((fine - coarse).reshape(values.shape), axis=-1)
        motion = _motion(_largest_around(distance, times, run, width_s), settings.noise)
        mixed += motion[..., None] * (fine.reshape(values.shape) - mixed)
    mixed += origin.reshape(values.shape[1:])
    mixed[~present] = np.nan
    return mixed.astype(np.float32)


def _motion(distance: NDArray[np.float64], noise: float) -> NDArray[np.float64]:
    """Return 0 where `distance` is noise, 1 where it is motion, smoothly between one and three times `noise`."""
    share = np.clip((distance / noise - 1.0) / 2.0, 0.0, 1.0)
    return share * share * (3.0 - 2.0 * share)


def _runs(present: NDArray[np.bool_], breaks: NDArray[np.bool_] | None) -> NDArray[np.int64]:
    """Return which stretch of frames that may mix each frame is in; a missing one is a stretch of its own."""
    starts = np.ones(len(present), np.bool_)
    starts[1:] = ~(present[1:] & present[:-1])
    if breaks is not None:
        starts |= breaks
    return np.cumsum(starts)


def _neighbors(
    seconds: NDArray[np.float64], run: NDArray[np.int64], half_width_s: float
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.bool_]]:
    """Return (n, K) indices of the frames nearer than `half_width_s`, their offset in half-widths, and which count."""
    count = len(seconds)
    first = np.searchsorted(seconds, seconds - half_width_s, side="right")
    last = np.searchsorted(seconds, seconds + half_width_s, side="left")
    back = int((np.arange(count) - first).max())
    ahead = int((last - 1 - np.arange(count)).max())
    index = np.arange(count)[:, None] + np.arange(-back, ahead + 1)[None, :]
    inside = (index >= 0) & (index < count)
    index = np.clip(index, 0, count - 1)
    offset = (seconds[index] - seconds[:, None]) / half_width_s
    return index, offset, inside & (np.abs(offset) < 1.0) & (run[index] == run[:, None])


def _fit(
    flat: NDArray[np.float64], seconds: NDArray[np.float64], run: NDArray[np.int64], half_width_s: float, *, degree: int
) -> NDArray[np.float64]:
    """Evaluate, at every frame, the polynomial fitted to the frames around it; (n, V) in and out."""
    index, offset, usable = _neighbors(seconds, run, half_width_s)
    weights = np.where(usable, (1.0 - np.abs(offset) ** 3).clip(0.0) ** 3, 0.0)
    powers = offset[..., None] ** np.arange(degree + 1)
    normal = np.einsum("nk,nki,nkj->nij", weights, powers, powers)
    # Too few frames for the polynomial: the frame stays as it is.
    enough = usable.sum(axis=1) > degree
    normal[~enough] = np.eye(degree + 1)
    target = np.zeros((len(seconds), degree + 1, 1))
    target[:, 0] = 1.0
    at_center = np.linalg.solve(normal, target)[..., 0]
    share = weights * np.einsum("nki,ni->nk", powers, at_center)
    share[~enough] = (index == np.arange(len(seconds))[:, None])[~enough] & usable[~enough]
    result = np.zeros_like(flat)
    for column in range(index.shape[1]):
        result += share[:, column, None] * flat[index[:, column]]
    return result


def _largest_around(
    distance: NDArray[np.float64], seconds: NDArray[np.float64], run: NDArray[np.int64], half_width_s: float
) -> NDArray[np.float64]:
    """Return the largest `distance` (n, ...) among the frames of the same run nearer than `half_width_s`."""
    if half_width_s == 0.0:
        return distance
    index, _, usable = _neighbors(seconds, run, half_width_s)
    largest = distance.copy()
    for column in range(index.shape[1]):
        rows = usable[:, column]
        np.maximum(largest, distance[index[:, column]], out=largest, where=rows.reshape(-1, *[1] * (distance.ndim - 1)))
    return largest


def smooth_floor(
    values: FloatValues, seconds: FloatValues, *, half_width_s: float, breaks: NDArray[np.bool_] | None = None
) -> NDArray[np.float32]:
    """Return the highest smooth curve, about, that never rises above the values; without lag.

    Parameters
    ----------
    values : (n,); NaN = missing.
    seconds : (n,) strictly increasing times.
    half_width_s : each result is the tricube-weighted mean, over this time each way, of the smallest values within
        this time of a frame.
    breaks : (n,) true where a frame has nothing to do with the one before it.

    Returns
    -------
    (n,) float32, NaN in missing frames. Frames on two sides of a missing frame or a break never mix. Where all values
    around are the same, the result is exactly theirs.
    """
    flat: NDArray[np.float64] = np.asarray(values, np.float64)
    times: NDArray[np.float64] = np.asarray(seconds, np.float64)
    present: NDArray[np.bool_] = np.isfinite(flat)
    if not present.any():
        return np.full(len(flat), np.nan, np.float32)
    run = _runs(present, breaks)
    smallest = -_largest_around(-np.where(present, flat, 0.0), times, run, half_width_s)
    lowest, highest = (sign * _largest_around(sign * smallest, times, run, half_width_s) for sign in (-1, 1))
    smooth = _fit(smallest[:, None], times, run, half_width_s, degree=0)[:, 0].clip(lowest, highest)
    return np.where(present, smooth, np.nan).astype(np.float32)


@dataclass(frozen=True, slots=True)
class OneEuroSettings:
    """How strongly `OneEuroFilter` smooths (names as in the paper).

    Parameters
    ----------
    min_cutoff_hz : cut-off at rest; lower = less jitter, more lag.
    beta : cut-off gained per unit of speed (units of the values a second); higher = less lag in motion.
    derivative_cutoff_hz : cut-off of the speed estimate.

    Raises
    ------
    SettingsError
        If a number is not finite, or is not above 0 (`beta` may be 0).
    """

    min_cutoff_hz: float = 1.0
    beta: float = 0.02
    derivative_cutoff_hz: float = 1.0

    def __post_init__(self) -> None:
        for name in ("min_cutoff_hz", "derivative_cutoff_hz"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise SettingsError(f"{name} = {value}: give a number above 0")
        if not (math.isfinite(self.beta) and self.beta >= 0):
            raise SettingsError(f"beta = {self.beta}: give a number of at least 0")


class OneEuroFilter:
    """Smooth points causally: the result at a time depends on that time and earlier ones only.

    Casiez, Roussel and Vogel 2012, "1 € Filter", CHI 2012, 2527-2530. The speed that sets the cut-off is that of the
    point (length over the last axis), so that its coordinates keep together.
    """

    def __init__(self, settings: OneEuroSettings | None = None) -> None:
        self._settings = settings or OneEuroSettings()
        self.reset()

    def reset(self) -> None:
        """Forget the past."""
        self._seconds = -math.inf
        self._value: NDArray[np.float64] | None = None
        self._speed: NDArray[np.float64] | None = None

    def update(self, value: FloatValues, seconds: float) -> NDArray[np.float32]:
        """Return the smoothed `value` (..., C) at `seconds`.

        A value with any NaN is returned as it is and makes the filter start afresh.

        Raises
        ------
        ValueError
            If `seconds` does not grow.
        """
        new: NDArray[np.float64] = np.asarray(value, np.float64)
        if not np.isfinite(new).all():
            self.reset()
            return new.astype(np.float32)
        if self._value is None or self._speed is None:
            self._seconds, self._value, self._speed = seconds, new, np.zeros_like(new)
            return new.astype(np.float32)
        step = seconds - self._seconds
        if step <= 0:
            raise ValueError(f"time must grow: {seconds} s comes after {self._seconds} s")
        share = _low_pass_share(self._settings.derivative_cutoff_hz, step)
        self._speed = self._speed + share * ((new - self._value) / step - self._speed)
        pace = np.linalg.norm(self._speed, axis=-1, keepdims=True)
        cutoff_hz = self._settings.min_cutoff_hz + self._settings.beta * pace
        self._value = self._value + _low_pass_share(cutoff_hz, step) * (new - self._value)
        self._seconds = seconds
        return self._value.astype(np.float32)


def _low_pass_share(cutoff_hz: Any, step_s: float) -> Any:
    """Return the weight of a new sample in exponential smoothing with this cut-off."""
    rate = 2.0 * math.pi * cutoff_hz * step_s
    return rate / (rate + 1.0)
