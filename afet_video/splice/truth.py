"""Where the landmarks of the result are: known from the warp itself, never detected again.

in: landmarks and alpha field that the splice used -> out: landmarks of the result.  Must not: look at pixels.
"""

from __future__ import annotations

import numpy as np

from afet_video.datatypes import FloatArray
from afet_video.splice.alpha import AlphaField

_HALVINGS = 24


def output_landmarks(current: FloatArray, rest: FloatArray, alpha: AlphaField) -> tuple[FloatArray, FloatArray]:
    """Return the landmarks (478, 3) of the spliced frame and alpha (478,) at each of them.

    The warp shows a landmark at p = alpha l_E + (1 - alpha) l_N, where alpha is the field's value at p itself. Between
    the two ends the field is continuous, so there is a solution; bisection finds it to 1e-7 of the way.

    Parameters
    ----------
    current, rest : (478, 3) landmarks l_E and l_N, pixels of the frame.
    alpha : the alpha field that the splice used.
    """
    low = np.zeros(len(current), np.float64)
    high = np.ones(len(current), np.float64)
    moved = (current - rest).astype(np.float64)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        point = rest + middle[:, None] * moved
        above = alpha.at(point[:, 0], point[:, 1]) > middle
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    solved = (low + high) / 2
    unmoved = np.abs(moved[:, :2]).max(axis=1) < 1e-6
    solved = np.where(unmoved, alpha.at(rest[:, 0], rest[:, 1]), solved)
    landmarks = rest + solved[:, None] * moved
    return landmarks.astype(np.float32), solved.astype(np.float32)
