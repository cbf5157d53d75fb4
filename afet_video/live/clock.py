"""Times that grow, whatever a camera says.

in: time stamps -> out: time stamps, each later than the one before.  Must not: change one that is in order.
"""

from __future__ import annotations

from fractions import Fraction

from afet_video.datatypes import Timestamp

NEARLY_S = Fraction(1, 30)
"""Time taken to lie between two frames that claim to be of the same moment."""


class GrowingClock:
    """Puts times right: one that repeats itself comes a frame later, and a clock that was set back goes on."""

    def __init__(self) -> None:
        self._offset = Fraction(0)
        self._before: Timestamp | None = None

    def next(self, timestamp: Timestamp) -> Timestamp:
        """Return the time of the next frame."""
        last, tick = self._before, timestamp.time_base
        moved = Timestamp(timestamp.pts + round(self._offset / tick), tick)
        if last is not None and moved.seconds <= last.seconds:
            self._offset += last.seconds - moved.seconds + max(NEARLY_S, tick)
            moved = Timestamp(timestamp.pts + round(self._offset / tick), tick)
        self._before = moved
        return moved
