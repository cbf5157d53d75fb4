"""Thin lines in a picture, and the best course along them.

in: a picture unrolled along a course -> out: how much of a line runs at each place, and the course that follows it.
Must not: know what the lines are.

A picture unrolled along a course has a row for each of its places and a column for each step away from it: a line that
follows the course runs down the rows.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from afet_video.datatypes import FloatArray

_WIDTHS = (1.0, 1.6, 2.4, 3.6)
"""Standard deviations, in columns, of the lines looked for."""


def line_strength(unrolled: FloatArray, *, along: float = 1.0) -> FloatArray:
    """Return how much darker or brighter (n, k) a thin line at each place is than what lies on both sides of it.

    Parameters
    ----------
    unrolled : (n, k) logarithm of the brightness.
    along : standard deviation, in rows, over which a line must go on.
    """
    best = np.zeros_like(unrolled)
    for width in _WIDTHS:
        smooth = cv2.GaussianBlur(unrolled, (0, 0), sigmaX=width, sigmaY=along)
        bend = np.abs(smooth[:, 2:] + smooth[:, :-2] - 2 * smooth[:, 1:-1]) * np.float32(width**2)
        best[:, 1:-1] = np.maximum(best[:, 1:-1], bend)
    return best


def best_course(strength: FloatArray, *, bend: float, lean: float, enough: float, ring: bool) -> NDArray[np.int64]:
    """Return the column (n,) in each row along which a smooth course meets the most of a line.

    Parameters
    ----------
    strength : (n, k) of the line at each place.
    bend, lean : what a change of direction by one column a row costs, and what such a direction itself does.
    enough : strength above which no more is gained, so that one strong place does not outweigh a whole line.
    ring : whether the last row is followed by the first.
    """
    rows, columns = strength.shape
    gain = np.minimum(strength, enough)
    steps = np.arange(-2, 3)
    turns = bend * np.abs(steps[:, None] - steps[None, :])
    sweeps = 3 if ring else 1  # the middle one of three knows nothing of where the course began
    cost = np.zeros((columns, len(steps)))
    came_by = np.zeros((sweeps * rows, columns, len(steps)), np.int8)
    moves = [_move(step, columns) for step in steps.tolist()]
    for row in range(sweeps * rows):
        arrived = np.full_like(cost, -np.inf)
        for place, (there, here) in enumerate(moves):
            options = cost[there] - turns[place]
            came_by[row, here, place] = options.argmax(axis=1)
            arrived[here, place] = options.max(axis=1) - lean * abs(int(steps[place]))
        cost = arrived + gain[row % rows][:, None]
    column, place = (int(value) for value in np.unravel_index(cost.argmax(), cost.shape))
    course = np.zeros(sweeps * rows, np.int64)
    for row in range(sweeps * rows - 1, -1, -1):
        course[row] = column
        before = int(came_by[row, column, place])
        column -= int(steps[place])
        place = before
    return course[rows : 2 * rows] if ring else course


def _move(step: int, columns: int) -> tuple[slice, slice]:
    """Return the columns from which a step leads to columns, and these."""
    return slice(max(-step, 0), columns - max(step, 0)), slice(max(step, 0), columns + min(step, 0))
