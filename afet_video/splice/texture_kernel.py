"""The arithmetic of `texture`, compiled: how far every changed place reaches.

in: arrays -> out: an array, written in place.  Must not: be called by anything but `texture`.
"""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True, error_model="numpy")
def fill_reached(changed, spread, out):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """Fill `out` (n,) with the most that any changed place (m,) gives to each landmark, by its `spread` (m, n)."""
    out[:] = np.float32(0.0)
    for j in range(len(changed)):
        if changed[j] > np.float32(0.0):  # most of a face is at rest
            for i in range(len(out)):
                here = changed[j] * spread[j, i]
                out[i] = here if here > out[i] else out[i]
