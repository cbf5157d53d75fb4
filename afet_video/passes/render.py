"""Pass 2: splice every frame and say where its landmarks went.

in: decoded frames, models -> out: changed frames and `TrackRow`s.  Must not: read or write files.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from afet_video import facemesh
from afet_video.datatypes import (
    LANDMARK_COUNT,
    Box,
    FaceStatus,
    FloatArray,
    Midline,
    PalsyProfile,
    TrackRow,
    VideoFrame,
)
from afet_video.face.hands import HandTrack
from afet_video.face.palsy import AffectedFace, affected_face, fold_lost
from afet_video.face.pose import head_pose
from afet_video.face.rest import RestFrame
from afet_video.face.track import FaceTrack
from afet_video.passes.follow import FollowedFace
from afet_video.passes.prepare import FaceModel, FaceModels
from afet_video.passes.settings import ConvertSettings
from afet_video.splice.alpha import AlphaField, alpha_field
from afet_video.splice.bank import BankEntry, mixed, nearest
from afet_video.splice.blur import beyond_crisp
from afet_video.splice.compose import NeutralTexture, splice
from afet_video.splice.cover import Cover
from afet_video.splice.fold import flatten_fold
from afet_video.splice.midline import SAMPLES
from afet_video.splice.soft_lips import soften_lips
from afet_video.splice.texture import neutral_texture
from afet_video.splice.truth import irises_at_rest, output_landmarks

_MARGIN_PX = 2


@dataclass(frozen=True, slots=True, eq=False)
class FaceMoment:
    """What is known of one face in one frame before it is changed; `convert` and `live` come to it by different ways.

    `xyz` (478, 3): exact, smoothed landmarks in pixels. `strength` in 0..1: share of the palsy to show. `status`: of
    the landmarks. `blendshapes` (52,), `transform` (4, 4): as detected. `hands` (n, 21, 2): hands before the face.
    """

    xyz: FloatArray
    midline: Midline
    strength: float
    status: FaceStatus
    face_id: int
    shot: int
    blendshapes: FloatArray
    transform: FloatArray
    hands: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class SpliceStages:
    """What lies between a frame and its splice: pictures of the rectangle `box`, with the eye and cover as they were.

    `current`, `spliced` (h, w, 3): before, and after, what covers the face put back. `texture`: the neutral's pixels as
    used, `neutral` and `second` the frames that they come from (None: one neutral alone). `landmarks`: (478, 3) of the
    result, and alpha (478,) at each.
    """

    box: Box
    current: FloatArray
    cover: Cover
    texture: NeutralTexture
    neutral: int
    second: int | None
    spliced: FloatArray
    landmarks: tuple[FloatArray, FloatArray]


@dataclass(frozen=True, slots=True, eq=False)
class ChangeStages:
    """What lies between one face in one frame and its row; `splice` is None where no pixel is touched."""

    moment: FaceMoment
    rest: RestFrame
    alpha: AlphaField
    affected: AffectedFace
    splice: SpliceStages | None
    row: TrackRow


Watch = Callable[[ChangeStages], None]
"""Looks at the stages of each face in each frame, as they go by."""


@dataclass(frozen=True, slots=True, eq=False)
class Renderer:
    """Applies the palsy to one face in one frame after the other; holds no state between frames."""

    track: FaceTrack
    followed: FollowedFace
    models: FaceModels
    settings: ConvertSettings
    strength: FloatArray
    hands: HandTrack = field(default_factory=HandTrack)
    watch: Watch | None = None

    def render(self, frame: VideoFrame) -> TrackRow:
        """Change `frame` in place and return its row; a frame without a usable face stays as it is."""
        model, moment = self.model_at(frame.index), self.moment_at(frame.index)
        if model is None or moment is None:
            shot = int(self.track.shot[frame.index]) if frame.index < len(self.track) else 0
            return row_without_face(frame, self.settings, shot)
        return FaceChanger(self.settings, model, self.watch).change(frame, moment)

    def model_at(self, index: int) -> FaceModel | None:
        """Return the model of the person in a frame, or None if there is nobody."""
        if index >= len(self.track):
            return None
        return self.models.get((int(self.track.face_id[index]), int(self.track.shot[index])))

    def size_at(self, index: int) -> float:
        """Return the larger side of the box of the face in a frame, pixels; 0 where nobody is known."""
        if self.model_at(index) is None:
            return 0.0
        return float(np.nan_to_num(np.ptp(self.followed.xyz(index)[:, :2], axis=0).max()))

    def moment_at(self, index: int) -> FaceMoment | None:
        """Return what is known of the face in a frame, or None if that is not enough to change it."""
        track = self.track
        if index >= len(track) or track.status[index] is FaceStatus.MISSING:
            return None
        xyz = self.followed.xyz(index)
        midline = self.followed.midline(index, xyz)
        if midline is None:
            return None
        return FaceMoment(
            xyz=xyz,
            midline=midline,
            strength=float(self.strength[index]),
            status=track.status[index],
            face_id=int(track.face_id[index]),
            shot=int(track.shot[index]),
            blendshapes=track.blendshapes[index],
            transform=track.transforms[index],
            hands=self.hands.at(index),
        )


@dataclass(frozen=True, slots=True, eq=False)
class FaceChanger:
    """Applies the palsy to one face in one frame; what it remembers of the frames before lies in the model."""

    settings: ConvertSettings
    model: FaceModel
    watch: Watch | None = None

    def change(self, frame: VideoFrame, moment: FaceMoment) -> TrackRow:
        """Change `frame` in place and return its row."""
        model, xyz, profile = self.model, moment.xyz, self.settings.profile
        rest = model.rest.rest(xyz, model.gaze)
        alpha = alpha_field(xyz, moment.midline, profile.side, self.settings.splice)
        affected = affected_face(
            xyz, rest, profile, model.palsy, strength=moment.strength, seam_share=1.0 - alpha.at_midline
        )
        spliced = None
        if moment.strength > 0 and not profile.changes_nothing:
            spliced = self._splice(frame, moment, affected, alpha, rest)
        neutral_index = nearest(model.bank, rest.turn_deg)[0].index
        output, alpha_at = output_landmarks(xyz, affected.xyz, alpha) if spliced is None else spliced.landmarks
        share = 1.0 - (1.0 - alpha_at) * affected.lost
        row = row_of_face(frame, moment, profile, output, share, neutral_index)
        if self.watch is not None:
            self.watch(ChangeStages(moment, rest, alpha, affected, spliced, row))
        return row

    def _splice(
        self,
        frame: VideoFrame,
        moment: FaceMoment,
        affected: AffectedFace,
        alpha: AlphaField,
        rest: RestFrame,
    ) -> SpliceStages | None:
        """Splice a frame in place and return what was used, or None if the face lies outside of it."""
        model, xyz = self.model, moment.xyz
        box = affected_box(xyz, affected.xyz, alpha, frame.size_wh)
        if box is None:
            return None
        current = frame.read_box(box)
        origin = np.array([box.x0, box.y0], np.float32)
        hands = moment.hands - origin
        xy, seconds = xyz[:, :2] - origin, float(frame.timestamp.seconds)
        cover = model.cover.find(current, xy, seconds, hands=hands)
        for entry in model.bank:
            visible = not cover.hidden(xy[entry.eye.ring]).any()
            entry.eye.see(current, xy, seconds, affected.lid_closure, visible=visible)
        if model.rims is not None:
            cover = model.rims.over(cover, current, rest.xyz[:, :2] - origin)
        first, second, share = nearest(model.bank, rest.turn_deg)
        texture = self._texture(first, cover.clean, xy, affected)
        if second is not None:
            texture = mixed(texture, self._texture(second, cover.clean, xy, affected), share)
        profile = self.settings.profile
        spliced = splice(
            flatten_fold(cover.clean, xy, profile.side, moment.strength * fold_lost(profile, model.palsy)),
            xyz,
            affected.xyz,
            texture,
            model.triangles,
            alpha,
            textured=model.textured,
            behind_lips=model.behind_lips,
            origin_xy=(box.x0, box.y0),
        )
        landmarks = self._eye(spliced, cover.clean, moment, affected, alpha, texture, first, origin)
        if self.settings.splice.texture != "neutral":  # the method as published leaves edges as they fall
            blur = beyond_crisp(first.texture.blur * facemesh.iod_px(xy))
            soften_lips(spliced, xy, landmarks[0][:, :2] - origin, blur)
        spliced = cover.keep(current, spliced)
        frame.write_box(box, current, spliced)
        indices = first.index, second.index if second else None
        return SpliceStages(box, current, cover, texture, *indices, spliced, landmarks)

    def _eye(
        self,
        spliced: FloatArray,
        clean: FloatArray,
        moment: FaceMoment,
        affected: AffectedFace,
        alpha: AlphaField,
        texture: NeutralTexture,
        entry: BankEntry,
        origin: FloatArray,
    ) -> tuple[FloatArray, FloatArray]:
        """Put the eyeball between the lids of `spliced`, in place; return the result's landmarks, alpha at each."""
        model, xyz = self.model, moment.xyz
        shown = irises_at_rest(xyz, affected.xyz, texture, model.triangles)
        if self.settings.splice.texture == "neutral":  # the method as published paints nothing
            return output_landmarks(xyz, shown, alpha)
        eye, xy = entry.eye, xyz[:, :2] - origin
        view = eye.view(
            xy,
            affected.xyz[:, :2] - origin,
            closure=affected.lid_closure,
            bell=self.settings.profile.bell,
            lost=affected.lost,
            weight=float(texture.weight[eye.iris[0]]),
            strength=moment.strength,
        )
        shown[eye.iris, :2] += np.float32(view.share) * (view.iris + origin - shown[eye.iris, :2])
        output, alpha_at = output_landmarks(xyz, shown, alpha)
        eye.paint(
            spliced,
            clean,
            view,
            current_xy=xy,
            output_xy=output[:, :2] - origin,
            closure=affected.lid_closure,
            gain=texture.gain[eye.ring].mean(axis=0),
        )
        return output, alpha_at

    def _texture(self, entry: BankEntry, current: FloatArray, xy: FloatArray, affected: AffectedFace) -> NeutralTexture:
        return neutral_texture(
            entry.eye.texture,
            current,
            xy,
            affected.excursion,
            lid_closure=affected.lid_closure,
            mouth_opening=affected.mouth_opening,
            side=self.settings.profile.side,
            lost=affected.lost,
            lip_gaps=affected.lip_gaps,
        )


def row_of_face(
    frame: VideoFrame,
    moment: FaceMoment,
    profile: PalsyProfile,
    output: FloatArray,
    alpha: FloatArray,
    neutral_index: int,
) -> TrackRow:
    """Return the row of a face that was changed: its landmarks (478, 3) now, and alpha (478,) at them."""
    return TrackRow(
        index=frame.index,
        timestamp=frame.timestamp,
        status=_status(moment.status, moment.strength),
        face_id=moment.face_id,
        side=profile.side,
        movement_kept=profile.movement_kept,
        kept=np.array(profile.kept, np.float32),
        strength=moment.strength,
        source_xyz=moment.xyz,
        output_xyz=output,
        alpha=alpha,
        blendshapes=moment.blendshapes,
        pose=head_pose(moment.transform),
        midline_y=moment.midline.y,
        midline_x=moment.midline.x,
        neutral_index=neutral_index,
        shot=moment.shot,
    )


def row_without_face(frame: VideoFrame, settings: ConvertSettings, shot: int) -> TrackRow:
    """Return the row of a frame in which nobody is changed."""
    nothing = np.full((LANDMARK_COUNT, 3), np.nan, np.float32)
    profile = settings.profile
    return TrackRow(
        index=frame.index,
        timestamp=frame.timestamp,
        status=FaceStatus.MISSING,
        face_id=-1,
        side=profile.side,
        movement_kept=profile.movement_kept,
        kept=np.array(profile.kept, np.float32),
        strength=0.0,
        source_xyz=nothing,
        output_xyz=nothing,
        alpha=nothing[:, 0],
        blendshapes=np.full(52, np.nan, np.float32),
        pose=head_pose(np.full((4, 4), np.nan, np.float32)),
        midline_y=np.full(SAMPLES, np.nan, np.float32),
        midline_x=np.full(SAMPLES, np.nan, np.float32),
        neutral_index=-1,
        shot=shot,
    )


def _status(of_landmarks: FaceStatus, strength: float) -> FaceStatus:
    """Return the row's status: `reduced` is said of detected landmarks only, guessed ones stay named so."""
    return FaceStatus.REDUCED if of_landmarks is FaceStatus.DETECTED and strength < 1 else of_landmarks


def affected_box(xyz: FloatArray, rest: FloatArray, alpha: AlphaField, size_wh: tuple[int, int]) -> Box | None:
    """Return the rectangle in which the splice can change anything, or None if it lies outside the frame.

    It holds the mesh at both its extremes, cut off where alpha is 1 in every row.
    """
    both = np.concatenate([xyz[:, :2], rest[:, :2]])
    low, high = both.min(axis=0) - _MARGIN_PX, both.max(axis=0) + _MARGIN_PX
    rows = np.arange(np.floor(low[1]), np.ceil(high[1]) + 1, dtype=np.float32)
    columns = alpha.midline.x_at(rows) + alpha.direction * alpha.stop
    if alpha.direction > 0:
        high[0] = min(high[0], columns.max() + _MARGIN_PX)
    else:
        low[0] = max(low[0], columns.min() - _MARGIN_PX)
    x0, y0 = (max(int(np.floor(v)), 0) for v in low)
    x1, y1 = (min(int(np.ceil(v)) + 1, limit) for v, limit in zip(high, size_wh, strict=True))
    return Box(x0, y0, x1, y1) if x1 - x0 > 1 and y1 - y0 > 1 else None
