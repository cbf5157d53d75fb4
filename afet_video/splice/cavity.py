"""Behind the lips: teeth and tongue, which the facial nerve does not move.

in: landmarks of the frame and at rest -> out: a table that tells the kernel what may be seen of them.
Must not: look at pixels.

The warp carries skin. If it carried what lies behind the lips too, a lip that is not pulled up would drag the teeth
down, or squeeze them into a wedge. So in an open mouth every pixel between the lips stays where it is in the frame.
Only the shadow under the edge of a lip goes along with it, wherever it is darker than the lip and what stays. Where the
opening of the result reaches beyond the frame's, the frame shows lip instead of what lies behind: the nearest row of
its own opening, or beside its corner the nearest column, stands in for it. A slit is carried along all the same: there
the lips' edges are as wide as the gap itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from afet_video import facemesh
from afet_video.datatypes import FloatArray

COLUMNS = 64
"""Entries of the table, from before the first corner of the mouth to beyond the second."""

_EDGE_IOD = 0.02
"""How far the landmarks may be off the true edge, so that lip would show inside."""

_RIM = 0.35
"""How far the lips' inner edge is taken back, of the way to the next row of landmarks on the lips."""

_SOFT_IOD = 0.008
"""Width of the band along the lips' edge that is carried with them."""

_SHADOW_IOD = 0.05
"""Width of the band along the lips' edge whose shadow is carried with them."""

_WIDE_RANGE_IOD = (0.06, 0.12)
"""Gap between the lips from which what lies behind them begins to stay, and stays in full."""

_OVERHANG = 0.25

_INNER = 0.06
"""How far inside the corners of the frame's mouth, as a share of its width, lies what stands in beside them."""


@dataclass(frozen=True, slots=True, eq=False)
class Cavity:
    """The open mouth of one frame.

    `frame` (11,): origin x, y (pixels), unit vector along the mouth x, y, first column's place along it, columns a
    pixel, how much of what lies behind stays, 0..1, over how many pixels it sets in from the lips' edge, how far
    from it the lips' shadow reaches, and between which columns the frame's mouth is more than a slit. `table`
    (64, 6): per column where the opening begins and ends across (pixels from the axis), in the frame and at rest, and
    how much less of the frame's can be trusted where the result opens wider, at either edge.
    """

    frame: FloatArray
    table: FloatArray


def in_cavity(triangles: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Return which triangles (M,) lie between the lips."""
    inside = np.zeros(478, bool)
    inside[list(facemesh.LIPS_INNER)] = True
    return np.asarray(inside[triangles].all(axis=1), np.bool_)


def open_mouth(current: FloatArray, rest: FloatArray) -> Cavity:
    """Return the open mouth of a frame.

    Parameters
    ----------
    current, rest : (478, 2 or 3) landmarks of the frame, and those shown at alpha 0; pixels of the frame.
    """
    iod = float(np.linalg.norm(current[facemesh.LEFT_EYE_OUTER, :2] - current[facemesh.RIGHT_EYE_OUTER, :2]))
    ring = list(facemesh.LIPS_INNER)
    now, then = current[ring, :2], rest[ring, :2]
    half = len(ring) // 2
    along = now[half] - now[0]
    width = max(float(np.linalg.norm(along)), 1.0)
    along = along / width if along[0] >= 0 else -along / width
    across = np.array([-along[1], along[0]])
    first = min(0.0, float((now[half] - now[0]) @ along)) - _OVERHANG * width
    per_px = (COLUMNS - 1) / (width * (1 + 2 * _OVERHANG))
    places = first + np.arange(COLUMNS) / per_px
    edges = [_edges((points - now[0]) @ along, (points - now[0]) @ across, places, half) for points in (now, then)]
    (top, bottom), (top_then, bottom_then) = edges
    wider = np.stack([top - top_then, bottom_then - bottom], axis=1)
    table = np.column_stack([top, bottom, top_then, bottom_then, np.clip(wider, 0.0, _EDGE_IOD * iod)])
    low, high = _WIDE_RANGE_IOD
    gap = float((bottom - top).max()) / iod
    share = np.clip((gap - low) / (high - low), 0.0, 1.0)
    soft = max(_SOFT_IOD * iod, 1.0)
    stays = share * share * (3 - 2 * share)
    inner = ((np.array([_INNER, 1.0 - _INNER]) * width) - first) * per_px
    frame = np.array([*now[0], *along, first, per_px, stays, soft, max(_SHADOW_IOD * iod, 1.0), *inner], np.float32)
    return Cavity(frame, table.astype(np.float32))


def without_teeth(xy: FloatArray, mouth: Cavity) -> FloatArray:
    """Return landmarks (478, 2) whose inner edge of the lips lies safely on the lips, as far as the mouth is wide open.

    The detected edge is a pixel or so inside the opening: a rim of teeth would be carried along with the lip.
    """
    inner, red = list(facemesh.LIPS_INNER), list(facemesh.LIP_ROWS[2])
    result = xy.copy()
    result[inner] += _RIM * mouth.frame[6] * (xy[red] - xy[inner])
    return result


def _edges(
    u: FloatArray, v: FloatArray, places: NDArray[np.float64], half: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return upper and lower edge (64,) of a ring with coordinates u along and v across the mouth; beyond the corners
    both are the corner's.
    """
    result = []
    for side in (list(range(half + 1)), [*range(half, len(u)), 0]):
        order = np.argsort(u[side], kind="stable")
        result.append(np.interp(places, u[side][order], v[side][order]))
    return result[0], result[1]
