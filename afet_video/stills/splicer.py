"""One pair of pictures spliced, from top to bottom.

in: a neutral and an expressive face -> out: a `SplicedStill`.  Must not: read or write files.

The stages are those of a conversion. What is missing is everything that a video tells besides: how the face at rest
looks from other sides, how steady its landmarks are, what they did a moment ago.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from afet_video.datatypes import Box, FloatArray, Landmarks, Midline, Pose
from afet_video.errors import MidlineError, NoFaceError
from afet_video.face.palsy import AffectedFace, PalsyModel, affected_face, fold_lost, palsy_model
from afet_video.face.pose import head_pose
from afet_video.face.register import FaceRegistration, luma_around
from afet_video.face.rest import NOISE_FLOOR_IOD, RestFrame, RestModel, fit_rest
from afet_video.face.visibility import visibility
from afet_video.image_files import Picture
from afet_video.passes.render import affected_box
from afet_video.passes.settings import ConvertSettings
from afet_video.splice.alpha import AlphaField, alpha_field
from afet_video.splice.cavity import in_cavity
from afet_video.splice.compose import NeutralTexture, splice
from afet_video.splice.cover import FaceCover
from afet_video.splice.eye import EyeMemory
from afet_video.splice.fold import flatten_fold
from afet_video.splice.mesh import build_mesh
from afet_video.splice.midline import fit_midline, head_frame, midline_points, to_image
from afet_video.splice.texture import neutral_texture, outside_mouth, texture_model
from afet_video.splice.truth import irises_at_rest, output_landmarks
from afet_video.stills.find import Face
from afet_video.stills.frame import PictureFrame

_REGISTERED_DEG = (20.0, 40.0)
"""Turn of the head between the pictures from which the neutral's pixels say less of the landmarks, and say nothing."""

_NOISE_PER_DEG = 0.1
"""Growth of the noise taken for granted in each landmark, per degree of turn between the pictures: one picture does
not tell how the face at rest looks from another side."""

_LARGEST_RATIO = 1.25
"""A neutral that is larger than the expression's face by more is scaled down to it first."""

_LONG_S = 60.0
"""Eyes that are shut in a picture are shut for good."""


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
    xyz = expression.landmarks.xyz
    strength = _strength(expression, settings)
    warnings = _warnings(neutral.landmarks, expression.landmarks, strength)
    neutral = _fitted_size(neutral, expression.iod_px)
    model = _NeutralModel(neutral, settings)
    frame = PictureFrame(expression.picture.rgb)
    xyz, rest = model.at_rest(frame, xyz)
    midline = _midline(xyz, expression, settings)
    alpha = alpha_field(xyz, midline, settings.profile.side, settings.splice)
    affected = affected_face(
        xyz, rest, settings.profile, model.palsy, strength=strength, seam_share=1.0 - alpha.at_midline
    )
    shown = affected.xyz
    if not settings.profile.changes_nothing:
        box = affected_box(xyz, affected.xyz, alpha, frame.size_wh)
        if box is not None:
            texture = model.splice(frame, box, xyz, affected, alpha, strength)
            shown = irises_at_rest(xyz, shown, texture, model.triangles)
    output, alpha_at = output_landmarks(xyz, shown, alpha)
    return SplicedStill(
        picture=expression.picture.with_rgb(frame.rgb()),
        source_xyz=xyz,
        output_xyz=output,
        alpha=1.0 - (1.0 - alpha_at) * affected.lost,
        strength=strength,
        midline=midline,
        pose=head_pose(expression.landmarks.transform),
        turn_deg=rest.turn_deg,
        warnings=warnings,
    )


class _NeutralModel:
    """All that is known of the person from the neutral picture."""

    def __init__(self, neutral: Face, settings: ConvertSettings) -> None:
        self.settings = settings
        self._frame = PictureFrame(neutral.picture.rgb)
        self._xyz = neutral.landmarks.xyz
        none = np.empty((0, 478, 3), np.float32)
        self._rest: RestModel = fit_rest(self._xyz, none, np.empty(0, np.float32))
        self.palsy: PalsyModel = palsy_model(self._rest.base)
        self.triangles: NDArray[np.int32] = build_mesh(self._xyz)
        self._is_paper = settings.splice.texture == "neutral"

    def at_rest(self, frame: PictureFrame, xyz: FloatArray) -> tuple[FloatArray, RestFrame]:
        """Return a frame's landmarks (478, 3) laid over the neutral's pixels, and the same face at rest."""
        turn = math.hypot(*self._rest.turn_deg(xyz))
        low, high = _REGISTERED_DEG
        share = float(np.clip((high - turn) / (high - low), 0.0, 1.0))
        if share > 0.0:
            registration = FaceRegistration(luma_around(self._frame, self._xyz), self._xyz, self.triangles)
            refined = registration.refine(luma_around(frame, xyz), xyz)
            xyz = (xyz + np.float32(share) * (refined - xyz)).astype(np.float32)
        noise = np.maximum(self._rest.noise_px, NOISE_FLOOR_IOD * self._rest.shape.iod_px)
        return xyz, replace(self._rest, noise_px=noise * (1.0 + _NOISE_PER_DEG * turn)).rest(xyz)

    def splice(
        self,
        frame: PictureFrame,
        box: Box,
        xyz: FloatArray,
        affected: AffectedFace,
        alpha: AlphaField,
        strength: float,
    ) -> NeutralTexture:
        """Splice the frame in place and return the texture that was used."""
        profile, options = self.settings.profile, self.settings.splice
        lost = fold_lost(profile, self.palsy)
        current = frame.read_box(box)
        xy = xyz[:, :2] - np.array([box.x0, box.y0], np.float32)
        around = _around(self._xyz, self._frame.size_wh)
        pixels = self._frame.read_box(around)
        neutral_xy = self._xyz[:, :2] - np.array([around.x0, around.y0], np.float32)
        finder = FaceCover(pixels, neutral_xy, self.settings.mask)
        clean = flatten_fold(finder.clean_neutral(), neutral_xy, profile.side, lost)
        cover = finder.find(current, xy, 0.0)
        eye = EyeMemory(texture_model(clean, neutral_xy, options), profile.side)
        eye.see(current, xy, 0.0, affected.lid_closure, visible=not cover.hides(xy[eye.ring]))
        texture = neutral_texture(
            eye.texture(_LONG_S, profile.bell),
            cover.clean,
            xy,
            affected.excursion,
            lid_closure=affected.lid_closure,
            mouth_opening=affected.mouth_opening,
            side=profile.side,
            lost=affected.lost,
        )
        spliced = splice(
            flatten_fold(cover.clean, xy, profile.side, strength * lost),
            xyz,
            affected.xyz,
            texture,
            self.triangles,
            alpha,
            textured=outside_mouth(self.triangles, options),
            behind_lips=None if self._is_paper else in_cavity(self.triangles),
            origin_xy=(box.x0, box.y0),
        )
        frame.write_box(box, current, cover.keep(current, spliced))
        return texture


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
    return tuple(found)


def _effort(face: Landmarks) -> float:
    from afet_video.face.activity import EXPRESSION

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


def _around(xyz: FloatArray, size_wh: tuple[int, int]) -> Box:
    """Return the rectangle of the face with a margin, within the picture."""
    low, high = xyz[:, :2].min(axis=0), xyz[:, :2].max(axis=0)
    margin = 0.1 * (high - low)
    limit = np.array(size_wh)
    x0, y0 = np.clip(np.floor(low - margin), 0, limit - 1).astype(int)
    x1, y1 = np.clip(np.ceil(high + margin) + 1, 1, limit).astype(int)
    return Box(int(x0), int(y0), max(int(x1), int(x0) + 1), max(int(y1), int(y0) + 1))
