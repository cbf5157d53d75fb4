"""Between the passes: the neutral, the rest shape and the neutral's texture of each person in the track.

in: pass 1's track -> out: one `FaceModel` a person.  Must not: encode, or keep more than the neutrals' pixels.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from afet_video.datatypes import Box, ByteArray, FaceStatus, FloatArray, NeutralChoice
from afet_video.errors import NoNeutralError
from afet_video.face.landmarker import FaceLandmarker
from afet_video.face.neutral import FaceMeasures, choose_neutral, rest_weights
from afet_video.face.palsy import PalsyModel, palsy_model
from afet_video.face.rest import RestModel, fit_rest
from afet_video.face.track import FaceTrack
from afet_video.passes.analyze import Analysis
from afet_video.passes.follow import FollowedFace
from afet_video.passes.settings import ConvertSettings
from afet_video.splice.cover import FaceCover
from afet_video.splice.mesh import build_mesh
from afet_video.splice.texture import TextureModel, outside_mouth, texture_model
from afet_video.video.decode import VideoReader

_REST_SAMPLES = 400
"""Most resting frames that the rest shape is fitted on; more change nothing and cost time."""

_LEAST_REST = 0.2
"""Frames less surely at rest are left out: many faint ones, an expression held for long, would outweigh the few that
are at rest."""


@dataclass(frozen=True, slots=True, eq=False)
class FaceModel:
    """All that pass 2 needs to know of one person: `triangles` (M, 3), `textured` (M,) and the models."""

    neutral: NeutralChoice
    rest: RestModel
    palsy: PalsyModel
    texture: TextureModel
    triangles: NDArray[np.int32]
    textured: NDArray[np.bool_]
    cover: FaceCover


@dataclass(frozen=True, slots=True, eq=False)
class _Neutral:
    """A neutral's choice, landmarks (478, 3), blendshapes (52,), and picture (h, w, 3) with its place in the frame."""

    choice: NeutralChoice
    xyz: FloatArray
    blendshapes: FloatArray
    rgb: FloatArray
    origin: tuple[int, int]


def load_neutral_image(settings: ConvertSettings) -> ByteArray | None:
    """Return the picture that the settings name as neutral, or None if they name none.

    Raises
    ------
    NoNeutralError
        If it is missing or not a picture.
    """
    wish = settings.neutral
    if wish.choice == "auto" or wish.frame_index is not None or wish.seconds is not None:
        return None
    path = Path(wish.choice)
    if not path.is_file():
        raise NoNeutralError(f"neutral {path}: no such file; give auto, a time in seconds, frame:N or an image")
    bgr = cv2.imdecode(np.frombuffer(path.read_bytes() or b"\0", np.uint8), cv2.IMREAD_COLOR)
    if bgr is None:
        raise NoNeutralError(f"neutral {path}: not a picture that can be read; give a PNG or JPEG file")
    rgb: ByteArray = cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB).astype(np.uint8)
    return rgb


def prepare(
    reader: VideoReader,
    analysis: Analysis,
    followed: FollowedFace,
    settings: ConvertSettings,
    image: ByteArray | None,
) -> dict[int, FaceModel]:
    """Return a model for each person of the track, by face id.

    A neutral that the user chose holds for the person it shows; everybody else gets the best one of their own.

    Raises
    ------
    NoNeutralError
        If the neutral asked for is outside the video or shows no face.
    """
    track, measures = analysis.track, analysis.measures
    wished = _wished_frame(track, settings)
    from_image = None if image is None else _image_neutral(image, settings)
    models = {}
    for face_id in sorted({int(i) for i in track.face_id if i >= 0}):
        if from_image is not None:
            neutral = from_image
        elif wished is not None and track.face_id[wished] == face_id:
            score = choose_neutral(_only(measures, np.arange(len(track)) == wished)).score
            choice = NeutralChoice(wished, track.timestamps[wished], score, "user", {}, "chosen by the user")
            neutral = _video_neutral(reader, track, followed, choice)
        else:
            own = _only(measures, track.face_id == face_id)
            if not own.detected.any():
                continue
            neutral = _video_neutral(reader, track, followed, choose_neutral(own))
        models[face_id] = _model(neutral, track, followed, face_id, settings)
    return models


def _model(
    neutral: _Neutral, track: FaceTrack, followed: FollowedFace, face_id: int, settings: ConvertSettings
) -> FaceModel:
    weights = np.where(track.face_id == face_id, rest_weights(track.blendshapes, neutral.blendshapes), 0.0)
    frames = np.flatnonzero(weights > _LEAST_REST)
    if len(frames) > _REST_SAMPLES:
        frames = frames[np.linspace(0, len(frames) - 1, _REST_SAMPLES).astype(int)]
    samples = np.array([followed.xyz(int(frame)) for frame in frames], np.float32).reshape(-1, 478, 3)
    usable = np.isfinite(samples).all(axis=(1, 2))
    triangles = build_mesh(neutral.xyz)
    neutral_xy = neutral.xyz[:, :2] - np.array(neutral.origin, np.float32)
    cover = FaceCover(neutral.rgb, neutral_xy, settings.mask)
    rest = fit_rest(neutral.xyz, samples[usable], weights[frames][usable].astype(np.float32))
    return FaceModel(
        neutral=neutral.choice,
        rest=rest,
        palsy=palsy_model(rest.coefficients[0]),
        texture=texture_model(cover.clean_neutral(), neutral_xy, settings.splice),
        triangles=triangles,
        textured=outside_mouth(triangles, settings.splice),
        cover=cover,
    )


def _wished_frame(track: FaceTrack, settings: ConvertSettings) -> int | None:
    """Return the frame that the user named as neutral by number or time, or None."""
    wish = settings.neutral
    if wish.frame_index is not None:
        frame = wish.frame_index
        if frame >= len(track):
            raise NoNeutralError(f"neutral frame {frame} is outside the video: it has frames 0 to {len(track) - 1}")
    elif wish.seconds is not None:
        start, end = track.seconds[0], track.seconds[-1]
        if not start <= wish.seconds <= end + 0.5 * _usual_step(track.seconds):
            raise NoNeutralError(f"neutral time {wish.seconds:g} s is outside the video: {start:.2f} to {end:.2f} s")
        frame = int(np.searchsorted(track.seconds, wish.seconds + 1e-6, side="right")) - 1
    else:
        return None
    if track.status[frame] is not FaceStatus.DETECTED:
        raise NoNeutralError(f"neutral frame {frame} ({track.seconds[frame]:.2f} s) shows no face: choose another")
    return frame


def _usual_step(seconds: NDArray[np.float64]) -> float:
    return float(np.median(np.diff(seconds))) if len(seconds) > 1 else 1.0


def _video_neutral(reader: VideoReader, track: FaceTrack, followed: FollowedFace, choice: NeutralChoice) -> _Neutral:
    assert choice.timestamp is not None
    xyz = followed.xyz(choice.index)
    frame = reader.frame_at(choice.timestamp)
    box = _around(xyz, frame.size_wh)
    return _Neutral(choice, xyz, track.blendshapes[choice.index], frame.read_box(box), (box.x0, box.y0))


def _image_neutral(rgb: ByteArray, settings: ConvertSettings) -> _Neutral:
    with FaceLandmarker(settings.landmarker) as landmarker:
        faces = landmarker.detect_image(rgb)
    if not faces:
        raise NoNeutralError(f"neutral {settings.neutral.choice}: no face in the picture")
    face = faces[0]
    choice = NeutralChoice(-1, None, 1.0, "image", {}, f"from the picture {settings.neutral.choice}")
    box = _around(face.xyz, (rgb.shape[1], rgb.shape[0]))
    pixels = rgb[box.y0 : box.y1, box.x0 : box.x1].astype(np.float32)
    return _Neutral(choice, face.xyz, face.blendshapes, pixels, (box.x0, box.y0))


def _around(xyz: FloatArray, size_wh: tuple[int, int]) -> Box:
    """Return the rectangle of the face with a margin, within the picture."""
    low, high = xyz[:, :2].min(axis=0), xyz[:, :2].max(axis=0)
    margin = 0.1 * (high - low)
    limit = np.array(size_wh)
    x0, y0 = np.clip(np.floor(low - margin), 0, limit - 1).astype(int)
    x1, y1 = np.clip(np.ceil(high + margin) + 1, 1, limit).astype(int)
    return Box(int(x0), int(y0), max(int(x1), int(x0) + 1), max(int(y1), int(y0) + 1))


def _only(measures: FaceMeasures, frames: NDArray[np.bool_]) -> FaceMeasures:
    return replace(measures, detected=measures.detected & frames)
