"""Behind the lips: teeth and tongue, which the facial nerve does not move.

in: landmarks of the frame and at rest -> out: a table that tells the kernel what may be seen of them.
Must not: look at pixels.

The warp carries skin. If it carried what lies behind the lips too, a lip that is not pulled up would drag the teeth
down, or squeeze them into a wedge. So in an open mouth every pixel between the lips stays where it is in the frame.
Only the shadow under the edge of a lip goes along with it, wherever it is darker than the lip and what stays. Where the
opening of the result reaches beyond the frame's, the frame shows lip instead of what lies behind: the nearest row of
its own opening, or beside its corner the nearest column, stands in for it. Where the lips are nearer to each other than
their shadow reaches, as at a corner, all is carried along the more, the nearer they are: the dark there is their own.
But where the result's lips are nearly as close as the neutral's, the neutral's own slit is seen: teeth squeezed into a
line, or drawn-in lips stretched, are none. A pixel is between the lips by as much of it as is, not by its middle: a
gap of less than a pixel is a fine line, without steps; and where what was apart in the frame touches, a line is left.
The less of the frame's opening is left where lips are near each other, the darker it is behind: less light comes in.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from afet_video import facemesh
from afet_video.datatypes import FloatArray
from afet_video.splice.alpha import AlphaField
from afet_video.splice.cavity_kernel import fill_table
from afet_video.vectors import smoothsteps

COLUMNS = 64
"""Entries of the table, from before the first corner of the mouth to beyond the second."""

_EDGE_IOD = 0.02
"""How far the landmarks may be off the true edge, so that lip would show inside."""

_RIM = 0.35
"""How far the lips' inner edge is taken back, of the way to the next row of landmarks on the lips."""

_SOFT_IOD = 0.008
"""Width of the band along the lips' edge that is carried with them."""

_SHADOW_IOD = 0.05
"""Width of the band along the lips' edge whose shadow is carried with them; of what lies between lips that are nearer
to each other, a share is carried along."""

_LINE_IOD = 0.007
"""Width of the line between lips that touch, a pixel at least; if they are three times as far apart, none is left."""

_WIDE_RANGE_IOD = (0.06, 0.12)
"""Gap between the lips from which what lies behind them begins to stay, and stays in full."""

_OVERHANG = 0.25
_INNER, _RED = np.array(facemesh.LIPS_INNER), np.array(facemesh.LIP_ROWS[2])
_IS_INNER = np.isin(np.arange(478), _INNER)
NEAR_OPENING = _IS_INNER | np.isin(np.arange(478), _RED)
"""(478,) which landmarks are on the inner edges of the lips, and on the row next to them."""
_FACING = _INNER[-np.arange(20) % 20]
"""What each landmark of the inner edge faces on the other lip: itself at the corners."""
_TINY_PX = 1e-3

_SLIT_RANGE_IOD = (0.005, 0.06)
"""How much wider apart than the neutral's the lips of the result are where the neutral's slit begins to go, and is
gone."""

_UPPER, _LOWER = (np.array(edge) for edge in facemesh.LIP_EDGES[-1])
_CORNERS = np.array((facemesh.LIPS_INNER[0], facemesh.LIPS_INNER[10]))
"""The lips' inner edges between the corners; each landmark of the upper one faces one of the lower."""

_BESIDE = 0.06
"""How far inside the corners of the frame's mouth, as a share of its width, lies what stands in beside them."""


@dataclass(frozen=True, slots=True, eq=False)
class Cavity:
    """The open mouth of one frame.

    `frame` (14,): origin x, y (pixels), unit vector along the mouth x, y, first column's place along it, columns a
    pixel, how much of what lies behind stays, 0..1, over how many pixels it sets in from the lips' edge, how far
    from it the lips' shadow reaches (lips that far apart let all of it stay), between which columns the frame's mouth
    is more than a slit, how wide the line is between lips that touch, and at which columns the corners are at rest.
    `table` (64, 6): per column where the opening begins and ends across (pixels from the axis), in the frame and at
    rest, and how much less of the frame's can be trusted where the result opens wider, at either edge. `closes`:
    whether lips come nearer to each other than they are in the frame.
    """

    frame: FloatArray
    table: FloatArray
    closes: bool


def in_cavity(triangles: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Return which triangles (M,) lie between the lips."""
    return np.asarray(_IS_INNER[triangles].all(axis=1), np.bool_)


def open_mouth(current: FloatArray, rest: FloatArray) -> Cavity:
    """Return the open mouth of a frame.

    Parameters
    ----------
    current, rest : (478, 2 or 3) landmarks of the frame, and those shown at alpha 0; pixels of the frame.
    """
    iod = facemesh.iod_px(current)
    now, then = current[_INNER, :2].astype(np.float64), rest[_INNER, :2].astype(np.float64)
    (x, y), (end_x, end_y) = now[0].tolist(), now[len(now) // 2].tolist()
    width = max(math.hypot(end_x - x, end_y - y), 1.0)
    to_right = math.copysign(1.0, end_x - x)
    along = (to_right * (end_x - x) / width, to_right * (end_y - y) / width)
    first = min(0.0, to_right * width) - _OVERHANG * width
    per_px = (COLUMNS - 1) / (width * (1 + 2 * _OVERHANG))
    table = np.empty((COLUMNS, 6))
    gap = fill_table(now, then, along, first, per_px, _EDGE_IOD * iod, table) / iod
    low, high = _WIDE_RANGE_IOD
    share = min(max((gap - low) / (high - low), 0.0), 1.0)
    soft = max(_SOFT_IOD * iod, 1.0)
    stays, shadow = share * share * (3 - 2 * share), max(_SHADOW_IOD * iod, 1.0)
    # the corners are at the same two columns in every frame
    inner = [(_OVERHANG + inside) * (COLUMNS - 1) / (1 + 2 * _OVERHANG) for inside in (_BESIDE, 1.0 - _BESIDE)]
    line = max(_LINE_IOD * iod, 1.0)
    corners = sorted(float(((then[place] - now[0]) @ along - first) * per_px) for place in (0, len(then) // 2))
    frame = np.array([x, y, *along, first, per_px, stays, soft, shadow, *inner, line, *corners], np.float32)
    narrower = (table[:, 1] - table[:, 0]) - (table[:, 3] - table[:, 2])
    return Cavity(frame, table.astype(np.float32), bool(narrower.max() > line))


def without_teeth(here: FloatArray, there: FloatArray, mouth: Cavity) -> tuple[FloatArray, FloatArray]:
    """Return landmarks (478, 2) of frame and result, inner edges of the lips safely on the lips in a wide open mouth.

    The detected edge is a pixel or so inside the opening: a rim of teeth would be carried along with the lip. Where
    lips come together in the result nothing is taken from them there: they touch.
    """
    gaps = [np.linalg.norm(xy[_INNER] - xy[_FACING], axis=1) for xy in (here, there)]
    parted = np.minimum(2.0 * (gaps[1] + _TINY_PX) / (gaps[0] + _TINY_PX), 1.0)
    results = []
    for xy, share in ((here, np.ones_like(parted)), (there, parted)):
        result = xy.copy()
        result[_INNER] += (_RIM * mouth.frame[6] * share[:, None] * (xy[_RED] - xy[_INNER])).astype(np.float32)
        results.append(result)
    return results[0], results[1]


def slit_weight(
    current: FloatArray, rest: FloatArray, neutral: FloatArray, weight: FloatArray, alpha: AlphaField
) -> FloatArray:
    """Return (478,) how much of the neutral's pixels is seen between the lips, 0 but on their inner edges.

    Parameters
    ----------
    current, rest : (478, 2 or 3) landmarks of the frame, and those shown at alpha 0; pixels of the frame.
    neutral : (478, 2 or 3) landmarks of the neutral, pixels of its picture.
    weight : (478,) share of the neutral's pixels on the skin and the lips; theirs is the most that is seen.
    alpha : alpha field of the frame, pixels of the frame.
    """
    upper, lower = (_edge_in_result(current, rest, row, alpha) for row in (_UPPER, _LOWER))
    gap = _gap_iod(upper, lower, current) - _gap_iod(neutral[_UPPER, :2], neutral[_LOWER, :2], neutral)
    shut = 1.0 - smoothsteps(gap, *_SLIT_RANGE_IOD)
    result = np.zeros(len(weight), np.float32)
    result[_CORNERS] = weight[_CORNERS]
    for row in (_UPPER, _LOWER):
        result[row] = shut * weight[row]
    return result


def _edge_in_result(current: FloatArray, rest: FloatArray, row: NDArray[np.int64], alpha: AlphaField) -> FloatArray:
    """Return about where landmarks (n,) are in the result, (n, 2): alpha is taken where they are at rest."""
    share = alpha.at(rest[row, 0], rest[row, 1])[:, None]
    return np.asarray(rest[row, :2] + share * (current[row, :2] - rest[row, :2]), np.float32)


def _gap_iod(upper: FloatArray, lower: FloatArray, xy: FloatArray) -> FloatArray:
    return np.asarray(np.linalg.norm(upper - lower, axis=1) / facemesh.iod_px(xy), np.float32)
