"""Milliseconds a frame of the method itself: splice, geometry, pixels in and out.

in: a clip in which the face is as large as it shall be -> out: figures on one core.  Must not: detect or encode
while the clock runs.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from afet_video.bench.figures import Figure, samples_ms
from afet_video.datatypes import Box, FaceStatus, FloatArray, Midline, Side, VideoFrame, unreported
from afet_video.errors import NoFaceError
from afet_video.face.landmarker import FaceLandmarker
from afet_video.face.rest import RestFrame
from afet_video.passes.analyze import analyze
from afet_video.passes.follow import follow
from afet_video.passes.neutrals import choose_neutrals
from afet_video.passes.prepare import FaceModel, prepare
from afet_video.passes.register import register
from afet_video.passes.render import Renderer, affected_box
from afet_video.passes.settings import ConvertSettings
from afet_video.splice.alpha import RAMPS, AlphaField, SpliceSettings, alpha_field
from afet_video.splice.compose import NeutralTexture, splice
from afet_video.splice.midline import fit_midline, head_frame, midline_points
from afet_video.splice.texture import neutral_texture
from afet_video.splice.truth import output_landmarks
from afet_video.video.decode import VideoReader

FACE_PX = 512
"""Size of the face that is spliced: as many pixels as a square of this side."""

PART = "kernel"
_TARGET_MS = 4.0
_PAPER = "paper: 3400 ms on an RTX 3090"
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
class _Scene:
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
    def of(cls, frame: VideoFrame, xyz: FloatArray, midline: Midline, model: FaceModel, ramp: str) -> _Scene:
        settings = ConvertSettings(splice=SpliceSettings(ramp=ramp))
        rest = model.rest.rest(xyz)
        field = alpha_field(xyz, midline, settings.profile.side, settings.splice)
        box = affected_box(xyz, rest.xyz, field, frame.size_wh)
        if box is None:
            raise NoFaceError("the face is outside the picture where it moves most: give another clip")
        return cls(frame, xyz, midline, model, settings, rest, field, box, frame.read_box(box))

    def alpha(self) -> AlphaField:
        return alpha_field(self.xyz, self.midline, self.settings.profile.side, self.settings.splice)

    def texture(self) -> NeutralTexture:
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
        return splice(
            *(self.current, self.xyz, self.rest.xyz, texture, self.model.triangles, self.field),
            textured=self.model.textured,
            origin_xy=(self.box.x0, self.box.y0),
        )

    def describe(self) -> str:
        face = np.ptp(self.xyz[:, :2], axis=0)
        moved = 100 * float(self.rest.excursion.max())
        affected = f"{self.box.size_wh[0]}x{self.box.size_wh[1]} px affected"
        # a face that hardly moves is spliced sooner
        return f"face {face[0]:.0f}x{face[1]:.0f} px, {affected}, moved by up to {moved:.1f} % of the eye distance"


def measure_kernel(clip: Path, runs: int) -> list[Figure]:
    """Return how long each step of one frame takes on one warm core.

    The frame is the one with the strongest expression. To be called in a process of its own in which BLAS was started
    with one thread (see `run`): the process is left bound to one core.

    Raises
    ------
    FaceError, InputError
        If the clip cannot be used.
    """
    settings = ConvertSettings()
    with VideoReader(clip) as reader, contextlib.ExitStack() as stack:
        analysis = analyze(reader, settings, unreported)
        choices = choose_neutrals(analysis)
        analysis = register(reader, analysis, choices, unreported)
        stack.callback(analysis.close)
        track = analysis.lanes[0].track
        followed = follow(track, settings)
        stack.callback(followed.close)
        models = prepare(reader, analysis, [followed], choices, settings, None)
        renderer = Renderer(track, followed, models, settings, np.ones(len(track), np.float32))
        index = _strongest(renderer)
        model, xyz = renderer.model_at(index), followed.xyz(index)
        midline = followed.midline(index, xyz)
        if midline is None or model is None:
            raise NoFaceError(f"{clip}: the face lies on its side in frame {index}: give another clip")
        frame = reader.frame_at(track.timestamps[index])
        _use_one_core()
        scenes = {ramp: _Scene.of(frame, xyz, midline, model, ramp) for ramp in RAMPS}
        figures = [_splice_figure(ramp, scene, runs) for ramp, scene in scenes.items()]
        return figures + _step_figures(scenes["smooth"], renderer, runs)


def _strongest(renderer: Renderer) -> int:
    """Return the frame in which the facial nerve moves the landmarks most."""
    track, best = renderer.track, (-1.0, 0)
    for index, status in enumerate(track.status):
        model = renderer.model_at(index)
        if model is not None and status is FaceStatus.DETECTED:
            best = max(best, (float(model.rest.rest(renderer.followed.xyz(index)).excursion.sum()), index))
    return best[1]


def _splice_figure(ramp: str, scene: _Scene, runs: int) -> Figure:
    texture = scene.texture()
    samples = samples_ms(lambda: scene.splice(texture), runs)
    note = f"{scene.describe()}; {_PAPER}"
    return Figure.of(PART, f"splice, {ramp} ramp", "ms", samples, target=_TARGET_MS, note=note)


def _step_figures(scene: _Scene, renderer: Renderer, runs: int) -> list[Figure]:
    head = head_frame(scene.xyz)
    points = head.to_head(midline_points(scene.xyz))
    spliced = scene.splice(scene.texture())
    steps: dict[str, tuple[Callable[[], object], str]] = {
        "rest model": (lambda: scene.model.rest.rest(scene.xyz), ""),
        "alpha field": (scene.alpha, ""),
        "texture weights": (scene.texture, ""),
        "truth": (lambda: output_landmarks(scene.xyz, scene.rest.xyz, scene.field), ""),
        "read_box": (lambda: scene.frame.read_box(scene.box), ""),
        "write_box": (lambda: scene.frame.write_box(scene.box, scene.current, spliced), ""),
        "midline fit": (lambda: fit_midline(points, scene.settings.midline), "between the passes, once a frame"),
        "whole frame": (lambda: renderer.render(scene.frame), "second pass without decoding and encoding"),
    }
    return [Figure.of(PART, name, "ms", samples_ms(step, runs), note=note) for name, (step, note) in steps.items()]


def _use_one_core() -> None:
    """Bind this thread to one core, where the system can, and keep OpenCV from starting others."""
    cv2.setNumThreads(1)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
