"""Expressions in time: where each begins, is strongest, and ends.

in: a `Trace` -> out: `Episode`s.  Must not: know about neutrals, or see pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from afet_video.datatypes import FloatArray
from afet_video.pairs.traces import Trace, direction

_SAME_KIND = 0.8
"""Cosine of two expressions' directions from which they are one that goes on."""
_OTHER_KIND = 0.5
"""The same below which another expression has begun."""
SAME_EXPRESSION = 0.9
"""The same from which two episodes show the same expression."""

_HELD, _OVER = 0.35, 0.12
"""Share of the apex's effort above which an expression is held, and below which it is over."""

_PEAK_S = 0.1
"""A row that lies nearer than this to a stronger moment of its own kind, which was found before, is its slope."""

_NEARLY = 0.92
"""Share of the largest effort that is apex enough to prefer the sharper and steadier frame."""

_MOTION_SCALE_IOD_S = 0.5
_RISE = 0.03


@dataclass(frozen=True, slots=True, eq=False)
class Episode:
    """One expression: rows of the trace at which it begins, is strongest and ends; its direction (41,)."""

    onset: int
    apex: int
    offset: int
    direction: FloatArray


def find_episodes(trace: Trace, *, min_activity: float, speech: bool) -> list[Episode]:
    """Return the expressions of a person in a shot, in the order of time.

    Parameters
    ----------
    min_activity : least effort at the apex.
    speech : whether what is said counts too.
    """
    if not len(trace):
        return []
    kinds = direction(trace.change)
    may_be = ~trace.blinking & (trace.effort >= min_activity)
    if not speech:
        may_be &= ~trace.speaking
    # A held expression has many frames that are about equally strong: the steadiest is the apex.
    value = trace.effort * np.exp(-0.3 * trace.motion / _MOTION_SCALE_IOD_S)
    found: list[Episode] = []
    taken = np.zeros(len(trace), bool)
    while may_be.any():
        top = int(np.where(may_be, value, -1.0).argmax())
        first, last, held_first, held_last = _extent(trace.effort, kinds, top)
        if not _is_slope(trace, kinds, taken, top):
            apex = _best_frame(trace, may_be, top, held_first, held_last)
            found.append(Episode(first, apex, last, kinds[apex]))
        taken[first : last + 1] = True
        may_be &= ~taken
    return sorted(found, key=lambda episode: episode.apex)


def _extent(effort: FloatArray, kinds: FloatArray, top: int) -> tuple[int, int, int, int]:
    """Return the first and last row of an expression, and of the part in which it is held."""
    ends = []
    for step in (-1, 1):
        held = top
        while _inside(effort, held + step) and _goes_on(effort, kinds, top, held + step):
            held += step
        end = held
        while effort[end] > _OVER * effort[top] and _fades(effort, kinds, top, end, end + step):
            end += step
        ends.append((end, held))
    (first, held_first), (last, held_last) = ends
    return first, last, held_first, held_last


def _goes_on(effort: FloatArray, kinds: FloatArray, top: int, row: int) -> bool:
    return bool(effort[row] >= _HELD * effort[top] and kinds[row] @ kinds[top] >= _SAME_KIND)


def _fades(effort: FloatArray, kinds: FloatArray, top: int, row: int, beyond: int) -> bool:
    """Whether an expression fades from one row to the next: it does not where another one has taken its place."""
    if not _inside(effort, beyond) or effort[beyond] > effort[row] + _RISE:
        return False
    is_faint = effort[beyond] < _HELD * effort[top]  # the direction of little is noise
    return bool(is_faint or kinds[beyond] @ kinds[top] >= _OTHER_KIND)


def _inside(effort: FloatArray, row: int) -> bool:
    return 0 <= row < len(effort)


def _is_slope(trace: Trace, kinds: FloatArray, taken: NDArray[np.bool_], top: int) -> bool:
    """Whether a row only leads up to, or away from, what was found before."""
    near = taken & (np.abs(trace.seconds - trace.seconds[top]) <= _PEAK_S)
    stronger = near & (trace.effort > trace.effort[top]) & (kinds @ kinds[top] >= _SAME_KIND)
    return bool(stronger.any())


def _best_frame(trace: Trace, may_be: NDArray[np.bool_], top: int, first: int, last: int) -> int:
    """Return the sharpest and steadiest row of those that are nearly as strong as the strongest."""
    rows = np.arange(first, last + 1)
    rows = rows[may_be[first : last + 1] & (trace.effort[first : last + 1] >= _NEARLY * trace.effort[top])]
    if not len(rows):
        return top
    sharp = trace.sharpness[rows] / max(float(trace.sharpness[rows].max()), 1e-6)
    value = trace.effort[rows] / trace.effort[top] * sharp * np.exp(-trace.motion[rows] / _MOTION_SCALE_IOD_S)
    return int(rows[value.argmax()])
