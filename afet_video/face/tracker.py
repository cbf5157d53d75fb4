"""One person through a whole video.

in: the faces of every decoded frame -> out: `FaceTrack`, one row a frame.  Must not: see pixels, smooth.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from afet_video.datatypes import BLENDSHAPE_COUNT, LANDMARK_COUNT, FaceStatus, FloatArray, Landmarks, Timestamp
from afet_video.errors import SettingsError
from afet_video.face.track import FaceTrack, share_of_way
from afet_video.row_file import RowFile

JUMP = 0.5
"""How far a face may move between two frames, in heights of the face; `JUMP_PER_S` more for every second between."""

JUMP_PER_S = 2.0

MAX_JUMP = 1.5
"""Farther than this it is another face, or the same one after a cut: nothing may be interpolated across."""

MAX_GROWTH = 1.6
"""Factor by which the height of a face may change between two sightings."""


@dataclass(frozen=True, slots=True)
class TrackerSettings:
    """Whom to follow, and how long a gap may be bridged.

    Parameters
    ----------
    face : `largest`; or `N`, counted from the left of the picture (0 = leftmost) in the first frame that shows a face;
        or `x,y`, a point in pixels of the upright frame: the face there, or the nearest, in that frame.
    max_gap_s : longest time between two sightings that is filled by interpolation.
    reacquire_s : how long the person may be away before somebody else who was already in the picture is taken instead.

    Raises
    ------
    SettingsError
        If `face` is not one of these, or a time is negative.
    """

    face: str = "largest"
    max_gap_s: float = 0.25
    reacquire_s: float = 1.0

    def __post_init__(self) -> None:
        _choice(self.face)
        for name in ("max_gap_s", "reacquire_s"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0):
                raise SettingsError(f"{name} = {value}: give a number of seconds, 0 or more")


def _choice(text: str) -> int | tuple[float, float] | None:
    """Parse `largest` (None), `N` or `x,y`."""
    text = text.strip()
    if text == "largest":
        return None
    if text.isascii() and text.isdigit():
        return int(text)
    try:
        x, y = (float(part) for part in text.split(","))
    except ValueError:
        x = y = math.nan
    if not (math.isfinite(x) and math.isfinite(y)):
        raise SettingsError(f"face = {text!r}: give largest, a number (0 = leftmost) or a point x,y in pixels")
    return x, y


class FaceTracker:
    """Follows one person from frame to frame.

    Call `update` for every decoded frame in order, then `finish`. While the person is in sight, nobody else is taken,
    however large. When they vanish, a face that was not there before is taken at once (a cut, or a fast move), and a
    bystander only after `reacquire_s`.

    Parameters
    ----------
    directory : where the temporary file lies; None = the system's folder for such files.

    Raises
    ------
    OutputError
        If that file cannot be written.
    """

    def __init__(self, settings: TrackerSettings | None = None, *, directory: Path | None = None) -> None:
        self._settings = settings or TrackerSettings()
        self._spool = RowFile((LANDMARK_COUNT, 3), np.float32, directory)
        self._timestamps: list[Timestamp] = []
        self._ids: list[int] = []
        self._blendshapes = bytearray()
        self._transforms = bytearray()
        self._ours: Landmarks | None = None
        self._seen_at = 0.0
        self._id = -1
        self._others: list[Landmarks] = []

    @property
    def following(self) -> Landmarks | None:
        """The person as last seen, or None before anyone was."""
        return self._ours

    def update(self, index: int, timestamp: Timestamp, faces: Sequence[Landmarks]) -> None:
        """Add the next frame with all its faces.

        Raises
        ------
        ValueError
            If `index` is not the number of frames so far, or time does not grow.
        OutputError
            If the temporary file cannot be written.
        """
        if index != len(self._timestamps):
            raise ValueError(f"frame {index} came, frame {len(self._timestamps)} was due")
        if self._timestamps and timestamp.seconds <= self._timestamps[-1].seconds:
            raise ValueError(f"frame {index}: time must grow, {timestamp} comes after {self._timestamps[-1]}")
        face = self._pick(faces, float(timestamp.seconds))
        if face is None:
            face = _nothing()
            self._ids.append(-1)
        else:
            self._ids.append(self._id)
        self._timestamps.append(timestamp)
        self._spool.append(face.xyz)
        self._blendshapes += face.blendshapes.tobytes()
        self._transforms += face.transform.tobytes()

    def finish(self) -> FaceTrack:
        """Fill the short gaps and return the track, which now owns the temporary file."""
        ids = np.array(self._ids, np.int32)
        blendshapes = np.frombuffer(self._blendshapes, np.float32).reshape(-1, BLENDSHAPE_COUNT).copy()
        transforms = np.frombuffer(self._transforms, np.float32).reshape(-1, 4, 4).copy()
        status = [FaceStatus.MISSING if face_id < 0 else FaceStatus.DETECTED for face_id in self._ids]
        before = np.full(len(ids), -1, np.int64)
        after = before.copy()
        seen = np.flatnonzero(ids >= 0)
        for one, two in zip(seen[:-1].tolist(), seen[1:].tolist(), strict=True):
            gap_s = self._timestamps[two].seconds - self._timestamps[one].seconds
            if two - one == 1 or ids[one] != ids[two] or gap_s > self._settings.max_gap_s:
                continue
            before[one + 1 : two], after[one + 1 : two], ids[one + 1 : two] = one, two, ids[one]
            for frame in range(one + 1, two):
                status[frame] = FaceStatus.INTERPOLATED
                share = np.float32(share_of_way(self._timestamps, one, frame, two))
                for values in (blendshapes, transforms):
                    values[frame] = values[one] + share * (values[two] - values[one])
        return FaceTrack(
            tuple(self._timestamps), tuple(status), blendshapes, transforms, ids, self._spool, before, after
        )

    def close(self) -> None:
        """Delete the temporary file, when `finish` will not be called."""
        self._spool.close()

    def _pick(self, faces: Sequence[Landmarks], seconds: float) -> Landmarks | None:
        """Return our person among `faces`, or None, and remember who else is there."""
        if not faces:
            return None
        if self._ours is None:
            chosen: Landmarks | None = self._first(faces)
            self._id = 0
        else:
            away_s = seconds - self._seen_at
            chosen = _continuation(self._ours, faces, away_s)
            if chosen is None:
                chosen = self._replacement(faces, away_s)
                self._id += chosen is not None
        if chosen is not None:
            self._ours, self._seen_at = chosen, seconds
        self._remember([face for face in faces if face is not chosen])
        return chosen

    def _first(self, faces: Sequence[Landmarks]) -> Landmarks:
        """Return the face that the settings ask for, among those of the first frame that shows any."""
        choice = _choice(self._settings.face)
        if choice is None:
            return max(faces, key=_size)
        if isinstance(choice, int):
            return sorted(faces, key=lambda face: float(_center(face)[0]))[min(choice, len(faces) - 1)]
        return min(faces, key=lambda face: _outside(face, choice))

    def _replacement(self, faces: Sequence[Landmarks], away_s: float) -> Landmarks | None:
        """Return whom to take when our person is not where they were, if anyone."""
        if away_s <= self._settings.reacquire_s:
            faces = [face for face in faces if _continuation(face, self._others, away_s) is None]
        if not faces or self._ours is None:
            return None
        if _choice(self._settings.face) is None:
            return max(faces, key=_size)
        center = _center(self._ours)
        return min(faces, key=lambda face: float(np.linalg.norm(_center(face) - center)))

    def _remember(self, others: Sequence[Landmarks]) -> None:
        """Keep the bystanders at their latest place; those out of sight stay where they were, unless we are there."""
        gone = [old for old in self._others if _continuation(old, others, 0.0) is None]
        taken = [] if self._ours is None else [self._ours]
        self._others = [*others, *(old for old in gone if _continuation(old, taken, 0.0) is None)][:16]


def _continuation(face: Landmarks, candidates: Sequence[Landmarks], elapsed_s: float) -> Landmarks | None:
    """Return the candidate that can be `face` after `elapsed_s`, the nearest if several, or None."""
    reach = _size(face) * min(JUMP + JUMP_PER_S * elapsed_s, MAX_JUMP)
    center, size = _center(face), _size(face)
    fitting = [
        (float(np.linalg.norm(_center(other) - center)), order)
        for order, other in enumerate(candidates)
        if 1.0 / MAX_GROWTH < _size(other) / size < MAX_GROWTH
    ]
    distance, order = min(fitting, default=(math.inf, -1))
    return candidates[order] if distance <= reach else None


def _nothing() -> Landmarks:
    """Return the row of a frame without our person."""
    return Landmarks(np.full((LANDMARK_COUNT, 3), np.nan), np.full(BLENDSHAPE_COUNT, np.nan), np.full((4, 4), np.nan))


def _center(face: Landmarks) -> FloatArray:
    """Return the middle of the landmarks, (2,) pixels."""
    return np.asarray(face.xyz[:, :2].mean(axis=0), np.float32)


def _size(face: Landmarks) -> float:
    """Return the larger side of the face's box, pixels."""
    return float(np.ptp(face.xyz[:, :2], axis=0).max())


def _outside(face: Landmarks, point: tuple[float, float]) -> tuple[float, float]:
    """Return how far `point` is from the face's box (0 = inside), then from its centre; pixels."""
    low, high = face.xyz[:, :2].min(axis=0), face.xyz[:, :2].max(axis=0)
    target = np.array(point)
    beyond = np.maximum(np.maximum(low - target, target - high), 0.0)
    return float(np.linalg.norm(beyond)), float(np.linalg.norm(_center(face) - target))
