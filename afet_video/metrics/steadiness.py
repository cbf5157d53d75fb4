"""How steady something is over time, and whether it comes late.

in: values over time -> out: jitter, lag.  Must not: smooth, or know what the values are.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FitArray = NDArray[np.float64]


def jitter(values: FitArray, still: NDArray[np.bool_]) -> tuple[float, int]:
    """Return the RMS second difference of points over still stretches, and of how many frames.

    Parameters
    ----------
    values : (T, N, C) points, in the unit that the result shall have. NaN = missing.
    still : (T,) frames that count; a second difference counts where it and both its neighbours do.

    Notes
    -----
    ``sqrt(mean |v[t-1] - 2 v[t] + v[t+1]|^2)`` over frames and points. Steady motion at any speed gives 0. NaN if no
    three frames in a row are still.
    """
    second = values[:-2] - 2.0 * values[1:-1] + values[2:]
    good = still[:-2] & still[1:-1] & still[2:] & np.isfinite(second).all(axis=(1, 2))
    if not good.any():
        return float("nan"), 0
    return float(np.sqrt((second[good].astype(np.float64) ** 2).sum(axis=2).mean())), int(good.sum())


def lag_frames(signal: FitArray, reference: FitArray, *, most: int = 10) -> tuple[float, float]:
    """Return by how many frames `signal` (T,) comes after `reference` (T,), and how well they agree there.

    Notes
    -----
    Where Pearson's correlation of the two, shifted against each other by -`most` to `most` frames, is highest; between
    frames by the parabola through the three values at the top. The agreement is that correlation. A linear trend is
    taken out of both first. Only the longest stretch without NaN counts; both are NaN if it is too short or flat.
    """
    start, stop = _longest_run(np.isfinite(signal) & np.isfinite(reference))
    a, b = (_detrended(values[start:stop].astype(np.float64)) for values in (signal, reference))
    if stop - start < 3 * most or a.std() < 1e-9 or b.std() < 1e-9:
        return float("nan"), float("nan")
    shifts = np.arange(-most, most + 1)
    scores = np.array([_correlation(a, b, int(shift)) for shift in shifts])
    top = int(scores.argmax())
    if top in (0, len(shifts) - 1):
        return float(shifts[top]), float(scores[top])
    left, middle, right = scores[top - 1 : top + 2]
    bend = left - 2 * middle + right
    return float(shifts[top] + (0.5 * (left - right) / bend if bend < 0 else 0.0)), float(middle)


def _correlation(a: FitArray, b: FitArray, shift: int) -> float:
    count = len(a) - abs(shift)
    a, b = a[max(shift, 0) :][:count], b[max(-shift, 0) :][:count]
    a, b = a - a.mean(), b - b.mean()
    return float(a @ b / max(float(np.linalg.norm(a) * np.linalg.norm(b)), 1e-12))


def _detrended(values: FitArray) -> FitArray:
    if len(values) < 2:
        return values
    steps = np.arange(len(values), dtype=np.float64)
    result: FitArray = values - np.polyval(np.polyfit(steps, values, 1), steps)
    return result


def _longest_run(good: NDArray[np.bool_]) -> tuple[int, int]:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], good, [False]]).astype(np.int8)))
    runs = edges.reshape(-1, 2)
    if not len(runs):
        return 0, 0
    start, stop = runs[(runs[:, 1] - runs[:, 0]).argmax()].tolist()
    return int(start), int(stop)
