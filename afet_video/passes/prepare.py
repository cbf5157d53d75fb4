"""Between the passes: the neutral, the rest shape and the neutral's texture of each person in each shot.

in: pass 1's tracks -> out: one `FaceModel` for a person and shot.  Must not: encode, or keep more pixels than the
neutrals'.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from afet_video.datatypes import Box, ByteArray, FloatArray, NeutralChoice
from afet_video.errors import NoNeutralError
from afet_video.face.brow_rest import brows_at_rest
from afet_video.face.gaze import GazeMemory
from afet_video.face.landmarker import FaceLandmarker
from afet_video.face.neutral import is_at_rest, rest_weights
from afet_video.face.palsy import PalsyModel, fold_lost, palsy_model
from afet_video.face.rest import RestModel, fit_rest
from afet_video.face.shown import plainly_shown
from afet_video.face.track import FaceTrack
from afet_video.passes.analyze import Analysis, Lane
from afet_video.passes.follow import FollowedFace
from afet_video.passes.neutrals import NeutralChoices, user_choice, wished_frame
from afet_video.passes.settings import ConvertSettings
from afet_video.splice.bank import BankEntry
from afet_video.splice.cavity import in_cavity
from afet_video.splice.cover import FaceCover
from afet_video.splice.eye import EyeMemory
from afet_video.splice.fold import flatten_fold
from afet_video.splice.mesh import build_mesh
from afet_video.splice.rims import Rims, without_rims
from afet_video.splice.texture import outside_mouth, texture_model
from afet_video.video.decode import VideoReader

_REST_SAMPLES = 400
"""Most resting frames that the rest shape is fitted on; more change nothing and cost time."""

_LEAST_REST = 0.2
"""Frames less surely at rest are left out: many faint ones, an expression held for long, would outweigh the few that
are at rest."""


FaceModels = Mapping[tuple[int, int], "FaceModel"]
"""Models by `face_id` and shot."""


@dataclass(frozen=True, slots=True, eq=False)
class FaceModel:
    """All that pass 2 needs to know of one person in one shot.

    `triangles` (M, 3) of the mesh, `textured`, `behind_lips` (M,) of the splice, and the models.
    """

    neutral: NeutralChoice
    rest: RestModel
    palsy: PalsyModel
    bank: tuple[BankEntry, ...]
    triangles: NDArray[np.int32]
    textured: NDArray[np.bool_]
    behind_lips: NDArray[np.bool_] | None
    cover: FaceCover
    gaze: GazeMemory
    rims: Rims | None


@dataclass(frozen=True, slots=True, eq=False)
class Neutral:
    """A neutral's choice, landmarks (478, 3), blendshapes (52,), and picture (h, w, 3) with its place in the frame."""

    choice: NeutralChoice
    xyz: FloatArray
    blendshapes: FloatArray
    rgb: FloatArray
    origin: tuple[int, int]

    @property
    def xy(self) -> FloatArray:
        """Landmarks (478, 2) in pixels of the picture."""
        return self.xyz[:, :2] - np.array(self.origin, np.float32)


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
    followed: Sequence[FollowedFace],
    choices: NeutralChoices,
    settings: ConvertSettings,
    image: ByteArray | None,
) -> FaceModels:
    """Return a model for each person in each shot; `followed` has one for each lane of the analysis.

    A neutral that the user chose holds for the people it shows, in all shots; everybody else gets the best one of their
    own: in each shot one from that shot, as light and framing are its own, or, if they are nowhere at rest in it, from
    the shot in which they are best at rest.

    Raises
    ------
    NoNeutralError
        If the neutral asked for is outside the video, shows no face, or is a picture where several people are changed.
    """
    wished = wished_frame(analysis, settings)
    from_image = None if image is None else _image_neutral(image, settings)
    everyone = {face_id for lane in analysis.lanes for face_id in lane.track.people}
    if from_image is not None and settings.tracker.everybody and len(everyone) > 1:
        raise NoNeutralError(
            f"neutral {settings.neutral.choice}: a picture shows one person, but {len(everyone)} people are changed; "
            "give auto, a time or a frame, or choose one person with --face"
        )
    models: dict[tuple[int, int], FaceModel] = {}
    for lane, face in zip(analysis.lanes, followed, strict=True):
        for face_id in lane.track.people:
            given = from_image
            if wished is not None and lane.measures.detected[wished] and lane.track.face_id[wished] == face_id:
                given = _video_neutral(reader, lane.track, face, user_choice(lane, wished))
            for shot, model in _person_models(reader, lane, face, face_id, given, choices, settings).items():
                models[face_id, shot] = model
    return models


def _person_models(
    reader: VideoReader,
    lane: Lane,
    followed: FollowedFace,
    face_id: int,
    given: Neutral | None,
    chosen: NeutralChoices,
    settings: ConvertSettings,
) -> dict[int, FaceModel]:
    """Return the models of one person by shot; `given` is the neutral that the user chose for them, if they did."""
    track = lane.track
    choices = {shot: choice for (person, shot), choice in chosen.items() if person == face_id}
    home = {shot: int(track.shot[choice.index]) for shot, choice in choices.items()}
    models: dict[int, FaceModel] = {}
    for shot in sorted(choices, key=lambda shot: home[shot] != shot):
        if given is None and home[shot] != shot:
            models[shot] = replace(models[home[shot]], neutral=choices[shot])
        else:
            neutral = given or _video_neutral(reader, track, followed, choices[shot])
            others = [] if given else _others(reader, track, followed, choices[shot])
            models[shot] = model_of_shot(neutral, others, track.within(shot), followed, face_id, settings)
    return models


def _bank_entry(
    neutral: Neutral, cover: FaceCover, rims: Rims | None, rest: RestModel, lost: float, settings: ConvertSettings
) -> BankEntry:
    before = cover.of_neutral()
    clean = without_rims(rims, before.clean, neutral.rgb, neutral.xy)
    rgb = flatten_fold(clean, neutral.xy, settings.profile.side, lost)
    texture = texture_model(rgb, neutral.xy, settings.splice, hidden=before.hidden(neutral.xy))
    eye = EyeMemory(texture, settings.profile.side)
    return BankEntry(neutral.choice.index, rest.turn_deg(neutral.xyz), texture, eye)


def model_of_shot(
    neutral: Neutral,
    others: Sequence[Neutral],
    track: FaceTrack,
    followed: FollowedFace,
    face_id: int,
    settings: ConvertSettings,
) -> FaceModel:
    """Return the model of a person in a shot.

    Parameters
    ----------
    neutral, others : the best neutral, and further ones in other poses of the head.
    track : of the shot.
    followed : the smoothed landmarks of all frames.

    Notes
    -----
    Where the best neutral is not at rest and was not named by the user, the brows rest where the shot as a whole says
    (`face.brow_rest`); the neutral of the model says by how much. The method as published shows the neutral itself.
    """
    weights = np.where(track.face_id == face_id, rest_weights(track.blendshapes, neutral.blendshapes), 0.0)
    frames = resting(weights)
    samples = _faces(followed, frames)
    rest = _fitted(neutral, samples, weights[frames].astype(np.float32))
    if settings.splice.texture != "neutral" and not is_at_rest(neutral.choice):
        rest, neutral = _with_brows_at_rest(rest, neutral, track, followed, face_id)
    return _face_model(rest, neutral, others, settings)


def _with_brows_at_rest(
    rest: RestModel, neutral: Neutral, track: FaceTrack, followed: FollowedFace, face_id: int
) -> tuple[RestModel, Neutral]:
    """Return rest shape and neutral with the brows where all frames of the shot say that they rest."""
    frames = np.flatnonzero((track.face_id == face_id) & np.isfinite(track.blendshapes).all(axis=1))
    frames = _spread(frames, _REST_SAMPLES)
    faces = _faces(followed, frames)
    usable = np.isfinite(faces).all(axis=(1, 2))
    brows = brows_at_rest(rest, faces[usable], track.blendshapes[frames[usable]])
    choice = neutral.choice
    if any(brows.below_iod):
        left, right = brows.below_iod
        note = f"{choice.explanation}; brows rest lower, by {left:.2f} (left) and {right:.2f} of the eye distance"
        choice = replace(choice, explanation=note, brows_below_iod=brows.below_iod)
    return brows.model, replace(neutral, choice=choice)


def _faces(followed: FollowedFace, frames: NDArray[np.int64]) -> FloatArray:
    """Return the landmarks (n, 478, 3) of frames."""
    return np.array([followed.xyz(int(frame)) for frame in frames], np.float32).reshape(-1, 478, 3)


def resting(weights: FloatArray) -> NDArray[np.int64]:
    """Return which frames the rest shape is fitted on, from how surely each is at rest (T,)."""
    return _spread(np.flatnonzero(weights > _LEAST_REST), _REST_SAMPLES)


def _spread(frames: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """Return at most so many of the frames, evenly spread over them."""
    return frames if len(frames) <= most else frames[np.linspace(0, len(frames) - 1, most).astype(int)]


def face_model(
    neutral: Neutral, others: Sequence[Neutral], samples: FloatArray, weights: FloatArray, settings: ConvertSettings
) -> FaceModel:
    """Return the model of a person.

    Parameters
    ----------
    neutral, others : the best neutral, and further ones in other poses of the head.
    samples : (n, 478, 3) landmarks of frames at rest; those with NaN are left out.
    weights : (n,) how surely each of them is.
    """
    return _face_model(_fitted(neutral, samples, weights), neutral, others, settings)


def _fitted(neutral: Neutral, samples: FloatArray, weights: FloatArray) -> RestModel:
    usable = np.isfinite(samples).all(axis=(1, 2))
    return fit_rest(neutral.xyz, samples[usable], weights[usable])


def _face_model(rest: RestModel, neutral: Neutral, others: Sequence[Neutral], settings: ConvertSettings) -> FaceModel:
    cover = FaceCover(neutral.rgb, neutral.xy, settings.mask)
    rims = rims_of(neutral, settings)
    return dressed_model(rest, palsy_model(rest.base), cover, rims, [neutral, *others], settings)


def rims_of(neutral: Neutral, settings: ConvertSettings) -> Rims | None:
    """Return the rims of the glasses that a neutral wears; where it does, they take a third of a second to find."""
    return Rims.of(neutral.rgb, neutral.xy) if settings.mask.is_on else None


def dressed_model(
    rest: RestModel,
    palsy: PalsyModel,
    cover: FaceCover,
    rims: Rims | None,
    neutrals: Sequence[Neutral],
    settings: ConvertSettings,
) -> FaceModel:
    """Return the model of a person whose rest is known, for a profile and splice settings; the best neutral first.

    `cover` and `rims` are those of the best neutral.
    """
    covers = [cover, *(FaceCover(one.rgb, one.xy, settings.mask) for one in neutrals[1:])]
    triangles = build_mesh(neutrals[0].xyz)
    lost = fold_lost(settings.profile, palsy)
    return FaceModel(
        neutral=neutrals[0].choice,
        rest=rest,
        palsy=palsy,
        bank=tuple(
            _bank_entry(one, own, rims, rest, lost, settings) for one, own in zip(neutrals, covers, strict=True)
        ),
        triangles=triangles,
        textured=outside_mouth(triangles, settings.splice),
        behind_lips=None if settings.splice.texture == "neutral" else in_cavity(triangles),
        cover=cover,
        gaze=GazeMemory(),
        rims=rims,
    )


def _others(reader: VideoReader, track: FaceTrack, followed: FollowedFace, choice: NeutralChoice) -> list[Neutral]:
    """Return the further neutrals of a choice, in other poses of the head."""
    choices = [replace(choice, index=index, timestamp=track.timestamps[index]) for index in choice.bank]
    return [_video_neutral(reader, track, followed, one) for one in choices]


def _video_neutral(reader: VideoReader, track: FaceTrack, followed: FollowedFace, choice: NeutralChoice) -> Neutral:
    assert choice.timestamp is not None
    xyz = followed.xyz(choice.index)
    (frame,) = reader.frames_at([choice.timestamp])
    box = around_face(xyz, frame.size_wh)
    return Neutral(choice, xyz, track.blendshapes[choice.index], frame.read_box(box), (box.x0, box.y0))


def _image_neutral(rgb: ByteArray, settings: ConvertSettings) -> Neutral:
    with FaceLandmarker(settings.landmarker) as landmarker:
        faces = landmarker.detect_image(rgb)
    if not faces:
        raise NoNeutralError(f"neutral {settings.neutral.choice}: no face in the picture")
    face = faces[0]
    shows = plainly_shown(face.blendshapes)
    choice = NeutralChoice(-1, None, 1.0, "image", {}, f"from the picture {settings.neutral.choice}", shows=shows)
    box = around_face(face.xyz, (rgb.shape[1], rgb.shape[0]))
    pixels = rgb[box.y0 : box.y1, box.x0 : box.x1].astype(np.float32)
    return Neutral(choice, face.xyz, face.blendshapes, pixels, (box.x0, box.y0))


def around_face(xyz: FloatArray, size_wh: tuple[int, int]) -> Box:
    """Return the rectangle of the face with a margin, within the picture."""
    low, high = xyz[:, :2].min(axis=0), xyz[:, :2].max(axis=0)
    margin = 0.1 * (high - low)
    limit = np.array(size_wh)
    x0, y0 = np.clip(np.floor(low - margin), 0, limit - 1).astype(int)
    x1, y1 = np.clip(np.ceil(high + margin) + 1, 1, limit).astype(int)
    return Box(int(x0), int(y0), max(int(x1), int(x0) + 1), max(int(y1), int(y0) + 1))
