"""The moments in which a person is at rest, and which of them suits an expression.

in: a `Trace` -> out: how well each frame shows rest; candidates for an apex.  Must not: see pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from afet_video.datatypes import FloatArray
from afet_video.pairs.traces import Trace, runs

_EFFORT_SCALE, _GAP_SCALE_IOD, _LEAST_GAP_IOD, _MOTION_SCALE_IOD_S = 0.6, 0.05, 0.02, 0.5
_STABLE_S = 0.2

REST = 0.4
"""Score from which a frame shows the face at rest: an effort of 0.6 alone makes a half of it."""

_POSE_SCALE_DEG, _GAZE_SCALE, _SECONDS_SCALE = 5.0, 0.15, 60.0
_OPEN = 0.5
"""Opening of the lids, against the usual one, below which an apex shows no gaze to be matched."""

CANDIDATES, _APART_S = 6, 0.1


@dataclass(frozen=True, slots=True)
class Candidate:
    """A frame at rest that may go with an apex: its row, and how far head and gaze are from the apex's."""

    row: int
    pose_gap_deg: float
    gaze_gap: float | None
    cost: float


def rest_scores(trace: Trace) -> FloatArray:
    """Return (n,) 0..1 how well each frame shows the face at rest: calm for a while, eyes open, mouth shut, sharp."""
    if not len(trace):
        return np.empty(0, np.float32)
    effort = _largest_near(trace.effort, trace.seconds)
    usual_lids = np.maximum(np.quantile(trace.lids, 0.6, axis=0), 1e-6)
    lids = (trace.lids / usual_lids).min(axis=1)
    usual_gap = max(float(np.quantile(trace.mouth_gap, 0.1)), _LEAST_GAP_IOD)
    sharp = trace.sharpness / max(float(np.quantile(trace.sharpness, 0.8)), 1e-6)
    score = 1.0 / (1.0 + (effort / _EFFORT_SCALE) ** 2)
    score *= np.clip((lids - 0.5) / 0.35, 0.0, 1.0)
    score *= np.exp(-np.maximum(trace.mouth_gap - usual_gap, 0.0) / _GAP_SCALE_IOD)
    score *= np.clip(sharp, 0.0, 1.0) * np.exp(-trace.motion / _MOTION_SCALE_IOD_S)
    return np.asarray(np.where(trace.blinking, 0.0, score), np.float32)


def rest_stretch(scores: FloatArray, row: int) -> tuple[int, int]:
    """Return the first and last row of the stretch at rest that a row lies in."""
    for first, last in runs(scores >= REST):
        if first <= row < last:
            return first, last - 1
    return row, row


def candidates(trace: Trace, scores: FloatArray, apex: int, *, max_pose_gap_deg: float) -> list[Candidate]:
    """Return up to six frames at rest that go best with an apex, the best first; light is not yet looked at."""
    rows = np.flatnonzero(scores >= REST)
    gaps = np.linalg.norm(trace.angles_deg[rows] - trace.angles_deg[apex], axis=1)
    rows, gaps = rows[gaps <= max_pose_gap_deg], gaps[gaps <= max_pose_gap_deg]
    usual_lids = np.maximum(np.quantile(trace.lids, 0.6, axis=0), 1e-6)
    looks = bool((trace.lids[apex] / usual_lids).min() >= _OPEN)
    gaze = np.linalg.norm(trace.gaze[rows] - trace.gaze[apex], axis=1)
    away = np.abs(trace.seconds[rows] - trace.seconds[apex])
    cost = gaps / _POSE_SCALE_DEG + 1.5 * (1.0 - scores[rows]) + np.minimum(away / _SECONDS_SCALE, 1.0)
    cost += gaze / _GAZE_SCALE if looks else 0.0
    chosen: list[Candidate] = []
    for k in np.argsort(cost, kind="stable"):
        if len(chosen) == CANDIDATES:
            break
        if all(abs(trace.seconds[rows[k]] - trace.seconds[other.row]) >= _APART_S for other in chosen):
            chosen.append(Candidate(int(rows[k]), float(gaps[k]), float(gaze[k]) if looks else None, float(cost[k])))
    return chosen


def _largest_near(values: FloatArray, seconds: NDArray[np.float64]) -> FloatArray:
    """Return the largest value within the window around each frame: rest must last."""
    first = np.searchsorted(seconds, seconds - _STABLE_S / 2, side="left")
    last = np.searchsorted(seconds, seconds + _STABLE_S / 2, side="right")
    return np.array([values[a:b].max() for a, b in zip(first, last, strict=True)], np.float32)
