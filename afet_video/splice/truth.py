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
from afet_video.splice.truth_kernel import carry, solve

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
    here, there, away = (np.asarray(values[:, :2], np.float64) for values in (points, source, target))
    return np.asarray(carry(here, there, away, triangles), np.float32)


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
    ramp = np.array([alpha.direction, alpha.start, alpha.stop, alpha.is_linear], np.float64)
    expressive, resting = (np.asarray(end[:, :2], np.float64) for end in (current, rest))
    rows, columns = (np.asarray(values, np.float64) for values in (alpha.midline.y, alpha.midline.x))
    solved = solve(expressive, resting, rows, columns, ramp, np.asarray(alpha.bend, np.float64), _HALVINGS)
    landmarks = current - (1.0 - solved[:, None]) * moved  # so that alpha 1 leaves them as they are
    return landmarks.astype(np.float32), solved.astype(np.float32)
