"""What one person's face does in one shot, frame by frame, against their own face at rest.

in: pass 1's track and measures -> out: `Trace`.  Must not: choose frames, or see pixels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter, uniform_filter1d

from afet_video import facemesh
from afet_video.datatypes import FaceStatus, FloatArray
from afet_video.face.activity import EXPRESSION, activity, lid_gap_px
from afet_video.face.pose import interocular_px
from afet_video.face.rest import RestModel
from afet_video.passes.analyze import Lane

_SMOOTH_S = 0.1
_BLINK_S = 0.45
"""Lids of both eyes that are shut for less blink: that is no expression."""
_SHUT, _ALIKE, _ALIKE_SHARE = 0.6, 0.25, 0.7
"""Share of the usual opening below which an eye counts as shutting; difference of both eyes' shares, and the part of
the frames in which it is smaller: in a wink the other eye goes along, but not as far."""

_EXCURSION_UNIT_IOD = 0.02
"""Mean excursion of a face's zone that weighs as much as a blendshape that changes by a third."""

_SPEECH_WINDOW_S, _SPEECH_TURNS, _SPEECH_GROW_S = 1.2, 4, 0.4
"""Speech opens and closes the mouth again and again: so many turning points within so long. What lies nearer than the
last value belongs to it."""
_GAP_SWING_IOD = 0.04
"""Least way of the gap between the lips between two turning points."""

_ZONES = ("brow", "eye", "cheek", "mouth")
_RIGHT_OF_ZONE: tuple[tuple[int, ...], ...] = (
    facemesh.RIGHT_BROW,
    (*facemesh.RIGHT_EYE, 229, 230, 231),
    (50, 101, 36, 205, 203, 206, 187, 147, 123, 117, 118, 119, 129, 98, 64),
    (61, 185, 40, 39, 37, 146, 91, 181, 84, 76, 57, 43, 212),
)
ZONE_SIDES: tuple[tuple[str, str], ...] = tuple((zone, side) for zone in _ZONES for side in ("left", "right"))
"""Columns of `Trace.excursion`."""


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """One person in one shot: n frames in which they are detected, in order.

    `frame` (n,) index in the video; `seconds` (n,). `change` (n, 52): blendshapes minus those at rest, smoothed.
    `excursion` (n, 8): mean way of the landmarks of `ZONE_SIDES` from rest, in inter-ocular distances, without head
    and jaw. `effort` (n,): both in one number; 1 is a slight smile. `motion` (n,): speed of the landmarks,
    inter-ocular distances a second. `sharpness`, `lids` (n, 2: left, right), `mouth_gap`: as measured. `angles_deg`
    (n, 3): the head's yaw and pitch against the neutral's, and the slope of the line through the eyes. `gaze` (n, 2):
    place of the irises between the canthi, right and down, in eye widths. `blinking`, `speaking` (n,) bool.
    """

    face_id: int
    shot: int
    frame: NDArray[np.int64]
    seconds: NDArray[np.float64]
    change: FloatArray
    excursion: FloatArray
    effort: FloatArray
    motion: FloatArray
    sharpness: FloatArray
    lids: FloatArray
    mouth_gap: FloatArray
    angles_deg: FloatArray
    gaze: FloatArray
    blinking: NDArray[np.bool_]
    speaking: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.frame)


def trace_of(lane: Lane, face_id: int, shot: int, rest: FloatArray, model: RestModel) -> Trace:
    """Return what a person does in a shot.

    Parameters
    ----------
    rest : (52,) their blendshapes at rest.
    model : their landmarks at rest.
    """
    track, measures = lane.track, lane.measures
    detected = np.array([status is FaceStatus.DETECTED for status in track.status], bool)
    frame = np.flatnonzero(detected & (track.face_id == face_id) & (track.shot == shot))
    seconds = track.seconds[frame]
    faces = [_face(track.xyz(int(one), int(one) + 1)[0], model) for one in frame]
    lids = np.array([face[1] for face in faces], np.float32).reshape(-1, 2)
    blinking = _blinks(lids, seconds)
    change = _bridged(measures.blendshapes[frame] - rest, blinking, seconds)
    excursion = _bridged(np.array([face[0] for face in faces], np.float32).reshape(-1, 8), blinking, seconds)
    gap = measures.mouth_gap[frame]
    return Trace(
        face_id=face_id,
        shot=shot,
        frame=frame,
        seconds=seconds,
        change=change,
        excursion=excursion,
        effort=_effort(change, excursion),
        motion=np.nan_to_num(measures.motion[frame]),
        sharpness=measures.sharpness[frame],
        lids=lids,
        mouth_gap=gap,
        angles_deg=np.array([face[3] for face in faces], np.float32).reshape(-1, 3),
        gaze=np.array([face[2] for face in faces], np.float32).reshape(-1, 2),
        blinking=blinking,
        speaking=_speech(gap, seconds),
    )


def _effort(change: FloatArray, excursion: FloatArray) -> FloatArray:
    """Blendshapes alone miss what they hardly score (a wrinkled nose, wide eyes); landmarks alone miss a slight smile.

    Each counts half: on real clips the two agree within a third.
    """
    scores = activity(change, np.zeros(change.shape[1], np.float32))
    moved = excursion.sum(axis=1) / _EXCURSION_UNIT_IOD / 3
    return np.asarray(0.5 * scores + 0.5 * moved, np.float32)


def direction(change: FloatArray) -> FloatArray:
    """Return unit vectors (..., 41) of the expression's kind, without its strength."""
    kind = change[..., list(EXPRESSION)]
    return np.asarray(kind / (np.linalg.norm(kind, axis=-1, keepdims=True) + 1e-6), np.float32)


def _face(xyz: FloatArray, model: RestModel) -> tuple[list[float], list[float], FloatArray, tuple[float, float, float]]:
    """Return the excursions (8,), the lids' opening (left, right) in inter-ocular distances, the gaze (2,), the head.

    The head's angles come from the parts that no expression moves: MediaPipe's own nod when the jaw drops.
    """
    rest = model.rest(xyz)
    moved = []
    for right in _RIGHT_OF_ZONE:
        left = facemesh.TWIN[list(right)]
        moved += [float(rest.excursion[left].mean()), float(rest.excursion[list(right)].mean())]
    iod = float(interocular_px(xyz))
    lids = [lid_gap_px(xyz, eye) / iod for eye in (facemesh.LEFT_EYE, facemesh.RIGHT_EYE)]
    across = xyz[facemesh.LEFT_EYE_OUTER] - xyz[facemesh.RIGHT_EYE_OUTER]
    roll = math.degrees(math.atan2(float(across[1]), float(across[0])))
    return moved, lids, _gaze(xyz), (*rest.turn_deg, roll)


def _gaze(xyz: FloatArray) -> FloatArray:
    """Return where the irises are between the canthi, mean of both eyes, in eye widths (right, down in the picture).

    Down is measured from the line through the canthi: lids move with an expression, they do not.
    """
    places = []
    for eye, iris in ((facemesh.LEFT_EYE, facemesh.LEFT_IRIS), (facemesh.RIGHT_EYE, facemesh.RIGHT_IRIS)):
        ends = xyz[[eye[0], eye[8]], :2]
        across = ends[ends[:, 0].argmax()] - ends[ends[:, 0].argmin()]
        width = float(np.linalg.norm(across))
        along = across / max(width, 1e-6)
        off = (xyz[iris[0], :2] - ends.mean(axis=0)) / max(width, 1e-6)
        places.append((off @ along, off @ np.array([-along[1], along[0]])))
    return np.asarray(np.mean(places, axis=0), np.float32)


def _blinks(lids: FloatArray, seconds: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return the frames (n,) in which both eyes shut for a moment, with a frame on either side."""
    blinking = np.zeros(len(lids), bool)
    if not len(lids):
        return blinking
    usual = np.maximum(np.quantile(lids, 0.6, axis=0), 1e-6)
    share = lids / usual
    alike = np.abs(share[:, 0] - share[:, 1]) < _ALIKE
    shut = np.asarray((share < _SHUT).all(axis=1), np.bool_)
    for first, last in runs(shut):
        start, end = seconds[max(first - 1, 0)], seconds[min(last, len(seconds) - 1)]
        if end - start < _BLINK_S and alike[first:last].mean() > _ALIKE_SHARE:
            blinking[max(first - 2, 0) : last + 2] = True
    return blinking


def _bridged(values: FloatArray, blinking: NDArray[np.bool_], seconds: NDArray[np.float64]) -> FloatArray:
    """Return (n, c) smoothed over time, blinks bridged by straight lines."""
    if len(values) < 3:
        return np.asarray(values, np.float32)
    out = values.astype(np.float64)
    if blinking.any() and not blinking.all():
        seen = ~blinking
        for column in out.T:
            column[blinking] = np.interp(seconds[blinking], seconds[seen], column[seen])
    width = max(round(_SMOOTH_S / _step(seconds)), 1)
    out = median_filter(out, size=(2 * (width // 2) + 1, 1), mode="nearest")
    return np.asarray(uniform_filter1d(out, size=width, axis=0, mode="nearest"), np.float32)


def _step(seconds: NDArray[np.float64]) -> float:
    return max(float(np.median(np.diff(seconds))), 1e-3) if len(seconds) > 1 else 1.0


def _speech(gap: FloatArray, seconds: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return the frames (n,) in which the mouth opens and closes again and again."""
    turns = seconds[_turning(gap, _GAP_SWING_IOD)]
    speaking = np.zeros(len(seconds), bool)
    for first in range(len(turns) - _SPEECH_TURNS + 1):
        last = first + _SPEECH_TURNS - 1
        if turns[last] - turns[first] <= _SPEECH_WINDOW_S:
            speaking |= (seconds >= turns[first] - _SPEECH_GROW_S) & (seconds <= turns[last] + _SPEECH_GROW_S)
    return speaking


def _turning(values: FloatArray, swing: float) -> list[int]:
    """Return the turning points of a curve between which it goes by at least `swing` (a zigzag)."""
    found: list[int] = []
    low = high = 0
    rising: bool | None = None
    for i, value in enumerate(values):
        if value > values[high]:
            high = i
        if value < values[low]:
            low = i
        if rising is not False and values[high] - value >= swing:
            found += [high] if rising else []
            rising, low, high = False, i, i
        elif rising is not True and value - values[low] >= swing:
            found += [low] if rising is False else []
            rising, low, high = True, i, i
    return found


def runs(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return the stretches of True as (first, one past the last)."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]
