"""The triangle mesh over the landmarks; its topology is computed once per clip.

in: the neutral's landmarks -> out: triangles.  Must not: know about pictures.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import Delaunay

from afet_video import facemesh
from afet_video.datatypes import FloatArray

_OPENING_IOD = 0.15


def build_mesh(xy: FloatArray) -> NDArray[np.int32]:
    """Return the Delaunay triangles (M, 3) of landmarks (478, 2 or 3), pixels.

    Closed lips lie on top of each other, and a triangulation of them links the upper lip's skin to the lower lip. So
    the mouth is opened first: lower lip and chin are moved down before the triangulation; only the topology is kept.
    """
    points = np.array(xy[:, :2], dtype=np.float64)
    outer = points[facemesh.LEFT_EYE_OUTER] - points[facemesh.RIGHT_EYE_OUTER]
    iod = float(np.linalg.norm(outer))
    down = np.array([-outer[1], outer[0]]) / iod
    if down[1] < 0:
        down = -down
    mouth = points[[facemesh.LEFT_COMMISSURE, facemesh.RIGHT_COMMISSURE]].mean(axis=0)
    below = (points - mouth) @ down
    lower = below > 0.12 * iod
    lower[list(facemesh.LOWER_LIP)] = True
    lower[list(facemesh.UPPER_LIP)] = False
    lower[list(facemesh.FACE_OVAL)] = below[list(facemesh.FACE_OVAL)] > 0.3 * iod
    points[lower] += _OPENING_IOD * iod * down
    triangles: NDArray[np.int32] = Delaunay(points).simplices.astype(np.int32)
    return triangles
