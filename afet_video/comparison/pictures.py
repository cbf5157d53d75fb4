"""Halves joined without a morph: the neutral's pixels beside the current frame's.

in: a frame, the neutral's picture -> out: the mixed frame and its row.  Must not: warp a face.

Both methods show how much of the result is owed to the morph. The neutral is brought to the current head by a shift, a
turn and a scale of the whole picture, fitted to points that expressions hardly move; in the paper, where both pictures
show one pose, that is nothing. Outside the face's outline the frame stays.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from afet_video import facemesh
from afet_video.datatypes import Box, FloatArray, TrackRow, VideoFrame
from afet_video.face.pose import align
from afet_video.passes.prepare import FaceModel, around_face
from afet_video.passes.render import FaceMoment, Renderer, row_of_face, row_without_face
from afet_video.splice.alpha import AlphaField, alpha_field
from afet_video.splice.bank import BankEntry


@dataclass(frozen=True, slots=True, eq=False)
class PictureMix:
    """Mixes the neutral's picture with each frame.

    `is_stitch`: the neutral up to the midline and the frame beyond it (direct stitch); else both are mixed by the alpha
    of the smooth ramp (cross-fade).
    """

    renderer: Renderer
    is_stitch: bool

    def size_at(self, index: int) -> float:
        """Return the size of the face in a frame, pixels."""
        return self.renderer.size_at(index)

    def render(self, frame: VideoFrame) -> TrackRow:
        """Change `frame` in place and return its row.

        The row's landmarks are those of the picture that is shown in the larger part at each of them: the exact places
        of a mixture do not exist.
        """
        renderer = self.renderer
        model, moment = renderer.model_at(frame.index), renderer.moment_at(frame.index)
        if model is None or moment is None:
            shot = int(renderer.track.shot[frame.index]) if frame.index < len(renderer.track) else 0
            return row_without_face(frame, renderer.settings, shot)
        return self._mix(frame, model, moment)

    def _mix(self, frame: VideoFrame, model: FaceModel, moment: FaceMoment) -> TrackRow:
        settings, xyz, entry = self.renderer.settings, moment.xyz, model.bank[0]
        field = alpha_field(xyz, moment.midline, settings.profile.side, settings.splice)
        to_frame = similarity(entry.texture.xy, xyz)
        box = around_face(xyz, frame.size_wh)
        current = frame.read_box(box)
        rows, columns = np.mgrid[box.y0 : box.y1, box.x0 : box.x1].astype(np.float32)
        share = moment.strength * (1.0 - self._alpha(field, columns, rows))
        neutral, has_neutral = _laid_under(entry, to_frame, box)
        share[~(_outline(xyz, box) & has_neutral)] = 0.0
        frame.write_box(box, current, mixed(current, neutral, share))
        there = np.column_stack([entry.texture.xy @ to_frame[:, :2].T + to_frame[:, 2], xyz[:, 2]]).astype(np.float32)
        at = self._alpha(field, xyz[:, 0], xyz[:, 1])
        output = np.where((at < 0.5)[:, None], xyz + moment.strength * (there - xyz), xyz)
        alpha = np.asarray(1.0 - moment.strength * (1.0 - at), np.float32)
        return row_of_face(frame, moment, settings.profile, output, alpha, entry.index)

    def _alpha(self, field: AlphaField, x: FloatArray, y: FloatArray) -> FloatArray:
        if self.is_stitch:
            return np.asarray(field.direction * (x - field.midline.x_at(y)) >= 0.0, np.float32)
        return field.at(x, y)


def mixed(current: FloatArray, neutral: FloatArray, share: FloatArray) -> FloatArray:
    """Return `share` (h, w) of the neutral's picture (h, w, 3) and the rest of the current one; where 0, it stays."""
    return np.asarray(current + share[..., None] * (neutral - current), np.float32)


def similarity(source: FloatArray, target: FloatArray) -> NDArray[np.float64]:
    """Return the map (2, 3) by shift, turn and scale that takes landmarks (478, 2 or 3) on to others, pixels.

    Fitted with least squared error to the landmarks that expressions hardly move (`face.pose.STABLE`).
    """
    flat = [np.column_stack([xy[:, :2], np.zeros(len(xy))]).astype(np.float32) for xy in (source, target)]
    fit = align(flat[0], flat[1])
    return np.column_stack([fit.scale * fit.rotation[:2, :2], fit.translation[:2]])


def _laid_under(entry: BankEntry, to_frame: NDArray[np.float64], box: Box) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Return the neutral's picture in a rectangle of the frame (h, w, 3), and where there is one (h, w)."""
    to_box = to_frame.copy()
    to_box[:, 2] -= (box.x0, box.y0)
    picture = cv2.warpAffine(entry.texture.rgb, to_box, box.size_wh, flags=cv2.INTER_LINEAR)
    ones = np.ones(entry.texture.rgb.shape[:2], np.float32)
    return np.asarray(picture, np.float32), np.asarray(cv2.warpAffine(ones, to_box, box.size_wh) > 0.999, np.bool_)


def _outline(xyz: FloatArray, box: Box) -> NDArray[np.bool_]:
    points = np.round(xyz[list(facemesh.FACE_OVAL), :2] - (box.x0, box.y0)).astype(np.int32)
    mask = np.zeros(box.size_wh[::-1], np.uint8)
    cv2.fillPoly(mask, [points], 1)
    return np.asarray(mask > 0, np.bool_)
