"""What a method is: how it is made of what `convert` prepares.

in: nothing -> out: `Method`.  Must not: know any method.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from afet_video.passes.cast import FaceRenderer
from afet_video.passes.render import Renderer
from afet_video.passes.settings import ConvertSettings
from afet_video.settings_io import replace_nested
from afet_video.video.decode import VideoReader

Change = Callable[[Renderer, VideoReader], FaceRenderer]


def as_it_is(renderer: Renderer, _: VideoReader) -> FaceRenderer:
    """Return the renderer of `convert`."""
    return renderer


@dataclass(frozen=True, slots=True)
class Method:
    """One method: `what` it does in a line.

    `settings`: what of the settings is other than in `convert`. `change` gives, for a prepared renderer and the video,
    the one that is used instead. `missing` says why it cannot be run here, a line for each reason, nothing if it can;
    where what the user gave for it is wrong, it raises. `about`: what the side-car says beyond the usual.
    """

    name: str
    what: str
    settings: Mapping[str, str | float] = field(default_factory=dict)
    change: Change = as_it_is
    missing: Callable[[], tuple[str, ...]] = tuple
    about: Callable[[], Mapping[str, Any]] = dict

    def settings_for(self, settings: ConvertSettings) -> ConvertSettings:
        """Return the settings of `convert` as this method has them."""
        return replace_nested(settings, dict(self.settings))
