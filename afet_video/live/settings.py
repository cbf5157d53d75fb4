"""All settings of a live session: those of `convert`, and what a camera needs beside them.

in: nothing -> out: `LiveSettings`.  Must not: hold anything that is not a setting.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from afet_video.errors import SettingsError
from afet_video.filters import OneEuroSettings
from afet_video.passes.settings import ConvertSettings


@dataclass(frozen=True, slots=True)
class LiveSettings:
    """What a live session shall do; every field has a default that gives a good result.

    `convert`: the stages' settings. Those of the centred smoothing, the neutral and the encoding have no say here.
    `landmark_filter`, `midline_filter`: causal smoothing in their place, values in inter-ocular distances: with `beta`
    30 a landmark in motion is never more than 0.005 behind (half a pixel of a face with 100 between the eyes).
    `calibration_s`: how long the face at rest is looked at first. `goes_on_learning`: whether the neutrals and the
    rest shape get better while the session runs. `in_background`: whether that is computed in a process of its own; if
    not, the frame that starts it waits for it.
    """

    convert: ConvertSettings = field(default_factory=ConvertSettings)
    landmark_filter: OneEuroSettings = field(default_factory=lambda: OneEuroSettings(2.0, 30.0, 3.0))
    midline_filter: OneEuroSettings = field(default_factory=lambda: OneEuroSettings(0.6, 10.0, 1.0))
    calibration_s: float = 3.0
    goes_on_learning: bool = True
    in_background: bool = True

    def __post_init__(self) -> None:
        if not (math.isfinite(self.calibration_s) and 0.2 <= self.calibration_s <= 60.0):
            raise SettingsError(f"calibration_s = {self.calibration_s}: give 0.2 to 60 seconds")
