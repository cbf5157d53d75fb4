"""Who is who: which stretches of a video show the same person.

in: the stretches in which a face was followed without a break -> out: a person for each, and which of them go on.
Must not: see pixels or landmarks.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from afet_video.face.look import OTHER_LOOK, SAME_LOOK, Look, look_distance

JUMP = 0.5
"""How far a face may move between two frames, in heights of the face; `JUMP_PER_S` more for every second between."""

JUMP_PER_S = 2.0

MAX_JUMP = 1.5
"""Farther than this it is another face, or the same one after a cut: nothing may be interpolated across."""

MAX_GROWTH = 1.6
"""Factor by which the height of a face may change between two sightings."""

CONTINUE_S = 1.0
"""How long a face may be out of sight and then be taken up again by its place."""

LEAST_SEEN_S = 0.1
"""Who is seen for less in the whole video is a glimpse, or no face: two faces that overlap can look like a third."""

_CONTINUATION_BONUS = 1.0
_IMPOSSIBLE = 1e6


@dataclass(frozen=True, slots=True)
class Place:
    """Where a face is and how large, in pixels, and when, in seconds."""

    x: float
    y: float
    size: float
    seconds: float

    def reaches(self, later: Place) -> bool:
        """Whether a face here can have come to `later` by moving."""
        elapsed_s = later.seconds - self.seconds
        reach = self.size * min(JUMP + JUMP_PER_S * elapsed_s, MAX_JUMP)
        return self.is_alike(later) and math.hypot(later.x - self.x, later.y - self.y) <= reach

    def is_alike(self, other: Place) -> bool:
        """Whether two sizes can be one face's."""
        return 1.0 / MAX_GROWTH < other.size / self.size < MAX_GROWTH


@dataclass(slots=True, eq=False)
class Stretch:
    """Frames in which one face is followed by its place alone: first and last of them, and its mean look if known."""

    first_frame: int
    last_frame: int
    start: Place
    end: Place
    look: Look | None = None
    looks: int = 0

    def add_look(self, look: Look) -> None:
        """Take one more sighting into the mean."""
        self.looks += 1
        self.look = look if self.look is None else self.look.joined(look, 1.0 / self.looks)


@dataclass(frozen=True, slots=True, eq=False)
class People:
    """For each stretch its person and its run, both counted from 0: a run is what goes on without a jump or a cut."""

    person: NDArray[np.int32]
    run: NDArray[np.int32]


@dataclass(slots=True, eq=False)
class _Person:
    stretches: list[Stretch] = field(default_factory=list)
    look: Look | None = None
    looks: int = 0
    run: int = -1

    def add(self, stretch: Stretch) -> None:
        self.stretches.append(stretch)
        if stretch.look is not None:
            self.looks += stretch.looks
            share = stretch.looks / self.looks
            self.look = stretch.look if self.look is None else self.look.joined(stretch.look, share)

    def is_seen_in(self, stretch: Stretch) -> bool:
        return any(
            own.first_frame <= stretch.last_frame and own.last_frame >= stretch.first_frame for own in self.stretches
        )


def identify(stretches: Sequence[Stretch], shots: NDArray[np.int32]) -> People:
    """Say who is seen in each stretch.

    A person who is lost and found again within a second in the same shot is known by their place, unless their look
    speaks against it; later, or after a cut, by their look alone. Nobody is in two places at once. Stretches that begin
    together are told apart together.

    Parameters
    ----------
    stretches : in order of their first frames.
    shots : (T,) the shot of every frame.
    """
    people: list[_Person] = []
    person, run = np.full(len(stretches), -1, np.int32), np.full(len(stretches), -1, np.int32)
    runs = 0
    for group in _together(stretches):
        costs = np.array([[_cost(one, stretches[number], shots) for one in people] for number in group])
        known = dict(_assigned(costs.reshape(len(group), len(people))))
        for order, number in enumerate(group):
            stretch = stretches[number]
            if order in known:
                one = people[known[order]]
            else:
                one = _Person()
                people.append(one)
            if not _goes_on(one, stretch, shots):
                one.run, runs = runs, runs + 1
            one.add(stretch)
            person[number], run[number] = people.index(one), one.run
    return People(person, run)


def without_glimpses(people: People, stretches: Sequence[Stretch]) -> People:
    """Return the same people, -1 for those who are hardly seen, unless nobody is seen for longer."""
    seen_s = np.zeros(int(people.person.max(initial=-1)) + 1)
    for person, stretch in zip(people.person.tolist(), stretches, strict=True):
        seen_s[person] += stretch.end.seconds - stretch.start.seconds
    is_glimpse = seen_s < LEAST_SEEN_S
    if is_glimpse.all():
        return people
    return People(np.where(is_glimpse[people.person], np.int32(-1), people.person), people.run)


def best_pairs(costs: NDArray[np.float64]) -> list[tuple[int, int]]:
    """Return the pairs (row, column) whose sum of costs is lowest among those that pair most; infinite = impossible."""
    return _assigned(costs)


def _assigned(costs: NDArray[np.float64]) -> list[tuple[int, int]]:
    if not costs.size:
        return []
    finite = np.where(np.isfinite(costs), costs, _IMPOSSIBLE)
    rows, columns = linear_sum_assignment(finite)
    return [(int(r), int(c)) for r, c in zip(rows, columns, strict=True) if finite[r, c] < _IMPOSSIBLE]


def _together(stretches: Sequence[Stretch]) -> list[list[int]]:
    """Return the numbers of the stretches in groups that begin in the same frame, the largest face first."""
    groups: dict[int, list[int]] = {}
    for number, stretch in enumerate(stretches):
        groups.setdefault(stretch.first_frame, []).append(number)
    return [sorted(group, key=lambda number: -stretches[number].start.size) for group in groups.values()]


def _cost(person: _Person, stretch: Stretch, shots: NDArray[np.int32]) -> float:
    if person.is_seen_in(stretch):
        return math.inf
    unlike = None if person.look is None or stretch.look is None else look_distance(person.look, stretch.look)
    if _goes_on(person, stretch, shots) and (unlike is None or unlike < OTHER_LOOK):
        return (0.0 if unlike is None else unlike) - _CONTINUATION_BONUS
    return math.inf if unlike is None or unlike >= SAME_LOOK else unlike


def _goes_on(person: _Person, stretch: Stretch, shots: NDArray[np.int32]) -> bool:
    """Whether a stretch continues the person's last one without a jump, a long absence or a cut."""
    if not person.stretches:
        return False
    last = person.stretches[-1]
    return (
        bool(shots[last.last_frame] == shots[stretch.first_frame])
        and stretch.start.seconds - last.end.seconds <= CONTINUE_S
        and last.end.reaches(stretch.start)
    )
