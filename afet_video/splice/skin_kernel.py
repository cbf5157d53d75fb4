"""The arithmetic of `skin` and `cover`, compiled: what is told of every pixel, and of every landmark by the others.

in: arrays -> out: arrays.  Must not: draw, or be called by anything but `skin` and `cover`.
"""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True, error_model="numpy")
def _distance(red, green, blue, shade, by_dark, by_bright, by_chroma):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    zero = np.float32(0.0)
    luma = (red + green + blue) * np.float32(1 / 3)
    redder = min(max((red - blue) * np.float32(0.5), zero), max(luma * -shade, zero))
    hue = max(abs(red - luma - redder), abs(green - luma), abs(blue - luma + redder)) * by_chroma
    luma *= by_dark if luma < zero else by_bright
    return np.sqrt(luma * luma + hue * hue)


@njit(cache=True, nogil=True, error_model="numpy")
def fill_distance(log, other, scales, out):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """Fill `out` (h, w) with the size of differences of logarithmic colours (h, w, 3), in `skin.log_scales`."""
    shade, by_dark, by_bright, by_chroma = scales
    for r in range(log.shape[0]):
        for c in range(log.shape[1]):
            red, green, blue = (
                log[r, c, 0] - other[r, c, 0],
                log[r, c, 1] - other[r, c, 1],
                log[r, c, 2] - other[r, c, 2],
            )
            out[r, c] = _distance(red, green, blue, shade, by_dark, by_bright, by_chroma)


@njit(cache=True, nogil=True, error_model="numpy")
def agree(gain, weight, middle, near, scales, smooth):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """Set the weights (n,) of those gains (n, 3) to 0 that are far from `middle` (3,), or from the others around them.

    `near` (n, n), symmetric: how much landmarks say about each other. Fills `smooth` (n, 3), the gains around.
    """
    count = len(gain)
    shade, by_dark, by_bright, by_chroma = scales
    for i in range(count):
        red, green, blue = gain[i, 0] - middle[0], gain[i, 1] - middle[1], gain[i, 2] - middle[2]
        if not _distance(red, green, blue, shade, by_dark, by_bright, by_chroma) < np.float32(2.0):
            weight[i] = np.float32(0.0)
    sums = np.empty((4, count), np.float32)
    for _ in range(2):
        sums[:] = np.float32(0.0)
        for j in range(count):
            if weight[j] == np.float32(0.0):
                continue
            w = weight[j]
            red, green, blue = w * gain[j, 0], w * gain[j, 1], w * gain[j, 2]
            for i in range(count):
                share = near[j, i]
                sums[0, i] += share * red
                sums[1, i] += share * green
                sums[2, i] += share * blue
                sums[3, i] += share * w
        for i in range(count):
            for k in range(3):
                smooth[i, k] = sums[k, i] / (sums[3, i] + np.float32(1e-9))
            red, green, blue = gain[i, 0] - smooth[i, 0], gain[i, 1] - smooth[i, 1], gain[i, 2] - smooth[i, 2]
            if not _distance(red, green, blue, shade, by_dark, by_bright, by_chroma) < np.float32(1.0):
                weight[i] = np.float32(0.0)


@njit(cache=True, nogil=True, error_model="numpy")
def fill_candidates(deviation, before, hands, plain, oval, levels, likely, sure):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """Fill (h, w) uint8 with what may be covered, and what surely is; `levels`: see `cover`.

    `before`: what was covered in the last frame; `hands`: 1 on hands, smaller around them; both (h, w), 0 where not.
    `plain`, `oval`: where skin is to be expected, and where the mesh lies.
    """
    level_sure, level_likely, level_kept, level_hand = levels
    for r in range(deviation.shape[0]):
        for c in range(deviation.shape[1]):
            low = level_kept if before[r, c] > np.float32(0.3) else level_likely
            if hands[r, c] > np.float32(0.0):
                low = level_hand
            on_hand, is_plain = hands[r, c] == np.float32(1.0), plain[r, c] > 0
            likely[r, c] = (is_plain and deviation[r, c] > low) or (on_hand and oval[r, c] > 0)
            sure[r, c] = (is_plain and deviation[r, c] > level_sure) or on_hand or before[r, c] > np.float32(0.5)


@njit(cache=True, nogil=True, error_model="numpy")
def fill_kept(labels, sure, areas, least, covered):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """Fill `covered` (h, w) uint8 with the parts of `labels` (h, w), larger than `least`, that are sure somewhere.

    `areas` (n,): pixels of each part; 0 is what lies around. Returns whether there is any.
    """
    keep, found = np.zeros(len(areas), np.uint8), False
    for r in range(labels.shape[0]):
        for c in range(labels.shape[1]):
            part = labels[r, c]
            if part > 0 and sure[r, c] > 0 and areas[part] > least:
                keep[part], found = 1, True
    for r in range(labels.shape[0]):
        for c in range(labels.shape[1]):
            covered[r, c] = keep[labels[r, c]]
    return found
