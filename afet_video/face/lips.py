"""Lips that stay shut where the frame shows them shut.

in: landmarks of a frame, and at rest -> out: the latter, its mouth no wider open.  Must not: see pixels.

Lips pressed together or drawn in have no inside of the mouth to show. If the slack lips of the rest shape would part
there, the warp could only stretch the line between them into a red patch. So the gap at rest is bounded, place by place
along the lips, by the gap that the frame has.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from afet_video import facemesh

_WIDEN = 1.15
_SLACK_IOD = 0.01
_ROW_SHARE = (0.6, 0.75, 0.9, 1.0)
"""How far the rows of the lips, from the outer to the inner edge, go along when the gap is closed."""

_PLACES = range(1, 10)
_TOP, _CHIN = 168, 152


def sealed(rest: NDArray[np.float64], current: NDArray[np.floating], iod_px: float) -> NDArray[np.float64]:
    """Return `rest` (478, 3) with the lips moved together where they gape more than those of `current` (478, 3).

    Pixels of one frame; `iod_px` is its inter-ocular distance.
    """
    down = current[_CHIN, :2] - current[_TOP, :2]
    down = down / np.linalg.norm(down)
    inner = facemesh.LIPS_INNER
    upper, lower = [inner[place] for place in _PLACES], [inner[20 - place] for place in _PLACES]
    gap = (rest[lower, :2] - rest[upper, :2]) @ down
    allowed = _WIDEN * np.maximum((current[lower, :2] - current[upper, :2]) @ down, 0.0) + _SLACK_IOD * iod_px
    excess = np.maximum(gap - allowed, 0.0)
    result = rest.copy()
    for row, share in zip(facemesh.LIP_ROWS, _ROW_SHARE, strict=True):
        shift = 0.5 * share * excess[:, None] * down
        result[[row[place] for place in _PLACES], :2] += shift
        result[[row[20 - place] for place in _PLACES], :2] -= shift
    return result
