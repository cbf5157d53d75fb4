"""The arithmetic of `eyeball_paint`, compiled: one pass over an eye's pixels each.

in: arrays -> out: arrays, written in place.  Must not: be called by anything but `eyeball_paint`.
"""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True, error_model="numpy")
def fill_painted(lit, shadow, veins, iris, disc, gain, out):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """Fill `out` (h, w, 3) with an eyeball in the light `gain` (3,) and the `shadow` (h, w, 3) of its lids.

    Its white is `lit` (h, w, 3), times `veins` (h, w); where `disc` (h, w) is, there is the `iris` (h, w, 3).
    """
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            for k in range(3):
                white = lit[i, j, k] * veins[i, j]
                out[i, j, k] = gain[k] * shadow[i, j, k] * (white + disc[i, j] * (iris[i, j, k] - white))


@njit(cache=True, nogil=True, error_model="numpy")
def add_tint(painted, disc, of_white, of_iris):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """Give white and iris, where `disc` (h, w) is 1, of `painted` (h, w, 3) a tint (3,) each, in place."""
    for i in range(painted.shape[0]):
        for j in range(painted.shape[1]):
            for k in range(3):
                painted[i, j, k] *= of_white[k] + disc[i, j] * (of_iris[k] - of_white[k])


@njit(cache=True, nogil=True, error_model="numpy")
def fill_fitting(own, painted, disc, opening, down, start, other, below, glitter, out):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """Fill `out` (h, w) with `opening` (h, w), less what is no eyeball below the iris' middle in a frame `own`.

    That differs in brightness from what is `painted` (h, w, 3), from `other` (2,) on; a reflection on the iris, of a
    colour as even as `glitter`, may. `down` (2,): a pixel's way down, in shares of the opening, from `start`; `below`
    (2,): how far down it begins.
    """
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            out[i, j] = opening[i, j]
            depth = start + j * down[0] + i * down[1]
            if opening[i, j] <= 0.0 or depth <= below[0]:
                continue
            red, green, blue = own[i, j, 0], own[i, j, 1], own[i, j, 2]
            if disc[i, j] > 0.5 and min(red, green, blue) > glitter * max(red, green, blue):
                continue
            usual = max((painted[i, j, 0] + painted[i, j, 1] + painted[i, j, 2]) / 3.0, 8.0)
            t = min(max((abs((red + green + blue) / 3.0 / usual - 1.0) - other[0]) / (other[1] - other[0]), 0.0), 1.0)
            s = min((depth - below[0]) / (below[1] - below[0]), 1.0)
            out[i, j] *= 1.0 - t * t * (3.0 - 2.0 * t) * s * s * (3.0 - 2.0 * s)


@njit(cache=True, nogil=True, error_model="numpy")
def lay(spliced, frame, painted, kept, opening, own, mask, share):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """Lay `painted` (h, w, 3), and the frame's own eyeball over it, on `spliced` where `mask` (h, w) is, in place.

    `kept` (h, w): how much of its own, up to `opening`, is shown, times `own`. `share`: how much of all that is.
    """
    for i in range(spliced.shape[0]):
        for j in range(spliced.shape[1]):
            if mask[i, j] <= 0.0:
                continue
            weight = own * min(kept[i, j], opening[i, j])
            for k in range(3):
                value = painted[i, j, k] + weight * (frame[i, j, k] - painted[i, j, k])
                spliced[i, j, k] += share * mask[i, j] * (min(value, np.float32(255.0)) - spliced[i, j, k])
