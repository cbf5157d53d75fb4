"""The frames that a session learns a person's rest from: few, calm, in every pose of the head.

in: one sighting after the other -> out: those that are kept.  Must not: grow, or compute what a neutral is.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from afet_video.datatypes import ByteArray, FloatArray, Timestamp
from afet_video.face.activity import activity, baseline
from afet_video.face.neutral import REST_SPREAD, FaceMeasures

CELL_DEG, CELL_SIZE, CELLS = 6.0, 14, 12
"""Poses of the head within this many degrees share a cell; most frames of a cell; most cells."""

HABITS = 40
"""Frames kept by lot whatever they show: what is calm is relative to what the person does all the time."""

APART_S = 0.2
"""Time between two frames of a cell once a session is calibrated: neighbours say nothing new."""


@dataclass(frozen=True, slots=True, eq=False)
class Sighting:
    """A face in one frame, with what choosing a neutral needs.

    `xyz` (478, 3): landmarks as detected, pixels of the frame. `turn` (2,): yaw and pitch in degrees. The measures are
    those of `FaceMeasures`. `picture` (h, w, 3) uint8: the face's rectangle, its first pixel at `origin`.
    """

    index: int
    timestamp: Timestamp
    xyz: FloatArray
    blendshapes: FloatArray
    turn: FloatArray
    lid_aperture: float
    mouth_gap: float
    sharpness: float
    motion: float
    inside: float
    picture: ByteArray
    origin: tuple[int, int]

    @property
    def seconds(self) -> float:
        """When the frame was taken."""
        return float(self.timestamp.seconds)

    @property
    def xyz_in_picture(self) -> FloatArray:
        """Landmarks (478, 3) in pixels of `picture`."""
        return self.xyz - np.array([*self.origin, 0], np.float32)


def measures_of(sightings: Sequence[Sighting]) -> FaceMeasures:
    """Return what `choose_neutral` looks at; one row a sighting."""

    def column(name: str) -> FloatArray:
        return np.array([getattr(one, name) for one in sightings], np.float32)

    return FaceMeasures(
        timestamps=[one.timestamp for one in sightings],
        blendshapes=column("blendshapes"),
        angles_deg=np.nan_to_num(column("turn")),
        lid_aperture=column("lid_aperture"),
        mouth_gap=column("mouth_gap"),
        sharpness=column("sharpness"),
        motion=column("motion"),
        inside=column("inside"),
        detected=np.ones(len(sightings), bool),
    )


class Pool:
    """Keeps at most `CELLS * CELL_SIZE + HABITS` sightings, however long a session runs."""

    def __init__(self) -> None:
        self._calibration: list[Sighting] = []
        self._cells: dict[tuple[int, int], list[Sighting]] = {}
        self._habits: list[Sighting] = []
        self._rest: FloatArray | None = None
        self._seen = 0
        self._lots = random.Random(0)
        self.changes = 0

    def calibrate(self, sighting: Sighting) -> None:
        """Take a frame of the calibration, whatever it shows."""
        self._calibration.append(sighting)

    def clear(self) -> None:
        """Forget everything."""
        self.__init__()  # type: ignore[misc]

    def settle(self) -> None:
        """End the calibration: from now on only frames that are worth it are kept."""
        sightings, self._calibration = self._calibration, []
        self._rest = baseline(np.array([one.blendshapes for one in sightings]))
        for one in sightings:
            self._keep(one, apart_s=0.0)
            self._draw(one)

    def add(self, sighting: Sighting) -> None:
        """Take a frame, if it is calmer than those of the same pose, or by lot."""
        self._draw(sighting)
        if self._keep(sighting, apart_s=APART_S):
            self.changes += 1

    def wants(self, blendshapes: FloatArray, motion: float) -> bool:
        """Return whether a frame may be worth its measuring: calm, or drawn."""
        return self._seen % 8 == 0 or (self._unrest(blendshapes) < 2 * REST_SPREAD and motion < 1.0)

    def skip(self) -> None:
        """Count a frame that was not measured."""
        self._seen += 1

    def sightings(self) -> list[Sighting]:
        """Return all that is kept, in the order of time."""
        kept = {one.index: one for one in self._calibration + self._habits}
        kept |= {one.index: one for cell in self._cells.values() for one in cell}
        return [kept[index] for index in sorted(kept)]

    def learn_rest(self) -> None:
        """Say anew what the person's resting blendshapes are."""
        self._rest = baseline(np.array([one.blendshapes for one in self.sightings()]))

    def _unrest(self, blendshapes: FloatArray) -> float:
        if self._rest is None:
            return 0.0
        return float(activity(blendshapes[None], self._rest)[0])

    def _badness(self, sighting: Sighting) -> float:
        return self._unrest(sighting.blendshapes) + sighting.motion

    def _keep(self, sighting: Sighting, *, apart_s: float) -> bool:
        column, row = np.round(np.nan_to_num(sighting.turn) / CELL_DEG).astype(int)
        cell = self._cells.get((int(column), int(row)))
        if cell is None:
            if len(self._cells) >= CELLS:
                return False
            cell = self._cells[int(column), int(row)] = []
        near = [one for one in cell if abs(one.seconds - sighting.seconds) < apart_s]
        rivals = near or (cell if len(cell) >= CELL_SIZE else [])
        if not rivals:
            cell.append(sighting)
            return True
        worst = max(rivals, key=self._badness)
        if self._badness(sighting) >= self._badness(worst):
            return False
        cell[cell.index(worst)] = sighting
        return True

    def _draw(self, sighting: Sighting) -> None:
        """Reservoir sampling: at any time every frame so far has the same chance to be among those kept."""
        self._seen += 1
        if len(self._habits) < HABITS:
            self._habits.append(sighting)
        else:
            place = self._lots.randrange(self._seen)
            if place < HABITS:
                self._habits[place] = sighting
