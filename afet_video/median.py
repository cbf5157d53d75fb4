"""The median of a few vectors, as it is needed in every frame.

in: vectors -> out: their median.  Must not: know what they are.

NumPy's own looks for NaN, and takes ten times as long for what is this small.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def median(vectors: NDArray[Any]) -> NDArray[Any]:
    """Return the median (k,) of vectors (n, k), free of NaN, component by component; 0 of none."""
    count = len(vectors)
    if not count:
        return np.zeros(vectors.shape[1:], vectors.dtype)
    high = count // 2
    low = high if count % 2 else high - 1
    ordered = np.partition(vectors, (low, high) if low < high else high, axis=0)
    result: NDArray[Any] = ordered[high] if low == high else (ordered[low] + ordered[high]) / 2
    return result
