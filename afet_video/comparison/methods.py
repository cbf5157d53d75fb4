"""The methods that can be compared, by name.

in: what `convert` prepares -> out: renderers that change the faces another way.  Must not: measure.

All but the first leave one thing out that the method of `convert` has; those of LivePortrait are the paper's own
baselines.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import numpy as np

from afet_video.comparison.pictures import PictureMix
from afet_video.datatypes import FloatArray, Midline
from afet_video.errors import AfetError, MidlineError, SettingsError
from afet_video.face.track import FaceTrack
from afet_video.passes.cast import FaceRenderer
from afet_video.passes.follow import FollowedFace
from afet_video.passes.render import Renderer
from afet_video.passes.settings import ConvertSettings
from afet_video.profiles import PRESETS
from afet_video.settings_io import replace_nested
from afet_video.splice.midline import MidlineSettings, fit_midline, head_frame, midline_points, to_image

OURS = "afet-video"

Change = Callable[[Renderer], FaceRenderer]


def _as_it_is(renderer: Renderer) -> FaceRenderer:
    return renderer


@dataclass(frozen=True, slots=True)
class Method:
    """One method: `what` it does in a line.

    `settings`: what of the settings is other than in `convert`. `change` gives, for a prepared renderer, the one that
    is used instead. `missing` says why it cannot be run here, None if it can.
    """

    name: str
    what: str
    settings: Mapping[str, str | float] = field(default_factory=dict)
    change: Change = _as_it_is
    missing: Callable[[], str | None] = lambda: None

    def settings_for(self, settings: ConvertSettings) -> ConvertSettings:
        """Return the settings of `convert` as this method has them."""
        return replace_nested(settings, dict(self.settings))


class VerticalMidline(FollowedFace):
    """A followed face whose midline is a vertical line through the middle of the midline's landmarks."""

    def midline(self, frame: int, xyz: FloatArray) -> Midline | None:
        """Return the line for a frame; it has the rows of the curve."""
        curve = FollowedFace.midline(self, frame, xyz)
        if curve is None:
            return None
        return Midline(curve.y, np.full_like(curve.x, midline_points(xyz)[:, 0].mean()))


@dataclass(frozen=True, slots=True, eq=False)
class RawMidline(FollowedFace):
    """A followed face whose midline is LOWESS on the landmarks of each frame alone, as they are before smoothing."""

    track: FaceTrack
    settings: MidlineSettings

    def midline(self, frame: int, xyz: FloatArray) -> Midline | None:
        """Return the curve for a frame, or None if there is none that columns can follow."""
        raw = self.track.xyz(frame, frame + 1)[0]
        if not np.isfinite(raw).all():
            return FollowedFace.midline(self, frame, xyz)
        head = head_frame(raw)
        try:
            return to_image(fit_midline(head.to_head(midline_points(raw)), self.settings), head)
        except MidlineError:
            return None


def _vertical(renderer: Renderer) -> FaceRenderer:
    followed = renderer.followed
    return replace(renderer, followed=VerticalMidline(followed.rows, followed.midline_u))


def _raw(renderer: Renderer) -> FaceRenderer:
    followed = renderer.followed
    raw = RawMidline(followed.rows, followed.midline_u, renderer.track, renderer.settings.midline)
    return replace(renderer, followed=raw)


def _stitch(renderer: Renderer) -> FaceRenderer:
    return PictureMix(renderer, is_stitch=True)


def _cross_fade(renderer: Renderer) -> FaceRenderer:
    return PictureMix(renderer, is_stitch=False)


def _no_liveportrait() -> str | None:
    """Return why LivePortrait cannot stand beside the others: it is not there, its weights are not, or it makes stills.

    Its weights are named by the messages of `liveportrait.weights`, where that is installed.
    """
    if importlib.util.find_spec("afet_video.liveportrait") is None:
        return "LivePortrait is not part of this installation"
    weights = importlib.import_module("afet_video.liveportrait.weights")
    try:
        weights.locate_weights("torch")
    except AfetError as error:
        return str(error)
    return "LivePortrait makes pairs of stills out of a photo, and no video of this clip: see `afet-video still`"


_PAPER = {f"splice.{key}": value for key, value in PRESETS["paper"].splice.items()}

METHODS: Mapping[str, Method] = MappingProxyType(
    {
        method.name: method
        for method in (
            Method(OURS, "the method of convert, as it is set"),
            Method("direct-stitch", "the neutral up to the midline, the frame beyond it; no morph", {}, _stitch),
            Method("cross-fade", "neutral and frame mixed across the ramp; no morph", {}, _cross_fade),
            Method("vertical-midline", "the halves are divided by a vertical line, not by a curve", {}, _vertical),
            Method("raw-lowess", "the midline of each frame by itself, not smoothed over time", {}, _raw),
            Method("linear-ramp", "the paper's: linear ramp, the neutral's own pixels on the affected half", _PAPER),
            Method(
                "liveportrait-direct",
                "LivePortrait driven by a picture of a person with a palsy (the paper's Fig. 8)",
                missing=_no_liveportrait,
            ),
            Method(
                "liveportrait-columns",
                "LivePortrait's intermediate pictures in place of the morph (the paper's Fig. 9)",
                missing=_no_liveportrait,
            ),
        )
    }
)
"""All methods by name; the first is the method of `convert`."""


def chosen_methods(names: Sequence[str]) -> tuple[Method, ...]:
    """Return the method of `convert` and those with the names given, in that order; "all" stands for all of them.

    Raises
    ------
    SettingsError
        If there is no such method; the message lists them.
    """
    if list(names) == ["all"]:
        return tuple(METHODS.values())
    for name in names:
        if name not in METHODS:
            known = ", ".join(name for name in METHODS if name != OURS)
            raise SettingsError(f'--baselines has no "{name}": choose from {known}, or all')
    return tuple(METHODS[name] for name in dict.fromkeys((OURS, *names)))
