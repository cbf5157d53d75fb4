"""One pair of pictures spliced, from top to bottom.

in: a neutral and an expressive face -> out: a `SplicedStill`.  Must not: read or write files.

The stages are those of a conversion. What is missing is everything that a video tells besides: how the face at rest
looks from other sides, how steady its landmarks are, what they did a moment ago.
"""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import cv2
import numpy as np

from afet_video.datatypes import FaceStatus, FloatArray, Landmarks, Midline, NeutralChoice, Pose
from afet_video.errors import MidlineError, NoFaceError
from afet_video.face.activity import EXPRESSION
from afet_video.face.palsy import palsy_model
from afet_video.face.pose import head_pose
from afet_video.face.register import FaceRegistration, luma_around
from afet_video.face.rest import fit_rest
from afet_video.face.shown import plainly_shown
from afet_video.face.visibility import visibility
from afet_video.image_files import Picture
from afet_video.passes.prepare import FaceModel, Neutral, around_face, dressed_model, rims_of
from afet_video.passes.register import Reference, corrected
from afet_video.passes.render import FaceChanger, FaceMoment
from afet_video.passes.settings import ConvertSettings
from afet_video.splice.cover import FaceCover
from afet_video.splice.mesh import build_mesh
from afet_video.splice.midline import fit_midline, head_frame, midline_points, to_image
from afet_video.stills.find import Face
from afet_video.stills.frame import PictureFrame

_NOISE_PER_DEG = 0.1
"""Growth of the noise taken for granted in each landmark, per degree of turn between the pictures: one picture does
not tell how the face at rest looks from another side."""

_FAR_DEG = 8.0
"""Turn between the pictures from which the result is worth a look."""

_LARGEST_RATIO = 1.25
"""A neutral that is larger than the expression's face by more is scaled down to it first."""

_LONG_S = 60.0
"""Eyes that are shut in a picture are shut for long: it is an expression, not a blink."""


@dataclass(frozen=True, slots=True, eq=False)
class SplicedStill:
    """A spliced picture and its ground truth; pixels of the expressive picture.

    `source_xyz`, `output_xyz` (478, 3), `alpha` (478,): as in `datatypes.TrackRow`. `strength` 0..1: how much of the
    palsy the view can carry. `turn_deg`: the head's yaw and pitch against the neutral's.
    """

    picture: Picture
    source_xyz: FloatArray
    output_xyz: FloatArray
    alpha: FloatArray
    strength: float
    midline: Midline
    pose: Pose
    turn_deg: tuple[float, float]
    warnings: tuple[str, ...] = ()


def splice_faces(neutral: Face, expression: Face, settings: ConvertSettings) -> SplicedStill:
    """Return the expressive picture with the affected side as it would be.

    Parameters
    ----------
    neutral, expression : the same person at rest and not; the pictures may differ in size, place, and a little in the
        head's pose and the light.
    settings : those of a conversion; what concerns time or video has no say.

    Raises
    ------
    NoFaceError
        If the view of the expression cannot carry a palsy: a profile, or a face cut by the picture's edge.
    """
    strength = _strength(expression, settings)
    warnings = _warnings(neutral.landmarks, expression.landmarks, strength)
    neutral = _fitted_size(neutral, expression.iod_px)
    frame = PictureFrame(expression.picture.rgb)
    with ThreadPoolExecutor(1) as beside:  # compiled code for the most part: the two do not wait for each other
        registration = beside.submit(_registered, frame, neutral, expression)
        model = _model(neutral, expression.landmarks.xyz, settings)
        xyz = registration.result()
    moment = FaceMoment(
        xyz=xyz,
        midline=_midline(xyz, expression, settings),
        strength=strength,
        status=FaceStatus.DETECTED,
        face_id=0,
        shot=0,
        blendshapes=expression.landmarks.blendshapes,
        transform=expression.landmarks.transform,
        hands=np.empty((0, 21, 2), np.float32),
    )
    row = FaceChanger(settings, model).change(frame, moment)
    turn_deg = model.rest.turn_deg(xyz)
    return SplicedStill(
        picture=expression.picture.with_rgb(frame.rgb()),
        source_xyz=xyz,
        output_xyz=row.output_xyz,
        alpha=row.alpha,
        strength=strength,
        midline=moment.midline,
        pose=row.pose,
        turn_deg=turn_deg,
        warnings=(*warnings, *_turn_warning(turn_deg)),
    )


def _turn_warning(turn_deg: tuple[float, float]) -> list[str]:
    turn = math.hypot(*turn_deg)
    if turn <= _FAR_DEG:
        return []
    return [f"the head is turned by {turn:.0f} degrees against the neutral: look at brows and outline of the result"]


def _registered(frame: PictureFrame, neutral: Face, expression: Face) -> FloatArray:
    """Return the landmarks (478, 3) of the expression, its pixels laid over the neutral's."""
    xyz = neutral.landmarks.xyz
    luma = luma_around(PictureFrame(neutral.picture.rgb), xyz)
    reference = Reference(FaceRegistration(luma, xyz, build_mesh(xyz)), _turn(neutral))
    return corrected(frame, expression.landmarks.xyz, _turn(expression), [reference])


def _turn(face: Face) -> FloatArray:
    pose = head_pose(face.landmarks.transform)
    return np.array([pose.yaw_deg, pose.pitch_deg], np.float32)


def _model(neutral: Face, xyz: FloatArray, settings: ConvertSettings) -> FaceModel:
    """Return what the neutral picture tells of the person, for an expression whose landmarks are `xyz` (478, 3)."""
    none = np.empty((0, 478, 3), np.float32)
    rest = fit_rest(neutral.landmarks.xyz, none, np.empty(0, np.float32))
    turn = math.hypot(*rest.turn_deg(xyz))
    rest = replace(rest, noise_px=rest.noise_px * (1.0 + _NOISE_PER_DEG * turn))
    box = around_face(neutral.landmarks.xyz, neutral.picture.size_wh)
    held = Neutral(
        choice=NeutralChoice(-1, None, 1.0, "image", {}, f"from the picture {neutral.picture.name}"),
        xyz=neutral.landmarks.xyz,
        blendshapes=neutral.landmarks.blendshapes,
        rgb=neutral.picture.rgb[box.y0 : box.y1, box.x0 : box.x1].astype(np.float32),
        origin=(box.x0, box.y0),
    )
    cover = FaceCover(held.rgb, held.xy, settings.mask)
    model = dressed_model(rest, palsy_model(rest.base), cover, rims_of(held, settings), [held], settings)
    for entry in model.bank:
        entry.eye.see(held.rgb, held.xy, -_LONG_S, 1.0, visible=False)
    return model


def _strength(expression: Face, settings: ConvertSettings) -> float:
    """Return how much of a palsy the view can carry, or refuse one that carries none."""
    pose = head_pose(expression.landmarks.transform)
    angles = np.nan_to_num(np.array([[pose.yaw_deg, pose.pitch_deg, pose.roll_deg]]))
    side = settings.profile.side
    strength = float(visibility(expression.landmarks.xyz[None], angles, expression.picture.size_wh, side)[0])
    if strength < 0.02:
        yaw, pitch, roll = angles[0]
        raise NoFaceError(
            f"{expression.picture.name}: this view cannot carry a palsy of the {side} side (yaw {yaw:.0f}, pitch "
            f"{pitch:.0f}, roll {roll:.0f} degrees, or the face is cut by the picture's edge): choose a frontal "
            "picture, or the other side"
        )
    return strength


def _warnings(neutral: Landmarks, expression: Landmarks, strength: float) -> tuple[str, ...]:
    found = []
    if strength < 0.98:
        found.append(f"the head is turned far or cut by the edge: {strength:.0%} of the palsy is shown")
    if _effort(neutral) > _effort(expression) + 1.0:
        found.append("the neutral picture shows more expression than the other one: are they interchanged?")
    elif shown := plainly_shown(neutral.blendshapes):
        found.append(f"the neutral picture is no face at rest, it {' and '.join(shown)}: the affected side keeps that")
    return tuple(found)


def _effort(face: Landmarks) -> float:
    return float(face.blendshapes[list(EXPRESSION)].sum())


def _fitted_size(neutral: Face, iod_px: float) -> Face:
    """Return the neutral scaled down where it is larger: sampled as it is, its fine detail would alias."""
    scale = iod_px / neutral.iod_px
    if scale * _LARGEST_RATIO >= 1.0:
        return neutral
    width, height = neutral.picture.size_wh
    size = (max(round(width * scale), 2), max(round(height * scale), 2))
    rgb = np.asarray(cv2.resize(neutral.picture.rgb, size, interpolation=cv2.INTER_AREA), np.uint8)
    factor = np.array([size[0] / width, size[1] / height, scale], np.float32)
    xyz = (neutral.landmarks.xyz + np.array([0.5, 0.5, 0.0], np.float32)) * factor
    xyz -= np.array([0.5, 0.5, 0.0], np.float32)
    return Face(Picture(rgb, None, None, neutral.picture.name), replace(neutral.landmarks, xyz=xyz))


def _midline(xyz: FloatArray, expression: Face, settings: ConvertSettings) -> Midline:
    head = head_frame(xyz)
    try:
        return to_image(fit_midline(head.to_head(midline_points(xyz)), settings.midline), head)
    except MidlineError as error:
        raise MidlineError(f"{expression.picture.name}: {error}") from error
