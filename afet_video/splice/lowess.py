"""Robust locally weighted regression of a few points (LOWESS; Cleveland 1979, JASA 74: 829), compiled.

in: points in the order of x, where to evaluate -> out: the curve there.  Must not: know what the points are.

The definition is that of statsmodels, against which it is tested: `frac * n` nearest neighbours, tricube weights,
`it` rounds in which points far from the curve lose weight (bisquare of the residual over six times its median). There
it takes 0.7 ms a frame, most of it Python, which holds other threads up.
"""

from __future__ import annotations

import numpy as np
from numba import njit

_NONE = 1e-12


@njit(cache=True, nogil=True, error_model="numpy")
def lowess(x, y, at, frac, it):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """Return the curve (m,) at `at` (m,), which grows, from points x (n,), y (n,); NaN where too few points count."""
    count = min(max(int(frac * len(x) + 1e-10), 2), len(x))
    trust = np.ones(len(x))
    for _ in range(it):
        fitted = _local_lines(x, y, x, trust, count)
        away = np.abs(y - np.where(np.isnan(fitted), y, fitted))
        scale = 6.0 * np.median(away)
        for j in range(len(x)):
            r = away[j] / scale if scale > 0.0 else (1.0 if away[j] > 0.0 else 0.0)
            trust[j] = (1.0 - r * r) ** 2 if r < 1.0 else 0.0
    return _local_lines(x, y, at, trust, count)


@njit(cache=True, nogil=True, error_model="numpy")
def _local_lines(x, y, at, trust, count):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """Return, at each place, the value there of the line through its `count` nearest points."""
    out = np.empty(len(at))
    weight = np.empty(count)
    first = 0
    for i in range(len(at)):
        while first + count < len(x) and at[i] - x[first] > x[first + count] - at[i]:
            first += 1
        reach = max(at[i] - x[first], x[first + count - 1] - at[i])
        total, used = 0.0, 0
        for j in range(count):
            r = abs(x[first + j] - at[i]) / reach
            weight[j] = trust[first + j] * (1.0 - r**3) ** 3 if r < 1.0 else 0.0
            total += weight[j]
            used += weight[j] > _NONE
        if used < 2:
            out[i] = np.nan
            continue
        mean_x = mean_y = spread = both = 0.0
        for j in range(count):
            mean_x += weight[j] / total * x[first + j]
            mean_y += weight[j] / total * y[first + j]
        for j in range(count):
            apart = x[first + j] - mean_x
            spread += weight[j] / total * apart * apart
            both += weight[j] / total * apart * (y[first + j] - mean_y)
        out[i] = mean_y + (at[i] - mean_x) * both / max(spread, _NONE)
    return out
