"""What the live programs hand to each other.

in: nothing -> out: `LiveResult`, `LiveState` and the `Session` protocol.  Must not: open a camera or a model.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from afet_video.datatypes import ByteArray, PalsyProfile, Side, Timestamp, TrackRow


class LiveState(enum.StrEnum):
    """Where a session stands: nobody in sight, learning the neutral, showing the palsy, or face lost for a moment."""

    WAITING = "waiting"
    CALIBRATING = "calibrating"
    LIVE = "live"
    NO_FACE = "no_face"


@dataclass(frozen=True, slots=True)
class StageTime:
    """What a stage of one frame took, ms: `wall_ms` by the clock, `busy_ms` of its thread's processor time.

    What MediaPipe computes in threads of its own is in the first alone.
    """

    wall_ms: float
    busy_ms: float


@dataclass(frozen=True, slots=True, eq=False)
class LiveResult:
    """One captured frame and what became of it.

    `source`, `result` (H, W, 3) uint8 RGB, not mirrored; they are the same picture until calibration ends. `timestamp`:
    when the camera took it. `row`: landmarks as in a track of `convert`. `message`: one line for the screen.
    `countdown_s`: what is left of the calibration, None outside of it. `processing_ms`: detection to splice.
    `stages`: what each stage of that took, in their order.
    """

    source: ByteArray
    result: ByteArray
    timestamp: Timestamp
    row: TrackRow
    state: LiveState
    message: str
    countdown_s: float | None
    processing_ms: float
    stages: Mapping[str, StageTime] = field(default_factory=dict)


class Session(Protocol):
    """One person before one camera. `process` belongs to one thread; the others may be called from any."""

    @property
    def profile(self) -> PalsyProfile:
        """The palsy that is shown now."""

    def process(self, rgb: ByteArray, timestamp: Timestamp) -> LiveResult:
        """Return what a frame (H, W, 3) uint8 becomes; a trouble with a frame is a state, not an exception."""

    def choose_side(self, side: Side) -> None:
        """Show the palsy on the subject's own left or right from the next frame on."""

    def choose_preset(self, name: str) -> None:
        """Show a preset of `afet_video.profiles` from the next frame on; SettingsError if there is none."""

    def keep_movement(self, kept: Mapping[str, float]) -> None:
        """Set the movement kept, 0..1, of the zones named; SettingsError if a zone is unknown."""

    def recalibrate(self) -> None:
        """Forget the neutral and learn it anew."""

    def close(self) -> None:
        """Close the models."""
