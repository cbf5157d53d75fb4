"""Lips that stay shut where the frame shows them shut, and that meet where they would pass through each other.

in: landmarks of a frame, and at rest -> out: the latter, its mouth no wider open and not inside out.  Must not: see
pixels.

Lips pressed together or drawn in have no inside of the mouth to show. If the slack lips of the rest shape would part
there, the warp could only stretch the line between them into a red patch. So the gap at rest is bounded, place by place
along the lips, by the gap that the frame has.

A lip that is not pulled up may come to lie beyond the other: they touch instead, half-way. A mesh that turns inside out
would show dots of teeth along the line.
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

_UPPER, _LOWER = (np.array(edges) for edges in zip(*facemesh.LIP_EDGES, strict=True))
"""Landmarks (4, 9) of the lips from corner to corner; each of the upper lip faces one of the lower."""
_TOP, _CHIN = 168, 152


def sealed(rest: NDArray[np.float64], current: NDArray[np.floating], iod_px: float) -> NDArray[np.float64]:
    """Return `rest` (478, 3) with the lips moved together where they gape more than those of `current` (478, 3).

    Pixels of one frame; `iod_px` is its inter-ocular distance.
    """
    down = _down(current)
    allowed = _WIDEN * np.maximum(_gaps(current, down), 0.0) + _SLACK_IOD * iod_px
    excess = np.maximum(_gaps(rest, down) - allowed, 0.0)
    return _moved_together(rest, excess, down) if excess.any() else rest


def lip_gaps(xyz: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return how far apart the lips' inner edges are at 9 places from corner to corner, pixels; < 0: they overlap."""
    return _gaps(xyz, _down(xyz))


def touching(shown: NDArray[np.float64], current: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return `shown` (478, 3) with the lips moved apart where they overlap more than those of `current` (478, 3)."""
    down = _down(current)
    overlap = np.minimum(_gaps(shown, down) - np.minimum(_gaps(current, down), 0.0), 0.0)
    return _moved_together(shown, overlap, down) if overlap.any() else shown


def _gaps(xyz: NDArray[np.floating], down: NDArray[np.float64]) -> NDArray[np.float64]:
    result: NDArray[np.float64] = (xyz[_LOWER[-1], :2] - xyz[_UPPER[-1], :2]) @ down
    return result


def _down(xyz: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the unit vector (2,) down the face."""
    x, y = (xyz[_CHIN, :2] - xyz[_TOP, :2]).tolist()
    length = math.hypot(x, y)
    return np.array([x / length, y / length])


def _moved_together(
    xyz: NDArray[np.float64], by: NDArray[np.float64], down: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return landmarks with the lips moved together by so many pixels at each of the 9 places."""
    result = xyz.copy()
    shift = 0.5 * _ROW_SHARE[:, None, None] * by[:, None] * down
    result[_UPPER, :2] += shift
    result[_LOWER, :2] -= shift
    return result
