"""All settings of a conversion, one group a stage.

in: nothing -> out: `ConvertSettings`.  Must not: hold anything that is not a setting.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal, get_args

from afet_video.datatypes import PalsyProfile
from afet_video.errors import SettingsError
from afet_video.face.landmarker import LandmarkerSettings
from afet_video.face.neutral import NeutralSettings
from afet_video.face.tracker import TrackerSettings
from afet_video.filters import CenteredSettings
from afet_video.profiles import PRESETS, load_profile
from afet_video.settings_io import replace_nested
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
    `side_seed`: None = the affected side is the profile's; a number = it is drawn from that number and the input's
    content, and the profile's is not looked at. `hwaccel`: device that decodes and encodes ("cuda", "qsv", ...);
    None = software. `segment_frames`: where checkpoints are kept, a longer video is encoded in segments of so many
    frames at most.
    """

    profile: PalsyProfile = field(default_factory=PalsyProfile)
    landmarker: LandmarkerSettings = field(default_factory=LandmarkerSettings)
    tracker: TrackerSettings = field(default_factory=TrackerSettings)
    smoothing: CenteredSettings = field(default_factory=lambda: CenteredSettings(noise=0.003))
    neutral: NeutralSettings = field(default_factory=NeutralSettings)
    midline: MidlineSettings = field(default_factory=MidlineSettings)
    splice: SpliceSettings = field(default_factory=SpliceSettings)
    mask: MaskSettings = field(default_factory=MaskSettings)
    encode: EncodeSettings = field(default_factory=EncodeSettings)
    on_no_face: OnNoFace = "pass"
    side_seed: int | None = None
    hwaccel: str | None = None
    segment_frames: int = 500

    def __post_init__(self) -> None:
        if self.on_no_face not in get_args(OnNoFace):
            raise SettingsError(f'on_no_face "{self.on_no_face}" is unknown: choose pass, hold or fail')
        if self.side_seed is not None and self.side_seed < 0:
            raise SettingsError(f"side_seed is {self.side_seed}: give a whole number from 0 on")
        if self.segment_frames < 1:
            raise SettingsError(f"segment_frames is {self.segment_frames}: give a whole number from 1 on")


def with_profile(settings: ConvertSettings, name_or_file: str) -> ConvertSettings:
    """Return `settings` with another palsy profile, and with the splice settings that belong to it.

    Parameters
    ----------
    settings : what everything else is taken from; the affected side too, unless a file names it.
    name_or_file : a preset's name, or a path that ends in ``.toml``.

    Raises
    ------
    SettingsError
        As `load_profile` does.
    """
    settings = replace(settings, profile=load_profile(name_or_file, side=settings.profile.side))
    preset = PRESETS.get(name_or_file)
    if preset is None:
        return settings
    return replace_nested(settings, {f"splice.{key}": value for key, value in preset.splice.items()})
