"""Where the landmarks of the result are: known from the warp itself, never detected again.

in: landmarks and alpha field that the splice used -> out: landmarks of the result.  Must not: look at pixels.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from afet_video import facemesh
from afet_video.datatypes import FloatArray
from afet_video.splice.alpha import AlphaField
from afet_video.splice.compose import NeutralTexture

_HALVINGS = 24


def irises_at_rest(
    current: FloatArray, rest: FloatArray, neutral: NeutralTexture, triangles: NDArray[np.int32]
) -> FloatArray:
    """Return `rest` (478, 3) with the irises where the warp shows them at alpha 0.

    The irises are no vertices of the mesh: the warp carries them along with the triangle that they lie in. Where the
    neutral's eye comes in (a shut lid held open), it brings its own iris, in proportion to its weight.

    Parameters
    ----------
    current, rest : (478, 3) landmarks l_E and l_N, pixels of the frame.
    neutral : texture of the frame, of which landmarks and weights are used.
    triangles : (M, 3) mesh.
    """
    irises = slice(facemesh.SKIN_COUNT, None)
    ours = _carried(current[irises, :2], current, rest, triangles)
    theirs = _carried(neutral.xy[irises], neutral.xy, rest, triangles)
    if neutral.second is not None:
        others = neutral.second.xy
        theirs += np.float32(neutral.mix) * (_carried(others[irises], others, rest, triangles) - theirs)
    weight = neutral.weight[irises, None]
    result = rest.copy()
    result[irises, :2] = ours + weight * (theirs - ours)
    return result


def _carried(points: FloatArray, source: FloatArray, target: FloatArray, triangles: NDArray[np.int32]) -> FloatArray:
    """Carry points (n, 2) with the triangle of the `source` mesh that each lies in (or nearest to) to `target`."""
    a, b, c = (source[triangles[:, k], :2].astype(np.float64) for k in range(3))
    ab, ac, ap = b - a, c - a, points[:, None].astype(np.float64) - a
    area = ab[:, 0] * ac[:, 1] - ab[:, 1] * ac[:, 0]
    area = np.where(np.abs(area) < 1e-9, np.nan, area)
    v = (ap[..., 0] * ac[:, 1] - ap[..., 1] * ac[:, 0]) / area
    w = (ab[:, 0] * ap[..., 1] - ab[:, 1] * ap[..., 0]) / area
    inside = np.nan_to_num(np.minimum(np.minimum(v, w), 1 - v - w), nan=-np.inf)
    best = inside.argmax(axis=1)
    rows = np.arange(len(points))
    v, w = v[rows, best, None], w[rows, best, None]
    corners = target[triangles[best], :2]
    return np.asarray((1 - v - w) * corners[:, 0] + v * corners[:, 1] + w * corners[:, 2], np.float32)


def output_landmarks(current: FloatArray, rest: FloatArray, alpha: AlphaField) -> tuple[FloatArray, FloatArray]:
    """Return the landmarks (478, 3) of the spliced frame and alpha (478,) at each of them.

    The warp shows a landmark at p = alpha l_E + (1 - alpha) l_N, where alpha is the field's value at p itself. Between
    the two ends the field is continuous, so there is a solution; bisection finds it to 1e-7 of the way.

    Parameters
    ----------
    current, rest : (478, 3) landmarks l_E and l_N, pixels of the frame.
    alpha : the alpha field that the splice used.
    """
    moved = (current - rest).astype(np.float64)
    solved = alpha.at(rest[:, 0], rest[:, 1]).astype(np.float64)
    # The field is monotonic across the face: where both ends of a landmark's way agree, so does everything between.
    open_ = np.flatnonzero(alpha.at(current[:, 0], current[:, 1]) != solved)
    low, high = np.zeros(len(open_)), np.ones(len(open_))
    for _ in range(_HALVINGS if len(open_) else 0):
        middle = (low + high) / 2
        point = rest[open_] + middle[:, None] * moved[open_]
        above = alpha.at(point[:, 0], point[:, 1]) > middle
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    solved[open_] = (low + high) / 2
    landmarks = current - (1.0 - solved[:, None]) * moved  # so that alpha 1 leaves them as they are
    return landmarks.astype(np.float32), solved.astype(np.float32)
