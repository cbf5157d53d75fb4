"""All settings of a conversion, one group a stage.

in: nothing -> out: `ConvertSettings`.  Must not: hold anything that is not a setting.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, get_args

from afet_video.datatypes import PalsyProfile
from afet_video.errors import SettingsError
from afet_video.face.landmarker import LandmarkerSettings
from afet_video.face.neutral import NeutralSettings
from afet_video.face.tracker import TrackerSettings
from afet_video.filters import CenteredSettings
from afet_video.splice.alpha import SpliceSettings
from afet_video.splice.cover import MaskSettings
from afet_video.splice.midline import MidlineSettings
from afet_video.video.encoders import EncodeSettings

OnNoFace = Literal["pass", "hold", "fail"]


@dataclass(frozen=True, slots=True)
class ConvertSettings:
    """What `convert` shall do; every field has a default that gives a good result.

    `on_no_face`: frames without a face pass unchanged (`pass`), keep the face's last place (`hold`), or end the
    conversion (`fail`). `smoothing` is that of the landmarks over time; its `noise` is in inter-ocular distances.
    """

    profile: PalsyProfile = field(default_factory=PalsyProfile)
    landmarker: LandmarkerSettings = field(default_factory=LandmarkerSettings)
    tracker: TrackerSettings = field(default_factory=TrackerSettings)
    smoothing: CenteredSettings = field(default_factory=lambda: CenteredSettings(noise=0.01))
    neutral: NeutralSettings = field(default_factory=NeutralSettings)
    midline: MidlineSettings = field(default_factory=MidlineSettings)
    splice: SpliceSettings = field(default_factory=SpliceSettings)
    mask: MaskSettings = field(default_factory=MaskSettings)
    encode: EncodeSettings = field(default_factory=EncodeSettings)
    on_no_face: OnNoFace = "pass"

    def __post_init__(self) -> None:
        if self.on_no_face not in get_args(OnNoFace):
            raise SettingsError(f'on_no_face "{self.on_no_face}" is unknown: choose pass, hold or fail')
