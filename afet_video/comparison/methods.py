"""The methods that can be compared, by name.

in: what `convert` prepares -> out: renderers that change the faces another way.  Must not: measure.

All but the first leave one thing out that the method of `convert` has; those of LivePortrait are the paper's own
baselines.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from afet_video.comparison.liveportrait import DIRECT, PAPER, LivePortraitMethods, LivePortraitSettings
from afet_video.comparison.method import Method
from afet_video.comparison.pictures import PictureMix
from afet_video.datatypes import FloatArray, Midline
from afet_video.errors import MidlineError, SettingsError
from afet_video.face.track import FaceTrack
from afet_video.passes.cast import FaceRenderer
from afet_video.passes.follow import FollowedFace
from afet_video.passes.render import Renderer
from afet_video.splice.midline import MidlineSettings, fit_midline, head_frame, midline_points, to_image
from afet_video.video.decode import VideoReader

OURS = "afet-video"


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


def _vertical(renderer: Renderer, _: VideoReader) -> FaceRenderer:
    followed = renderer.followed
    return replace(renderer, followed=VerticalMidline(followed.rows, followed.midline_u))


def _raw(renderer: Renderer, _: VideoReader) -> FaceRenderer:
    followed = renderer.followed
    raw = RawMidline(followed.rows, followed.midline_u, renderer.track, renderer.settings.midline)
    return replace(renderer, followed=raw)


def _stitch(renderer: Renderer, _: VideoReader) -> FaceRenderer:
    return PictureMix(renderer, is_stitch=True)


def _cross_fade(renderer: Renderer, _: VideoReader) -> FaceRenderer:
    return PictureMix(renderer, is_stitch=False)


_SIMPLER = (
    Method(OURS, "the method of convert, as it is set"),
    Method("direct-stitch", "the neutral up to the midline, the frame beyond it; no morph", {}, _stitch),
    Method("cross-fade", "neutral and frame mixed across the ramp; no morph", {}, _cross_fade),
    Method("vertical-midline", "the halves are divided by a vertical line, not by a curve", {}, _vertical),
    Method("raw-lowess", "the midline of each frame by itself, not smoothed over time", {}, _raw),
    Method("linear-ramp", "the paper's: linear ramp, the neutral's own pixels on the affected half", PAPER),
)


def _all_methods(liveportrait: LivePortraitSettings) -> Mapping[str, Method]:
    both = LivePortraitMethods(liveportrait).methods()
    return MappingProxyType({method.name: method for method in (*_SIMPLER, *both)})


METHODS = _all_methods(LivePortraitSettings())
"""All methods by name; the first is the method of `convert`."""


def chosen_methods(names: Sequence[str], liveportrait: LivePortraitSettings | None = None) -> tuple[Method, ...]:
    """Return the method of `convert` and those with the names given, in that order; "all" stands for all of them.

    Raises
    ------
    SettingsError
        If there is no such method; the nearest name is offered, or all are listed. If a palsy picture is given, and
        nothing that is chosen takes it.
    """
    methods = _all_methods(liveportrait or LivePortraitSettings())
    chosen = tuple(methods) if "all" in names else tuple(dict.fromkeys((OURS, *names)))
    for name in chosen:
        if name not in methods:
            raise SettingsError(f'--baselines has no "{name}": {_hint(name)}')
    if liveportrait is not None and liveportrait.palsy_picture is not None and DIRECT not in chosen:
        raise SettingsError(f"a palsy picture drives {DIRECT}, which is not among the baselines: add it, or leave both")
    return tuple(methods[name] for name in chosen)


def _hint(name: str) -> str:
    others = [one for one in (*METHODS, "all") if one != OURS]
    near = difflib.get_close_matches(name.lower(), others, n=1, cutoff=0.5)
    return f'did you mean "{near[0]}"?' if near else f"choose from {', '.join(others[:-1])}, or all"
