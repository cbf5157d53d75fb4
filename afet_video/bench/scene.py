"""The frame that the method is timed on: the one with the strongest expression, and all that splicing it takes.

in: a clip -> out: a `Moment`, and a `Scene` of it for each ramp.  Must not: measure.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from afet_video.datatypes import Box, FaceStatus, FloatArray, Midline, Side, VideoFrame, unreported
from afet_video.errors import NoFaceError
from afet_video.face.landmarker import FaceLandmarker
from afet_video.face.rest import RestFrame
from afet_video.passes.prepare import FaceModel
from afet_video.passes.ready import found_people, prepared
from afet_video.passes.render import Renderer, affected_box
from afet_video.passes.settings import ConvertSettings
from afet_video.splice.alpha import AlphaField, SpliceSettings, alpha_field
from afet_video.splice.compose import NeutralTexture, splice
from afet_video.splice.texture import neutral_texture
from afet_video.video.decode import VideoReader

FACE_PX = 512
"""Size of the face that is spliced: as many pixels as a square of this side."""

_LOOKED_AT = 50


def face_side_px(clip: Path) -> float:
    """Return the square root of the area of the face's box in the first frame that shows one.

    Raises
    ------
    NoFaceError
        If the first frames show no face.
    """
    with FaceLandmarker(ConvertSettings().landmarker) as landmarker:
        for frame in VideoReader(clip):
            faces = landmarker.detect_image(frame.rgb())
            if faces:
                return float(np.sqrt(np.prod(np.ptp(faces[0].xyz[:, :2], axis=0))))
            if frame.index == _LOOKED_AT:
                break
    raise NoFaceError(f"{clip}: no face in its first frames: give a clip that starts with one")


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """One frame and all that splicing it takes; each method is a step that is measured."""

    frame: VideoFrame
    xyz: FloatArray
    midline: Midline
    model: FaceModel
    settings: ConvertSettings
    rest: RestFrame
    field: AlphaField
    box: Box
    current: FloatArray

    @classmethod
    def of(cls, frame: VideoFrame, xyz: FloatArray, midline: Midline, model: FaceModel, ramp: str) -> Scene:
        """Collect it for one ramp; see `Moment.scene`."""
        settings = ConvertSettings(splice=SpliceSettings(ramp=ramp))
        rest = model.rest.rest(xyz)
        field = alpha_field(xyz, midline, settings.profile.side, settings.splice)
        box = affected_box(xyz, rest.xyz, field, frame.size_wh)
        if box is None:
            raise NoFaceError("the face is outside the picture where it moves most: give another clip")
        return cls(frame, xyz, midline, model, settings, rest, field, box, frame.read_box(box))

    def alpha(self) -> AlphaField:
        """Return the alpha field once more."""
        return alpha_field(self.xyz, self.midline, self.settings.profile.side, self.settings.splice)

    def texture(self) -> NeutralTexture:
        """Return the neutral's pixels, weighted for this frame."""
        side, origin = self.settings.profile.side, np.array([self.box.x0, self.box.y0], np.float32)
        closure = self.rest.lid_closure[0 if side is Side.LEFT else 1]
        xy = self.xyz[:, :2] - origin
        return neutral_texture(
            *(self.model.bank[0].texture, self.current, xy, self.rest.excursion),
            lid_closure=closure,
            mouth_opening=self.rest.mouth_opening,
            side=side,
        )

    def splice(self, texture: NeutralTexture) -> FloatArray:
        """Return the spliced rectangle (h, w, 3)."""
        return splice(
            *(self.current, self.xyz, self.rest.xyz, texture, self.model.triangles, self.field),
            textured=self.model.textured,
            origin_xy=(self.box.x0, self.box.y0),
        )

    def describe(self) -> str:
        """Say how much there is to do."""
        face = np.ptp(self.xyz[:, :2], axis=0)
        moved = 100 * float(self.rest.excursion.max())
        affected = f"{self.box.size_wh[0]}x{self.box.size_wh[1]} px affected"
        # a face that hardly moves is spliced sooner
        return f"face {face[0]:.0f}x{face[1]:.0f} px, {affected}, moved by up to {moved:.1f} % of the eye distance"


@dataclass(frozen=True, slots=True, eq=False)
class Moment:
    """The frame with the strongest expression: its landmarks (478, 3), its midline, and what changes it."""

    frame: VideoFrame
    xyz: FloatArray
    midline: Midline
    model: FaceModel
    renderer: Renderer

    def scene(self, ramp: str) -> Scene:
        """Return all that splicing it with one of the ramps takes.

        Raises
        ------
        NoFaceError
            If the face lies outside the picture.
        """
        return Scene.of(self.frame, self.xyz, self.midline, self.model, ramp)


@contextlib.contextmanager
def strongest_moment(clip: Path) -> Iterator[Moment]:
    """Give the frame of a clip in which the facial nerve moves the landmarks most, ready to be spliced.

    Raises
    ------
    FaceError, InputError
        If the clip cannot be used.
    """
    settings = ConvertSettings()
    with (
        VideoReader(clip) as reader,
        found_people(reader, settings, unreported) as people,
        prepared(reader, people, settings) as ready,
    ):
        renderer = replace(ready.renderers[0], strength=np.ones(len(people.analysis.timestamps), np.float32))
        index = _strongest(renderer)
        model, xyz = renderer.model_at(index), renderer.followed.xyz(index)
        midline = renderer.followed.midline(index, xyz)
        if midline is None or model is None:
            raise NoFaceError(f"{clip}: the face lies on its side in frame {index}: give another clip")
        yield Moment(reader.frame_at(renderer.track.timestamps[index]), xyz, midline, model, renderer)


def _strongest(renderer: Renderer) -> int:
    """Return the frame in which the facial nerve moves the landmarks most."""
    track, best = renderer.track, (-1.0, 0)
    for index, status in enumerate(track.status):
        model = renderer.model_at(index)
        if model is not None and status is FaceStatus.DETECTED:
            best = max(best, (float(model.rest.rest(renderer.followed.xyz(index)).excursion.sum()), index))
    return best[1]


def use_one_core() -> None:
    """Bind this thread to one core, where the system can, and keep OpenCV from starting others."""
    cv2.setNumThreads(1)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
