"""Getting to know the person: a few seconds at rest first, then better and better.

in: sightings of one person -> out: what was learnt of them.  Must not: detect, or show anything.
"""

from __future__ import annotations

import numpy as np

from afet_video.datatypes import FloatArray
from afet_video.live.learn import Learned, Lesson
from afet_video.live.pool import Pool, Sighting
from afet_video.live.settings import LiveSettings
from afet_video.live.worker import LearningFailed, Teacher

STRAIGHT_DEG = 20.0
"""How far the head may be turned for the countdown to go on."""

LONGEST_STEP_S = 0.2
"""A longer time between two frames counts as this: the face was not seen all the while."""

FIRST_LESSON_S, LONGEST_PAUSE_S = 4.0, 20.0
"""Time from calibration to the first lesson that makes it better; pauses double from there up to the second."""

MEASURE_EVERY_S = 0.1
"""Time between two sightings that are made once a session is calibrated: to measure a face takes a millisecond, and
its neighbours in time say the same."""

_LEAST_CHANGES = 5


class Calibration:
    """Collects a person's frames at rest, has them learnt, and goes on from there.

    Parameters
    ----------
    teacher : learns the lessons; belongs to the caller.
    """

    def __init__(self, settings: LiveSettings, teacher: Teacher) -> None:
        self._settings, self._teacher = settings, teacher
        self._pool = Pool()
        self._number = 0
        self.learned: Learned | None = None
        self.trouble = ""
        self._last_s: float | None = None
        self._counted_s = 0.0
        self._is_counted = False
        self._next_s = 0.0
        self._measured_s = -np.inf
        self._pause_s = FIRST_LESSON_S

    def restart(self) -> None:
        """Forget the person."""
        self._pool.clear()
        self._number += 1
        self.learned, self._last_s, self._counted_s, self._is_counted = None, None, 0.0, False
        self._pause_s = FIRST_LESSON_S

    @property
    def has_begun(self) -> bool:
        """Whether any frame was counted."""
        return self._counted_s > 0

    @property
    def countdown_s(self) -> float | None:
        """What is left of the calibration, 0 while it is worked out, None after it."""
        return None if self.learned is not None else max(self._settings.calibration_s - self._counted_s, 0.0)

    def is_straight(self, turn: FloatArray) -> bool:
        """Whether a head (yaw, pitch in degrees) faces the camera well enough for the calibration."""
        return not bool(np.linalg.norm(turn) > STRAIGHT_DEG)  # NaN: taken to be straight

    def wants(self, blendshapes: FloatArray, motion: float, seconds: float) -> bool:
        """Return whether a sighting of a frame would be looked at: else it need not be made."""
        if self.learned is None:
            return not self._is_counted
        if not self._settings.goes_on_learning:
            return False
        if seconds - self._measured_s >= MEASURE_EVERY_S and self._pool.wants(blendshapes, motion):
            self._measured_s = seconds
            return True
        self._pool.skip()
        return False

    def take(self, sighting: Sighting) -> None:
        """Take the next sighting that is wanted."""
        if self.learned is not None:
            self._pool.add(sighting)
            return
        step_s = 0.0 if self._last_s is None else min(sighting.seconds - self._last_s, LONGEST_STEP_S)
        self._last_s = sighting.seconds
        if not self.is_straight(sighting.turn):
            return
        self._counted_s += step_s
        self._pool.calibrate(sighting)
        if self._counted_s >= self._settings.calibration_s:
            self._is_counted = True
            self._pool.settle()
            self._submit(neutral=-1)

    def advance(self, seconds: float) -> None:
        """Fetch what was learnt, and start the next lesson when it is time; called with every frame."""
        try:
            learned = self._teacher.fetch()
        except LearningFailed as failure:
            self.trouble = str(failure)
            if self.learned is None:
                self.restart()
            learned = None
        if learned is not None and learned.number == self._number:
            self.learned, self.trouble = learned, ""
            self._pool.learn_rest()
            self._next_s = seconds + self._pause_s
        if self.learned is None:
            if self._is_counted and not self._teacher.is_busy:
                self._submit(neutral=-1)  # a lesson on somebody who has gone was in the way
        elif self._pool.changes >= _LEAST_CHANGES and seconds >= self._next_s and not self._teacher.is_busy:
            self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)
            self._next_s = seconds + self._pause_s
            self._submit(neutral=self.learned.neutrals[0].choice.index)

    def _submit(self, *, neutral: int) -> None:
        if self._teacher.is_busy:
            return
        self._pool.changes = 0
        settings, smoothing = self._settings.convert, self._settings.landmark_filter
        self._teacher.submit(Lesson(self._number, tuple(self._pool.sightings()), settings, smoothing, neutral))
