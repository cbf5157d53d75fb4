"""Causal smoothing of a face's landmarks and midline, and of how much palsy is shown.

in: one frame's values after the other -> out: smoothed ones.  Must not: look ahead.
"""

from __future__ import annotations

import numpy as np

from afet_video.datatypes import FloatArray
from afet_video.face.pose import interocular_px
from afet_video.filters import OneEuroFilter, OneEuroSettings
from afet_video.passes.strength import GAP_FADE_S

_OTHER_SIZE = 1.3
"""Change of the face's size from which its unit of length is taken anew."""


class LandmarkFilter:
    """One Euro filter of landmarks (478, 3) in pixels, whose settings count in inter-ocular distances."""

    def __init__(self, settings: OneEuroSettings) -> None:
        self._filter = OneEuroFilter(settings)
        self._unit: float | None = None

    def reset(self) -> None:
        """Forget the past."""
        self._filter.reset()
        self._unit = None

    def update(self, xyz: FloatArray, seconds: float) -> FloatArray:
        """Return the smoothed landmarks at `seconds`, which grows."""
        size = float(interocular_px(xyz))
        if self._unit is None or not 1 / _OTHER_SIZE < size / self._unit < _OTHER_SIZE:
            self._filter.reset()
            self._unit = size
        return np.asarray(self._filter.update(xyz / self._unit, seconds) * self._unit, np.float32)


class StrengthFilter:
    """How much of the palsy a frame shows: never more than it can carry, and growing slowly."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Start from nothing: the palsy sets in anew."""
        self._level, self._seconds = 0.0, None  # type: tuple[float, float | None]

    def update(self, carried: float, seconds: float) -> float:
        """Return the strength 0..1 of a frame that can carry `carried` of it.

        Without the future it cannot fade before the face is lost; it does set in as smoothly as in `convert`.
        """
        step = 0.0 if self._seconds is None else max(seconds - self._seconds, 0.0)
        self._seconds = seconds
        self._level = min(self._level + step / GAP_FADE_S, 1.0)
        level = self._level * self._level * (3 - 2 * self._level)
        if carried < level:
            # what comes after a turned head starts from there
            self._level = min(self._level, max(carried, 0.0))
        return min(level, carried)
