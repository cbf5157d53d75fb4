"""The triangle mesh over the landmarks; its topology is computed once per clip.

in: the neutral's landmarks -> out: triangles.  Must not: know about pictures.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import Delaunay

from afet_video import facemesh
from afet_video.datatypes import FloatArray

_OPENING_IOD = 0.25
_ROW_SCALES = (0.70, 0.50, 0.30)
_ROW_HEIGHT = 0.6
"""For the triangulation the inner rows of the lips become ellipses, this large against the outer edge, this high."""


def build_mesh(xy: FloatArray) -> NDArray[np.int32]:
    """Return the Delaunay triangles (M, 3) of landmarks (478, 2 or 3), pixels.

    Closed lips lie on top of each other, and a triangulation of them links the upper lip to the lower one. So the mouth
    is opened first, and the lips are laid out in rings; only the topology is kept. The irises are left out: they slide
    under the lids, and their rims may lie beyond them.
    """
    points = np.array(xy[:, :2], dtype=np.float64)
    outer = points[facemesh.LEFT_EYE_OUTER] - points[facemesh.RIGHT_EYE_OUTER]
    iod = float(np.linalg.norm(outer))
    down = np.array([-outer[1], outer[0]]) / iod
    if down[1] < 0:
        down = -down
    commissures = points[[facemesh.LEFT_COMMISSURE, facemesh.RIGHT_COMMISSURE]].mean(axis=0)
    below = (points - commissures) @ down
    opening = np.where(below > 0.12 * iod, 1.0, 0.0)
    opening[list(facemesh.FACE_OVAL)] = below[list(facemesh.FACE_OVAL)] > 0.3 * iod
    opening[list(facemesh.UPPER_LIP + facemesh.COMMISSURES)] = 0.0
    lower = list(facemesh.LOWER_LIP)
    opening[lower] = _between_commissures(points, lower)
    points += _OPENING_IOD * iod * opening[:, None] * down
    right, left = points[facemesh.RIGHT_COMMISSURE], points[facemesh.LEFT_COMMISSURE]
    middle = points[list(facemesh.LIPS_OUTER)].mean(axis=0)
    angle = np.pi * np.arange(20)[:, None] / 10  # the rows run from the right commissure over the upper lip
    ring = np.cos(angle) * (right - left) / 2 - np.sin(angle) * _ROW_HEIGHT * np.linalg.norm(right - left) / 2 * down
    for row, scale in zip(facemesh.LIP_ROWS[1:], _ROW_SCALES, strict=True):
        points[list(row)] = middle + scale * ring
    triangles: NDArray[np.int32] = Delaunay(points[: facemesh.SKIN_COUNT]).simplices.astype(np.int32)
    return triangles


def _between_commissures(points: NDArray[np.float64], indices: list[int]) -> NDArray[np.float64]:
    """Return 0 at the commissures, 1 half-way between them, for each of the points chosen."""
    right, left = points[facemesh.RIGHT_COMMISSURE], points[facemesh.LEFT_COMMISSURE]
    across = (points[indices] - right) @ (left - right) / ((left - right) @ (left - right))
    return np.asarray(np.sin(np.pi * across.clip(0.0, 1.0)), np.float64)
