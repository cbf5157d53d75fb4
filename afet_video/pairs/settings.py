"""What pairs are looked for, and how they are cut out.

in: nothing -> out: `PairSettings`.  Must not: hold anything that is not a setting.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from afet_video.errors import SettingsError
from afet_video.face.landmarker import LandmarkerSettings
from afet_video.face.tracker import TrackerSettings

CROPS = ("aligned", "box", "none")


@dataclass(frozen=True, slots=True)
class PairSettings:
    """What `make_pairs` shall find and write.

    `per_expression`: most pairs of one expression of a person in a shot, the best ones; 0 = all. `min_activity`: least
    sum of changes of the blendshapes from the person's own rest at the apex; 1 is a slight smile, 3 a broad one.
    `max_pose_gap_deg`: largest turn of the head between the two. `crop`: `aligned` (both turned, scaled and moved so
    that the eyes lie at the same pixels), `box` (upright squares around each face) or `none` (whole frames). `size`:
    side of a crop in pixels. `speech`: whether mouth movements of speech count as expressions.
    """

    per_expression: int = 2
    min_activity: float = 1.0
    max_pose_gap_deg: float = 10.0
    crop: str = "aligned"
    size: int = 512
    speech: bool = False
    landmarker: LandmarkerSettings = field(default_factory=LandmarkerSettings)
    tracker: TrackerSettings = field(default_factory=lambda: TrackerSettings(face="all"))

    def __post_init__(self) -> None:
        if self.crop not in CROPS:
            raise SettingsError(f'crop "{self.crop}" is unknown: choose aligned, box or none')
        if self.per_expression < 0:
            raise SettingsError(f"per_expression is {self.per_expression}: give a whole number, 0 for all")
        if not 64 <= self.size <= 4096:
            raise SettingsError(f"size is {self.size}: give 64 to 4096 pixels")
        for name, most in (("min_activity", 20.0), ("max_pose_gap_deg", 90.0)):
            value = getattr(self, name)
            if not (math.isfinite(value) and 0.0 < value <= most):
                raise SettingsError(f"{name} is {value}: give a number above 0, {most:g} at most")
