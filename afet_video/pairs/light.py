"""The light on a face, told from skin that expressions leave alone.

in: a picture, landmarks -> out: colours at a few places; the gap between two of them.  Must not: choose.
"""

from __future__ import annotations

import numpy as np

from afet_video.datatypes import ByteArray, FloatArray
from afet_video.face.pose import interocular_px

_PLACES = (151, 108, 337, 69, 299, 6, 197, 117, 346, 123, 352, 50, 280)
"""Forehead, bridge of the nose, cheek bones: lit from all sides, and with few folds."""

_CELL_IOD, _OFFSET = 0.06, 8.0


def light_on(rgb: ByteArray, xyz: FloatArray) -> FloatArray:
    """Return the logarithmic mean colour (13, 3) of small cells of a face; NaN outside of the picture.

    Parameters
    ----------
    rgb : (H, W, 3) the frame.
    xyz : (478, 3) landmarks in its pixels.
    """
    half = max(round(_CELL_IOD * float(interocular_px(xyz)) / 2), 1)
    found = np.full((len(_PLACES), 3), np.nan, np.float32)
    for row, (x, y) in enumerate(np.round(xyz[list(_PLACES), :2]).astype(int)):
        cell = rgb[max(y - half, 0) : max(y + half + 1, 0), max(x - half, 0) : max(x + half + 1, 0)]
        if cell.size:
            found[row] = np.log(cell.reshape(-1, 3).mean(axis=0) + _OFFSET)
    return found


def light_gap(one: FloatArray, other: FloatArray) -> float:
    """Return how far the light of two frames differs: 0.1 is about a tenth in brightness or colour somewhere.

    The root mean square of the differences of `light_on`, places that one of them does not show left out; NaN if none
    is left.
    """
    squared = (one - other) ** 2
    return float(np.sqrt(np.nanmean(squared))) if np.isfinite(squared).any() else float("nan")
