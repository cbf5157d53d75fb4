"""The arithmetic of `cavity`, compiled: the lips' inner edges, column by column.

in: landmarks of the ring -> out: a table, written in place.  Must not: be called by anything but `cavity`.
"""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True, error_model="numpy")
def fill_edge(u, v, first, per_px, out):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """Fill `out` (c,) with how far across the mouth an edge through points u along, v across it (n,) lies.

    Its columns begin at `first` and are `per_px` to a pixel; beyond its ends the edge goes on level. Sorts u and v.
    """
    count = len(u)
    for i in range(1, count):  # by insertion: few, and nearly in order
        along, across, j = u[i], v[i], i
        while j > 0 and u[j - 1] > along:
            u[j], v[j] = u[j - 1], v[j - 1]
            j -= 1
        u[j], v[j] = along, across
    after = 0
    for column in range(len(out)):
        place = first + column / per_px
        while after < count and u[after] <= place:
            after += 1
        if after == 0:
            out[column] = v[0]
        elif after == count:
            out[column] = v[count - 1]
        else:
            i = after - 1
            out[column] = v[i] + (v[after] - v[i]) / (u[after] - u[i]) * (place - u[i])


@njit(cache=True, nogil=True, error_model="numpy")
def fill_table(now, then, along, first, per_px, trusted, table):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """Fill `table` (c, 6), see `cavity.Cavity`, from the ring (2 k, 2) of the frame and at rest; return the widest gap.

    `along` (2,): unit vector along the mouth. `trusted`: most pixels that the frame's edges may be off.
    """
    half, columns = len(now) // 2, len(table)
    u, v, edge = np.empty(half + 1), np.empty(half + 1), np.empty(columns)
    for which in range(4):
        ring = now if which < 2 else then
        for i in range(half + 1):
            place = (i if which % 2 == 0 else half + i) % len(ring)
            x, y = ring[place, 0] - now[0, 0], ring[place, 1] - now[0, 1]
            u[i], v[i] = x * along[0] + y * along[1], y * along[0] - x * along[1]
        fill_edge(u, v, first, per_px, edge)
        for column in range(columns):
            table[column, which] = edge[column]
    widest = -np.inf
    for column in range(columns):
        top, bottom, top_then, bottom_then = table[column, 0], table[column, 1], table[column, 2], table[column, 3]
        table[column, 4] = min(max(top - top_then, 0.0), trusted)
        table[column, 5] = min(max(bottom_then - bottom, 0.0), trusted)
        widest = max(widest, bottom - top)
    return widest
