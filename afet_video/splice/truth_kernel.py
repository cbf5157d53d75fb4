"""The arithmetic of `truth`, compiled: half a thousand landmarks a frame, a search for each.

in: arrays -> out: arrays.  Must not: be called by anything but `truth`.
"""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True, error_model="numpy")
def _alpha(x, y, rows, columns, ramp, bend):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """Return alpha at a point; `ramp`: direction, start, stop, whether it is linear; `bend` (2, n): rows, steepness."""
    i, after = 0, len(rows) - 1  # beyond the samples the end slopes go on
    while after - i > 1:
        between = (i + after) // 2
        if rows[between] < y:
            i = between
        else:
            after = between
    middle = columns[i] + (columns[i + 1] - columns[i]) / (rows[i + 1] - rows[i]) * (y - rows[i])
    steep, last = bend[1, 0], bend.shape[1] - 1
    if y >= bend[0, last]:
        steep = bend[1, last]
    elif y > bend[0, 0]:
        j = 0
        while bend[0, j + 1] < y:
            j += 1
        steep = bend[1, j] + (bend[1, j + 1] - bend[1, j]) / (bend[0, j + 1] - bend[0, j]) * (y - bend[0, j])
    t = min(max((ramp[0] * (x - middle) * steep - ramp[1]) / (ramp[2] - ramp[1]), 0.0), 1.0)
    return t if ramp[3] != 0.0 else t * t * (3.0 - 2.0 * t)


@njit(cache=True, nogil=True, error_model="numpy")
def solve(current, rest, rows, columns, ramp, bend, halvings):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """Return alpha (n,) at each landmark of the result, from l_E and l_N (n, 2 or more) and the midline's samples."""
    solved = np.empty(len(current))
    for k in range(len(current)):
        x, y = rest[k, 0], rest[k, 1]
        dx, dy = current[k, 0] - x, current[k, 1] - y
        solved[k] = _alpha(x, y, rows, columns, ramp, bend)
        # The field is monotonic across the face: where both ends of a landmark's way agree, so does all between.
        if _alpha(current[k, 0], current[k, 1], rows, columns, ramp, bend) == solved[k]:
            continue
        low, high = 0.0, 1.0
        for _ in range(halvings):
            middle = (low + high) / 2
            if _alpha(x + middle * dx, y + middle * dy, rows, columns, ramp, bend) > middle:
                low = middle
            else:
                high = middle
        solved[k] = (low + high) / 2
    return solved


@njit(cache=True, nogil=True, error_model="numpy")
def carry(points, source, target, triangles):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """Carry points (n, 2) with the triangle of the `source` mesh that each is in, or nearest to, to `target`."""
    out = np.empty((len(points), 2))
    for k in range(len(points)):
        best, where, v_best, w_best = -np.inf, 0, 0.0, 0.0
        for t in range(len(triangles)):
            a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
            abx, aby = source[b, 0] - source[a, 0], source[b, 1] - source[a, 1]
            acx, acy = source[c, 0] - source[a, 0], source[c, 1] - source[a, 1]
            area = abx * acy - aby * acx
            if abs(area) < 1e-9:
                continue
            apx, apy = points[k, 0] - source[a, 0], points[k, 1] - source[a, 1]
            v, w = (apx * acy - apy * acx) / area, (abx * apy - aby * apx) / area
            inside = min(v, w, 1.0 - v - w)
            if inside > best:
                best, where, v_best, w_best = inside, t, v, w
        for axis in range(2):
            a, b, c = (
                target[triangles[where, 0], axis],
                target[triangles[where, 1], axis],
                target[triangles[where, 2], axis],
            )
            out[k, axis] = (1.0 - v_best - w_best) * a + v_best * b + w_best * c
    return out
