"""The triangle mesh over the landmarks; its topology is computed once per clip.

in: the neutral's landmarks -> out: triangles.  Must not: know about pictures.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import Delaunay

from afet_video import facemesh
from afet_video.datatypes import FloatArray

_OUTLINE = np.array(facemesh.LIPS_OUTER)
_ON_LIPS = [index for row in facemesh.LIP_ROWS[1:] for index in row]
_SKIN = np.setdiff1d(np.arange(facemesh.SKIN_COUNT), _ON_LIPS)
"""Landmarks of the skin, up to the lips' outer edge."""

_PARTS = 4
"""So many parts each edge of the lips' outline is cut into, for the triangulation of the skin to keep to it."""

_SIZES = (1.0, 0.9, 0.8, 0.65, 0.5, 0.3)
"""Sizes of the lips that are tried."""


def build_mesh(xy: FloatArray) -> NDArray[np.int32]:
    """Return the triangles (M, 3) of landmarks (478, 2 or 3), pixels: Delaunay's on the skin, strips on the lips.

    Closed lips lie on top of each other, and a triangulation of them would link the upper lip to the lower one. But
    their rows of landmarks are alike place by place. The irises are left out: they slide under the lids, and their
    rims may lie beyond them.

    Notes
    -----
    Lips that hide skin beside them, as in a grimace, are made smaller for the triangulation, until all skin is around
    them; only the topology is kept.
    """
    points = np.array(xy[:, :2], np.float64)
    middle = points[_OUTLINE].mean(axis=0)
    outline = points[_OUTLINE]
    for size in _SIZES:
        points[_OUTLINE] = middle + size * (outline - middle)
        triangles = np.concatenate([_around_lips(points), _LIP_STRIPS])
        if _is_whole(triangles):
            break
    return triangles.astype(np.int32)


def _is_whole(triangles: NDArray[np.int64]) -> bool:
    """Return whether triangles are one piece, without a hole, and nowhere more than one lies over another."""
    edges = np.sort(triangles[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1)
    _, counts = np.unique(edges[:, 0] * 1000 + edges[:, 1], return_counts=True)
    return bool(counts.max() == 2 and facemesh.SKIN_COUNT - len(counts) + len(triangles) == 1)


def _around_lips(xy: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the triangles around the lips, every edge of whose outline they have."""
    following = np.roll(_OUTLINE, -1)
    shares = np.arange(1, _PARTS) / _PARTS
    between = xy[_OUTLINE][:, None] + shares[:, None] * (xy[following] - xy[_OUTLINE])[:, None]
    nearer = np.where(shares <= 0.5, _OUTLINE[:, None], following[:, None])
    simplices: NDArray[np.int32] = Delaunay(np.concatenate([xy[_SKIN], between.reshape(-1, 2)])).simplices
    triangles: NDArray[np.int64] = np.concatenate([_SKIN, nearer.ravel()])[simplices]
    a, b, c = triangles.T
    triangles = triangles[(a != b) & (b != c) & (c != a)]
    result: NDArray[np.int64] = triangles[~_between_lips(triangles, xy)]
    return result


def _between_lips(triangles: NDArray[np.int64], xy: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which triangles lie inside the lips' outline: their corners are on it, and go the way that it goes."""
    place = np.full(len(xy), -1)
    place[_OUTLINE] = np.arange(len(_OUTLINE))
    inside: NDArray[np.bool_] = np.all(place[triangles] >= 0, axis=1)
    outline = _area(xy[_OUTLINE])
    for i in np.flatnonzero(inside):
        inside[i] = _area(xy[_OUTLINE[np.sort(place[triangles[i]])]]) * outline > 0
    return inside


def _area(corners: NDArray[np.float64]) -> float:
    """Return twice the area of a polygon (n, 2), its sign that of the way round."""
    x, y = corners.T
    return float(x @ np.roll(y, -1) - y @ np.roll(x, -1))


def _strips() -> NDArray[np.int64]:
    """Return the triangles of the lips and of the opening between them, all the same way round as Delaunay's."""
    count = len(_OUTLINE)
    triangles = []
    for outer, inner in zip(facemesh.LIP_ROWS, facemesh.LIP_ROWS[1:], strict=False):
        for i in range(count):
            k = (i + 1) % count
            if i % 10 < 5:  # the diagonals of a lip's halves mirror each other: each inner corner sees three outer ones
                triangles += [(outer[i], outer[k], inner[i]), (outer[k], inner[k], inner[i])]
            else:
                triangles += [(outer[i], outer[k], inner[k]), (outer[i], inner[k], inner[i])]
    row = facemesh.LIPS_INNER
    for i in range(count // 2):
        upper, lower = (row[i], row[i + 1]), (row[-i % count], row[count - i - 1])
        triangles += [(upper[0], upper[1], lower[1]), (upper[0], lower[1], lower[0])]
    return np.array([triangle for triangle in triangles if len(set(triangle)) == 3])


_LIP_STRIPS = _strips()
