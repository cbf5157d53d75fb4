"""Mouth and eyes: what lies behind the skin.

in: landmarks, mesh -> out: `Openings`.  Must not: look at colors.

Gaze hangs on nerves of its own: a palsy of the facial nerve covers or bares the eyeball, but does not drag it along
with the lids, as a warp of the whole mesh would. Teeth do not move either, but of them the frame shows too little: where
the result's mouth opens lower than the frame's, unmoved teeth would meet warped ones. They go with the lips.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from afet_video import facemesh
from afet_video.datatypes import FloatArray
from afet_video.splice.compose import EYE, MOUTH, SKIN, Openings

_RIMS = (facemesh.LEFT_EYE, facemesh.RIGHT_EYE)
_FRACTION_BITS = 4


def triangle_kinds(triangles: NDArray[np.int32]) -> NDArray[np.uint8]:
    """Return the kind (M,) of each triangle (M, 3): skin, between the lips, between the lids."""
    kinds = np.full(len(triangles), SKIN, np.uint8)
    for members, kind in (
        (facemesh.LIPS_INNER, MOUTH),
        (facemesh.LEFT_EYE + facemesh.LEFT_IRIS, EYE),
        (facemesh.RIGHT_EYE + facemesh.RIGHT_IRIS, EYE),
    ):
        inside = np.zeros(478, bool)
        inside[list(members)] = True
        kinds[inside[triangles].all(axis=1)] = kind
    return kinds


def openings(
    kinds: NDArray[np.uint8], xy: FloatArray, shape_hw: tuple[int, int], origin_xy: tuple[int, int]
) -> Openings:
    """Return the openings of a frame.

    Parameters
    ----------
    kinds : (M,) kinds of the triangles.
    xy : (478, 2 or 3) landmarks, pixels of the frame.
    shape_hw, origin_xy : size, and first column and row, of the rectangle that is spliced.

    Notes
    -----
    The rims themselves (one pixel) are left out: there skin and eyeball mix.
    """
    shown = np.zeros(shape_hw, np.uint8)
    for rim in _RIMS:
        polygon = (xy[list(rim), :2] - np.array(origin_xy, np.float32)) * (1 << _FRACTION_BITS)
        corners = np.rint(polygon).astype(np.int32)
        cv2.fillPoly(shown, [corners], (1,), shift=_FRACTION_BITS)
        cv2.polylines(shown, [corners], isClosed=True, color=(0,), thickness=1, shift=_FRACTION_BITS)
    return Openings(kinds, shown)
