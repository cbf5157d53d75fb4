"""The people of a video, from frame to frame.

in: the faces of every decoded frame -> out: `FaceTrack`s, one row a frame.  Must not: see pixels, smooth.
"""

from __future__ import annotations

import math
from array import array
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from afet_video.datatypes import LANDMARK_COUNT, FloatArray, Landmarks, Timestamp
from afet_video.errors import SettingsError
from afet_video.face.look import OTHER_LOOK, SAME_LOOK, Look, look_distance
from afet_video.face.people import CONTINUE_S, MAX_GROWTH, Place, Stretch, best_pairs, identify, without_glimpses
from afet_video.face.track import FaceTrack
from afet_video.face.weave import Sightings, weave
from afet_video.row_file import RowFile

LOOK_AGAIN_S = 0.25
"""How often the look of a face that nothing is in doubt about is taken anew."""

_VELOCITY_S = 0.15
"""Time over which a face's velocity is averaged."""

_NEIGHBOR = 1.6
"""Faces whose centres are nearer than this many face heights can hide parts of each other: their looks are mixed."""

LookTaker = Callable[[Landmarks], Look]
"""Looks at one face of the current frame; asked only where the look matters, as it costs 2 ms."""


@dataclass(frozen=True, slots=True)
class TrackerSettings:
    """Whom to follow, and how long a gap may be bridged.

    Parameters
    ----------
    face : `largest`; or `all`: everybody; or `N`, counted from the left of the picture (0 = leftmost) in the first
        frame that shows a face; or `x,y`, a point in pixels of the upright frame: the face there, or the nearest, in
        that frame.
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
        if not self.everybody:
            _choice(self.face)
        for name in ("max_gap_s", "reacquire_s"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0):
                raise SettingsError(f"{name} = {value}: give a number of seconds, 0 or more")

    @property
    def everybody(self) -> bool:
        """Whether all faces are followed."""
        return self.face.strip() == "all"


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
        raise SettingsError(f"face = {text!r}: give largest, all, a number (0 = leftmost) or a point x,y in pixels")
    return x, y


def choose_face(faces: Sequence[Landmarks], which: str) -> Landmarks | None:
    """Return the face of one picture that `which` (`largest`, `N` or `x,y`) means; None if there is no N-th one.

    Raises
    ------
    SettingsError
        If `which` is none of these.
    """
    choice = _choice(which)
    if choice is None:
        return max(faces, key=lambda face: _place(face, 0.0).size, default=None)
    if isinstance(choice, int):
        from_left = sorted(faces, key=lambda face: _place(face, 0.0).x)
        return from_left[choice] if choice < len(from_left) else None
    return min(faces, key=lambda face: _outside(face, choice), default=None)


@dataclass(slots=True, eq=False)
class _Followed:
    """A face in sight, or just lost: its stretch, its last sighting, and its velocity in pixels a second, (2,)."""

    number: int
    stretch: Stretch
    face: Landmarks
    velocity: FloatArray
    looked_at: float = -math.inf

    def place_at(self, seconds: float) -> Place:
        """Return where the face is expected."""
        last = self.stretch.end
        x, y = np.array([last.x, last.y]) + self.velocity * (seconds - last.seconds)
        return Place(float(x), float(y), last.size, last.seconds)

    def see(self, face: Landmarks, index: int, place: Place) -> None:
        """Take the next sighting."""
        last = self.stretch.end
        elapsed_s = place.seconds - last.seconds
        velocity = np.array([place.x - last.x, place.y - last.y], np.float32) / elapsed_s
        self.velocity = self.velocity + min(elapsed_s / _VELOCITY_S, 1.0) * (velocity - self.velocity)
        self.face, self.stretch.end, self.stretch.last_frame = face, place, index


class FaceTracker:
    """Follows one person, or everybody, from frame to frame.

    Call `update` for every decoded frame in order, then `finish`. All faces in sight are assigned to all faces found at
    once, by where they are expected, their size, and, where that leaves a doubt, their look; so two people who cross do
    not change places. Who comes back is known by their look (`identify`).

    One person: while they are in sight nobody else is taken, however large. When they vanish, a face that was not there
    before is taken at once (a cut, or a fast move), and a bystander only after `reacquire_s`.

    Parameters
    ----------
    directory : where the temporary file lies; None = the system's folder for such files.
    keep : whether what was seen is kept for `finish`; False where nobody will ask, as before a camera that runs on.

    Raises
    ------
    OutputError
        If that file cannot be written.
    """

    def __init__(
        self, settings: TrackerSettings | None = None, *, directory: Path | None = None, keep: bool = True
    ) -> None:
        self._settings = settings or TrackerSettings()
        self._keep = keep
        self._spool = RowFile((LANDMARK_COUNT, 3), np.float32, directory)
        self._timestamps: deque[Timestamp] = deque(maxlen=None if keep else 1)
        self._due, self._begun = 0, 0
        self._stretches: list[Stretch] = []
        self._live: list[_Followed] = []
        self._ours: _Followed | None = None
        self._others: list[Place] = []
        self._frames, self._numbers = array("q"), array("q")
        self._blendshapes = bytearray()
        self._transforms = bytearray()

    @property
    def following(self) -> Landmarks | None:
        """The one person as last seen, or None before anyone was."""
        return None if self._ours is None else self._ours.face

    @property
    def stretch(self) -> Stretch | None:
        """The stretch in which the one person was last seen, with their look; it goes on with every sighting."""
        return None if self._ours is None else self._ours.stretch

    @property
    def in_sight(self) -> list[Landmarks]:
        """Everybody in sight, or lost within the last second, as last seen."""
        return [one.face for one in self._live]

    def update(
        self,
        index: int,
        timestamp: Timestamp,
        faces: Sequence[Landmarks],
        look: LookTaker | None = None,
        *,
        maybe_cut: bool = False,
    ) -> list[tuple[int, Landmarks]]:
        """Add the next frame with all its faces.

        Parameters
        ----------
        look : takes the look of one of `faces`; without it nobody is known again once they were away.
        maybe_cut : this frame may be the first of a shot: places mean nothing any more.

        Returns
        -------
        The faces that are kept, each with the number of its stretch.

        Raises
        ------
        ValueError
            If `index` is not the number of frames so far, or time does not grow.
        OutputError
            If the temporary file cannot be written.
        """
        if index != self._due:
            raise ValueError(f"frame {index} came, frame {self._due} was due")
        if self._timestamps and timestamp.seconds <= self._timestamps[-1].seconds:
            raise ValueError(f"frame {index}: time must grow, {timestamp} comes after {self._timestamps[-1]}")
        self._timestamps.append(timestamp)
        self._due += 1
        seconds = float(timestamp.seconds)
        if maybe_cut:
            self._live, self._others = [], []
        self._live = [one for one in self._live if seconds - one.stretch.end.seconds <= CONTINUE_S]
        seen = self._assign(index, seconds, faces, look)
        kept = seen if self._settings.everybody else self._one(seen, seconds)
        for one in kept if self._keep else ():
            self._frames.append(index)
            self._numbers.append(one.number)
            self._spool.append(one.face.xyz)
            self._blendshapes += one.face.blendshapes.tobytes()
            self._transforms += one.face.transform.tobytes()
        return [(one.number, one.face) for one in kept]

    def finish(self, shots: NDArray[np.int32] | None = None) -> tuple[FaceTrack, ...]:
        """Say who is who, fill the short gaps and return the tracks, which now own the temporary file.

        `shots` (T,) is the shot of every frame; None = there is one. One person: one track, in which `face_id` says
        whom it shows when. Everybody: as many tracks as people are ever in one shot together, without those seen
        for less than a tenth of a second.
        """
        shots = np.zeros(len(self._timestamps), np.int32) if shots is None else shots
        people = identify(self._stretches, shots)
        if self._settings.everybody:
            people = without_glimpses(people, self._stretches)
        sightings = Sightings(
            frame=np.array(self._frames, np.int64),
            person=people.person[np.array(self._numbers, np.int64)],
            run=people.run[np.array(self._numbers, np.int64)],
            blendshapes=bytes(self._blendshapes),
            transforms=bytes(self._transforms),
            spool=self._spool,
        )
        return weave(
            sightings, tuple(self._timestamps), shots, self._settings.max_gap_s, together=not self._settings.everybody
        )

    def close(self) -> None:
        """Delete the temporary file, when `finish` will not be called."""
        self._spool.close()

    def _assign(
        self, index: int, seconds: float, faces: Sequence[Landmarks], look: LookTaker | None
    ) -> list[_Followed]:
        """Find out whose each face is, in the order of `faces`; new faces begin stretches of their own."""
        places = [_place(face, seconds) for face in faces]
        looks: dict[int, Look] = {}
        costs = self._costs(places, seconds)
        possible = np.isfinite(costs)
        doubtful = possible.sum() > min(possible.any(axis=0).sum(), possible.any(axis=1).sum()) if costs.size else False
        if doubtful and look is not None:
            for row, column in np.argwhere(possible).tolist():
                known = self._live[column].stretch.look
                if known is not None:
                    looks.setdefault(row, look(faces[row]))
                    unlike = look_distance(known, looks[row])
                    costs[row, column] = math.inf if unlike > OTHER_LOOK else costs[row, column] + unlike / SAME_LOOK
        owner = {row: self._live[column] for row, column in best_pairs(costs)}
        seen = []
        for row, (face, place) in enumerate(zip(faces, places, strict=True)):
            if row in owner:
                owner[row].see(face, index, place)
            else:
                owner[row] = self._begin(face, index, place)
            seen.append(owner[row])
        if look is not None:
            self._look(seen, seconds, looks, look)
        return seen

    def _costs(self, places: Sequence[Place], seconds: float) -> NDArray[np.float64]:
        """Return how badly each place (row) fits each face in sight (column); infinite = it cannot be."""
        costs = np.full((len(places), len(self._live)), np.inf)
        for column, one in enumerate(self._live):
            last, expected = one.stretch.end, one.place_at(seconds)
            for row, place in enumerate(places):
                if last.reaches(place) or expected.reaches(place):
                    off = math.hypot(place.x - expected.x, place.y - expected.y) / last.size
                    costs[row, column] = off + abs(math.log(place.size / last.size)) / math.log(MAX_GROWTH)
        return costs

    def _begin(self, face: Landmarks, index: int, place: Place) -> _Followed:
        stretch = Stretch(index, index, place, place)
        if self._keep:
            self._stretches.append(stretch)
        self._begun += 1
        one = _Followed(self._begun - 1, stretch, face, np.zeros(2, np.float32))
        self._live.append(one)
        return one

    def _look(self, seen: Sequence[_Followed], seconds: float, looks: dict[int, Look], look: LookTaker) -> None:
        """Refresh the looks, of faces that stand clear of all others only, and of new ones in any case."""
        for row, one in enumerate(seen):
            is_new = one.stretch.look is None
            if not is_new and (seconds - one.looked_at < LOOK_AGAIN_S or self._is_crowded(one, seconds)):
                continue
            one.stretch.add_look(looks[row] if row in looks else look(one.face))
            one.looked_at = seconds

    def _is_crowded(self, one: _Followed, seconds: float) -> bool:
        here = one.stretch.end
        others = (other.place_at(seconds) for other in self._live if other is not one)
        return any(math.hypot(o.x - here.x, o.y - here.y) < _NEIGHBOR * max(o.size, here.size) for o in others)

    def _one(self, seen: Sequence[_Followed], seconds: float) -> list[_Followed]:
        """Return our person among those in sight, if they are, and remember who else is there."""
        if not seen:
            return []
        if self._ours is None:
            chosen: _Followed | None = self._first(seen)
        elif self._ours in seen:
            chosen = self._ours
        else:
            chosen = self._returned(self._ours, seen) or self._replacement(self._ours, seen, seconds)
        if chosen is not None:
            self._ours = chosen
        self._remember([one.stretch.end for one in seen if one is not chosen])
        return [] if chosen is None else [chosen]

    def _first(self, seen: Sequence[_Followed]) -> _Followed:
        """Return the face that the settings ask for, among those of the first frame that shows any."""
        choice = _choice(self._settings.face)
        if choice is None:
            return max(seen, key=lambda one: one.stretch.end.size)
        if isinstance(choice, int):
            return sorted(seen, key=lambda one: one.stretch.end.x)[min(choice, len(seen) - 1)]
        return min(seen, key=lambda one: _outside(one.face, choice))

    def _returned(self, ours: _Followed, seen: Sequence[_Followed]) -> _Followed | None:
        """Return who looks like our person, or else who is where they were; nobody who was in sight beside them."""
        candidates = [one for one in seen if one.stretch.first_frame > ours.stretch.last_frame]
        if ours.stretch.look is not None:
            unlike = {one: look_distance(ours.stretch.look, one.stretch.look) for one in candidates if one.stretch.look}
            best = min(unlike, key=lambda one: unlike[one], default=None)
            if best is not None and unlike[best] < SAME_LOOK:
                return best
            candidates = [one for one in candidates if unlike.get(one, 0.0) <= OTHER_LOOK]
        near = [one for one in candidates if ours.stretch.end.reaches(one.stretch.end)]
        return min(near, key=lambda one: _apart(ours.stretch.end, one.stretch.end), default=None)

    def _replacement(self, ours: _Followed, seen: Sequence[_Followed], seconds: float) -> _Followed | None:
        """Return whom to take when our person is not there, if anyone."""
        candidates = list(seen)
        if seconds - ours.stretch.end.seconds <= self._settings.reacquire_s:
            candidates = [one for one in seen if not any(old.reaches(one.stretch.end) for old in self._others)]
        if _choice(self._settings.face) is None:
            return max(candidates, key=lambda one: one.stretch.end.size, default=None)
        return min(candidates, key=lambda one: _apart(ours.stretch.end, one.stretch.end), default=None)

    def _remember(self, others: Sequence[Place]) -> None:
        """Keep the bystanders at their latest place; those out of sight stay where they were, unless we are there."""
        taken = list(others) if self._ours is None else [*others, self._ours.stretch.end]
        self._others = [*others, *(old for old in self._others if not any(old.reaches(new) for new in taken))][:16]


def _place(face: Landmarks, seconds: float) -> Place:
    """Return the middle of the landmarks and the larger side of their box."""
    x, y = face.xyz[:, :2].mean(axis=0)
    return Place(float(x), float(y), float(np.ptp(face.xyz[:, :2], axis=0).max()), seconds)


def _apart(one: Place, other: Place) -> float:
    return math.hypot(one.x - other.x, one.y - other.y)


def _outside(face: Landmarks, point: tuple[float, float]) -> tuple[float, float]:
    """Return how far `point` is from the face's box (0 = inside), then from its centre; pixels."""
    low, high = face.xyz[:, :2].min(axis=0), face.xyz[:, :2].max(axis=0)
    target = np.array(point)
    beyond = np.maximum(np.maximum(low - target, target - high), 0.0)
    return float(np.linalg.norm(beyond)), float(np.linalg.norm(face.xyz[:, :2].mean(axis=0) - target))
