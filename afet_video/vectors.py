"""Small arithmetic with numbers and sets of vectors, as it is needed in every frame or for every neutral.

in: vectors -> out: their median, their distances, weights by these; numbers -> out: soft thresholds.  Must not: know
what they are.
"""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from afet_video.datatypes import FloatArray

Floats = TypeVar("Floats", FloatArray, NDArray[np.float64])

_TRACE_LOG = -27.0
"""Logarithm of the smallest weight, 2e-12. Far below lie denormal numbers, with which a processor is ten times as slow,
and the product of two weights must be none of them either."""


def median(vectors: NDArray[Any]) -> NDArray[Any]:
    """Return the median (k,) of vectors (n, k), free of NaN, component by component; 0 of none.

    NumPy's own looks for NaN, and takes ten times as long for a few vectors.
    """
    count = len(vectors)
    if not count:
        return np.zeros(vectors.shape[1:], vectors.dtype)
    high = count // 2
    low = high if count % 2 else high - 1
    ordered = np.partition(vectors, (low, high) if low < high else high, axis=0)
    result: NDArray[Any] = ordered[high] if low == high else (ordered[low] + ordered[high]) / 2
    return result


def squared_distances(points: Floats, others: Floats) -> Floats:
    """Return the squared distances (n, m) of points (n, 2) from others (m, 2), in the precision of both."""
    across, down = (np.subtract.outer(points[:, k], others[:, k]) for k in range(2))
    across *= across
    down *= down
    across += down
    return across


def gaussian(squared: FloatArray, width: float) -> FloatArray:
    """Return weights by squared distances of any shape, 1 where these are 0; `width`: standard deviation."""
    exponent = squared * np.float32(-0.5 / width**2)
    np.maximum(exponent, np.float32(_TRACE_LOG), out=exponent)
    return np.asarray(np.exp(exponent, out=exponent))


def smoothstep(value: float, low: float, high: float) -> float:
    """Return 0 below `low`, 1 above `high`, and an S between (Hermite's cubic 3 t^2 - 2 t^3)."""
    t = min(max((value - low) / (high - low), 0.0), 1.0)
    return t * t * (3.0 - 2.0 * t)


def smoothsteps(values: Floats, low: float, high: float) -> Floats:
    """Return `smoothstep` of values of any shape, in their precision."""
    t: Floats = np.minimum(np.maximum((values - low) / (high - low), 0.0), 1.0)
    t *= t * (3.0 - 2.0 * t)
    return t
