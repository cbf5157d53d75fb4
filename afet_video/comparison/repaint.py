"""Faces painted anew by LivePortrait in every frame: the neutral's appearance, the frame's motion.

in: a frame, the neutral's picture, networks -> out: the changed frame and its row.  Must not: load networks.

The whole crop is painted and put back with LivePortrait's own soft border, as in its own program: what lies around
the face is painted too. Where the palsy fades, so does what is painted.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from afet_video.datatypes import ByteArray, FloatArray, TrackRow, VideoFrame
from afet_video.errors import FaceError
from afet_video.face.activity import activity, baseline
from afet_video.face.landmarker import FaceLandmarker
from afet_video.face.neutral import REST_SPREAD, rest_weights
from afet_video.face.pose import align
from afet_video.face.track import FaceTrack
from afet_video.liveportrait import Networks, Portrait
from afet_video.liveportrait.baselines import spliced_by_columns
from afet_video.liveportrait.crop import Crop
from afet_video.liveportrait.reenactment import Reenactment, SeenHead
from afet_video.passes.prepare import FaceModel, load_neutral_image
from afet_video.passes.render import FaceMoment, Renderer, row_of_face, row_without_face
from afet_video.splice.alpha import AlphaField, alpha_field
from afet_video.video.decode import VideoReader

_LEAST_PEAK = 2 * REST_SPREAD
"""Activity that stands for the strongest expression of somebody who hardly shows one: noise is not to drive a face."""


class Painter(Protocol):
    """What is painted of one person."""

    def paint(self, face: Reenactment, head: SeenHead, field: AlphaField, frame: int) -> ByteArray:
        """Return the picture (S, S, 3) of a frame's crop."""
        ...

    def places(self, xyz: FloatArray, rest: FloatArray, at: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the places (478, 3) that were asked for, and alpha (478,) there.

        Parameters
        ----------
        xyz, rest : (478, 3) landmarks of the frame, and of the face at rest in the frame's pose.
        at : (478,) the alpha field at `xyz`.
        """
        ...


@dataclass(frozen=True, slots=True)
class Columns:
    """Each column of the crop is of the intermediate picture that its alpha says.

    `count`: of intermediate pictures, both ends included; None: one for each column between the midline and the edge
    of the face, as in the paper.
    """

    count: int | None = None

    def paint(self, face: Reenactment, head: SeenHead, field: AlphaField, frame: int) -> ByteArray:
        """Return the picture (S, S, 3) of a frame's crop."""
        shares = np.linspace(0.0, 1.0, self.count or column_count(head.crop, field)).tolist()
        return spliced_by_columns(face.intermediates(head, shares), alpha_in_crop(head.crop, field))

    def places(self, xyz: FloatArray, rest: FloatArray, at: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the places (478, 3) that were asked for, and alpha (478,) there."""
        return rest + at[:, None] * (xyz - rest), at


@dataclass(frozen=True, slots=True, eq=False)
class PalsyPicture:
    """The expression of one picture, in each frame as much of it as the frame is active.

    `change` (K, 3): the picture's expression against rest. `shares` (T,): how much of it each frame shows.
    """

    change: FloatArray
    shares: FloatArray

    def paint(self, face: Reenactment, head: SeenHead, field: AlphaField, frame: int) -> ByteArray:
        """Return the picture (S, S, 3) of a frame's crop."""
        return face.with_added(head, self.shares[frame] * self.change)

    def places(self, xyz: FloatArray, rest: FloatArray, at: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the frame's own landmarks: nothing says where those of another person's expression lie."""
        return xyz, np.full(len(xyz), np.nan, np.float32)


class Repainted:
    """Puts what LivePortrait paints into each frame.

    Parameters
    ----------
    renderer : what `convert` prepared.
    reader : the video, from which neutrals are taken.
    networks : LivePortrait's.
    painter : what to paint.
    """

    def __init__(self, renderer: Renderer, reader: VideoReader, networks: Networks, painter: Painter) -> None:
        self._renderer = renderer
        self._reader = reader
        self._networks = networks
        self._painter = painter
        # Of one neutral only: those of a long film would fill the memory.
        self._model: FaceModel | None = None
        self._face: tuple[Reenactment, FloatArray] | None = None

    def size_at(self, index: int) -> float:
        """Return the size of the face in a frame, pixels."""
        return self._renderer.size_at(index)

    def render(self, frame: VideoFrame) -> TrackRow:
        """Change `frame` in place and return its row; a face that is too small for the networks stays as it is.

        The row's landmarks are those that were asked for: what the networks made of it is not known.
        """
        renderer = self._renderer
        model, moment = renderer.model_at(frame.index), renderer.moment_at(frame.index)
        if model is None or moment is None:
            shot = int(renderer.track.shot[frame.index]) if frame.index < len(renderer.track) else 0
            return row_without_face(frame, renderer.settings, shot)
        try:
            face, neutral = self._face_of(model)
            head = face.look(Portrait(frame.rgb(), moment.xyz))
        except FaceError:
            return self._row(
                frame, model, replace(moment, strength=0.0), moment.xyz, np.ones(len(moment.xyz), np.float32)
            )
        return self._repaint(frame, model, moment, face, head, neutral)

    def _repaint(
        self,
        frame: VideoFrame,
        model: FaceModel,
        moment: FaceMoment,
        face: Reenactment,
        head: SeenHead,
        neutral: FloatArray,
    ) -> TrackRow:
        settings, xyz = self._renderer.settings, moment.xyz
        field = alpha_field(xyz, moment.midline, settings.profile.side, settings.splice)
        box = head.crop.within(frame.size_wh)
        if box is not None and moment.strength > 0:
            picture, share = head.crop.laid_in(self._painter.paint(face, head, field, frame.index), box)
            before = frame.read_box(box)
            frame.write_box(box, before, before + moment.strength * share[..., None] * (picture - before))
        rest = np.asarray(align(neutral, xyz).apply(neutral), np.float32)
        places, alpha = self._painter.places(xyz, rest, field.at(xyz[:, 0], xyz[:, 1]))
        return self._row(frame, model, moment, xyz + moment.strength * (places - xyz), alpha)

    def _row(
        self, frame: VideoFrame, model: FaceModel, moment: FaceMoment, places: FloatArray, alpha: FloatArray
    ) -> TrackRow:
        profile = self._renderer.settings.profile
        shown = np.asarray(1.0 - moment.strength * (1.0 - alpha), np.float32)
        return row_of_face(frame, moment, profile, places, shown, model.neutral.index)

    def _face_of(self, model: FaceModel) -> tuple[Reenactment, FloatArray]:
        """Return a person as the networks know them, and the neutral's landmarks (478, 3)."""
        if self._face is None or self._model is not model:
            neutral = self._neutral(model)
            self._face, self._model = (Reenactment(self._networks, neutral), neutral.landmarks), model
        return self._face

    def _neutral(self, model: FaceModel) -> Portrait:
        choice, settings = model.neutral, self._renderer.settings
        if choice.timestamp is not None:
            return Portrait(self._reader.frame_at(choice.timestamp).rgb(), self._renderer.followed.xyz(choice.index))
        image = load_neutral_image(settings)
        assert image is not None
        with FaceLandmarker(settings.landmarker) as landmarker:
            return Portrait(image, landmarker.detect_image(image)[0].xyz)


def column_count(crop: Crop, field: AlphaField) -> int:
    """Return how many intermediates a ramp needs: one a column of pixels, of crop or frame the fewer."""
    scale = min(math.hypot(*crop.from_photo[:, 0]), 1.0)
    return max(math.ceil((field.stop - field.start) * scale) + 1, 2)


def alpha_in_crop(crop: Crop, field: AlphaField) -> FloatArray:
    """Return a frame's alpha at the pixels (S, S) of a crop of it."""
    y, x = np.mgrid[: crop.size, : crop.size]
    there = np.stack((x, y), axis=-1) @ crop.to_photo[:, :2].T + crop.to_photo[:, 2]
    return field.at(there[..., 0], there[..., 1])


def activity_shares(renderer: Renderer) -> FloatArray:
    """Return for each frame (T,) how active the person is, as a share of their most active moment; about 0 at rest."""
    track = renderer.track
    shares = np.zeros(len(track), np.float32)
    for person in track.people:
        frames = np.flatnonzero(track.face_id == person)
        told = frames[np.isfinite(track.blendshapes[frames]).all(axis=1)]
        active = np.zeros(len(told), np.float32)
        for shot in np.unique(track.shot[told]):
            inside = track.shot[told] == shot
            model = renderer.model_at(int(told[inside][0]))
            if model is not None:
                active[inside] = _activity(track, told, model.neutral.index)[inside]
        if len(told):
            shares[frames] = np.interp(frames, told, active / max(float(active.max()), _LEAST_PEAK))
    return shares


def _activity(track: FaceTrack, frames: NDArray[np.int64], neutral: int) -> FloatArray:
    """Return how far (n,) blendshapes are from those of a frame, or from the usual if it is -1; at rest about 0."""
    blendshapes = track.blendshapes[frames]
    rest = track.blendshapes[neutral] if neutral >= 0 else baseline(blendshapes)
    return np.asarray(activity(blendshapes, rest) * (1.0 - rest_weights(blendshapes, rest)), np.float32)
