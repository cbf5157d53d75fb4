"""Lips that stay shut where the frame shows them shut.

in: landmarks of a frame, and at rest -> out: the latter, its mouth no wider open.  Must not: see pixels.

Lips pressed together or drawn in have no inside of the mouth to show. If the slack lips of the rest shape would part
there, the warp could only stretch the line between them into a red patch. So the gap at rest is bounded, place by place
along the lips, by the gap that the frame has.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from afet_video import facemesh

_WIDEN = 1.15
_SLACK_IOD = 0.01
_ROW_SHARE = np.array([0.6, 0.75, 0.9, 1.0])
"""How far the rows of the lips, from the outer to the inner edge, go along when the gap is closed."""

_UPPER = np.array([row[1:10] for row in facemesh.LIP_ROWS])
_LOWER = np.array([row[:10:-1] for row in facemesh.LIP_ROWS])
"""Landmarks (4, 9) of the lips from corner to corner; each of the upper lip faces one of the lower."""
_TOP, _CHIN = 168, 152


def sealed(rest: NDArray[np.float64], current: NDArray[np.floating], iod_px: float) -> NDArray[np.float64]:
    """Return `rest` (478, 3) with the lips moved together where they gape more than those of `current` (478, 3).

    Pixels of one frame; `iod_px` is its inter-ocular distance.
    """
    x, y = (current[_CHIN, :2] - current[_TOP, :2]).tolist()
    length = math.hypot(x, y)
    down = np.array([x / length, y / length])
    upper, lower = _UPPER[-1], _LOWER[-1]
    gap = (rest[lower, :2] - rest[upper, :2]) @ down
    allowed = _WIDEN * np.maximum((current[lower, :2] - current[upper, :2]) @ down, 0.0) + _SLACK_IOD * iod_px
    excess = np.maximum(gap - allowed, 0.0)
    result = rest.copy()
    if excess.any():
        shift = 0.5 * _ROW_SHARE[:, None, None] * excess[:, None] * down
        result[_UPPER, :2] += shift
        result[_LOWER, :2] -= shift
    return result
