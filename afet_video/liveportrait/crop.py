"""The square that the networks see, cut out of a photo and put back.

in: photo, landmarks -> out: crop, and the photo with another crop in it.  Must not: find a face, run a network.

The rule is the authors' (a square around the landmarks, upright along the line from eyes to mouth, 2.3 times their
extent, raised by an eighth), applied to the 68-point subset of MediaPipe's mesh in place of InsightFace's points,
whose models are for non-commercial research only.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from afet_video.datatypes import Box, ByteArray, FloatArray
from afet_video.errors import FaceError
from afet_video.facemesh import IBUG68, LEFT_EYE_INNER, LEFT_EYE_OUTER, RIGHT_EYE_INNER, RIGHT_EYE_OUTER

_EXTENT = 2.3
_RAISED = 0.125
_LEAST_PX = 64
"""Faces whose crop is smaller than this hold nothing that the networks could work with."""

_FEATHER = 0.1
"""Width of the soft border of the paste-back mask, as a share of the crop."""

_UPPER_LIDS, _LOWER_LIDS = (159, 386), (145, 374)
_OUTER_CANTHI, _INNER_CANTHI = (RIGHT_EYE_OUTER, LEFT_EYE_OUTER), (RIGHT_EYE_INNER, LEFT_EYE_INNER)
_LIPS_INNER = (13, 14, 78, 308)
"""The landmarks whose distances say how far eyes and lips are open; the subject's right eye first."""


@dataclass(frozen=True, slots=True, eq=False)
class Crop:
    """Where a square crop lies in its photo.

    `from_photo` (2, 3) float64 maps pixels of the photo to those of the crop, `to_photo` back; integers are pixel
    centres. `size` in pixels.
    """

    from_photo: NDArray[np.float64]
    to_photo: NDArray[np.float64]
    size: int

    def to_crop(self, xy: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return places (N, 2) of the photo as places of the crop."""
        return np.asarray(xy @ self.from_photo[:, :2].T + self.from_photo[:, 2], np.float64)

    def cut(self, photo: ByteArray) -> ByteArray:
        """Return the crop (size, size, 3) of the photo; what lies beyond the photo is black, as the authors have it."""
        return _warped(photo, self.from_photo, (self.size, self.size))

    def within(self, size_wh: tuple[int, int]) -> Box | None:
        """Return the rectangle of a photo that the crop can reach, or None if it lies outside."""
        corners = np.array([(0, 0), (self.size - 1, 0), (0, self.size - 1), (self.size - 1,) * 2], np.float64)
        there = corners @ self.to_photo[:, :2].T + self.to_photo[:, 2]
        x0, y0 = (max(math.floor(v), 0) for v in there.min(axis=0))
        x1, y1 = (min(math.ceil(v) + 1, limit) for v, limit in zip(there.max(axis=0), size_wh, strict=True))
        return Box(x0, y0, x1, y1) if x1 > x0 and y1 > y0 else None

    def laid_in(self, picture: ByteArray, box: Box) -> tuple[ByteArray, FloatArray]:
        """Return `picture` (size, size, 3) as it lies in a rectangle of the photo (h, w, 3), and its share (h, w).

        The share is that of the paste-back mask: 1 inside, soft at the border, 0 beyond it.
        """
        to_box = self.to_photo.copy()
        to_box[:, 2] -= (box.x0, box.y0)
        share = cv2.warpAffine(paste_mask(self.size), to_box, box.size_wh, flags=cv2.INTER_LINEAR)
        return _warped(picture, to_box, box.size_wh), np.asarray(share, np.float32)

    def paste(self, photo: ByteArray, picture: ByteArray) -> ByteArray:
        """Return the photo with `picture` (size, size, 3) in the crop's place, soft at the border.

        Pixels that the mask does not reach stay as they are, bit for bit.
        """
        height, width = photo.shape[:2]
        moved, alpha = self.laid_in(picture, Box(0, 0, width, height))
        result = photo.copy()
        rows, columns = np.nonzero(alpha > 0)
        share = alpha[rows, columns, None]
        mixed = photo[rows, columns] * (1 - share) + moved[rows, columns] * share
        result[rows, columns] = np.round(mixed).astype(np.uint8)
        return result


def _warped(picture: ByteArray, transform: NDArray[np.float64], size_wh: tuple[int, int]) -> ByteArray:
    """Return a picture under an affine map; where it shrinks it is blurred first, as sampling would skip pixels."""
    scale = math.hypot(*transform[:, 0])
    if scale < 1:
        picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), 0.5 * math.sqrt(1 / scale**2 - 1)), np.uint8)
    return np.asarray(cv2.warpAffine(picture, transform, size_wh, flags=cv2.INTER_LINEAR), np.uint8)


def crop_around(landmarks: FloatArray, size: int) -> Crop:
    """Return the crop of a face.

    Parameters
    ----------
    landmarks : (478, 2 or more) of MediaPipe's mesh, pixels of the photo.
    size : of the crop, pixels.

    Raises
    ------
    FaceError
        If the face is so small that there is nothing to work with.
    """
    points = np.asarray(landmarks, np.float64)[list(IBUG68), :2]
    down = _downwards(points)
    right = np.array([down[1], -down[0]])
    along = points @ np.stack((right, down), axis=1)
    low, high = along.min(axis=0), along.max(axis=0)
    side = float((high - low).max()) * _EXTENT
    if side < _LEAST_PX:
        raise FaceError(f"the face is only {side / _EXTENT:.0f} pixels large: use a larger picture of it")
    middle = (low + high) / 2
    middle[1] -= _RAISED * side
    center = right * middle[0] + down * middle[1]
    turn = np.stack((right, down)) * (size / side)
    from_photo = np.column_stack((turn, (size - 1) / 2 - turn @ center))
    return Crop(from_photo, inverse(from_photo), size)


def inverse(transform: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the affine map (2, 3) that undoes `transform`."""
    return np.asarray(cv2.invertAffineTransform(transform), np.float64)


def paste_mask(size: int) -> FloatArray:
    """Return the share (size, size) of the crop that paste-back shows: 1 inside, falling to 0 at the border."""
    edge = np.minimum(np.arange(size), np.arange(size)[::-1]) / (_FEATHER * size)
    ramp = np.clip(edge, 0.0, 1.0)
    ramp = ramp * ramp * (3 - 2 * ramp)
    return np.asarray(ramp[:, None] * ramp[None, :], np.float32)


def eye_openings(landmarks: FloatArray) -> FloatArray:
    """Return how wide the lids are open as a share of the eye's width, (2,): the subject's right eye first.

    About 0.3 for eyes that are open. The order is that of R, which names the eyes as they lie in the picture.
    """
    xy = np.asarray(landmarks, np.float32)[:, :2]
    height = np.linalg.norm(xy[list(_UPPER_LIDS)] - xy[list(_LOWER_LIDS)], axis=1)
    width = np.linalg.norm(xy[list(_OUTER_CANTHI)] - xy[list(_INNER_CANTHI)], axis=1)
    return np.asarray(height / np.maximum(width, 1e-6), np.float32)


def lip_opening(landmarks: FloatArray) -> float:
    """Return how far the lips are apart as a share of the mouth's width; 0 is closed."""
    upper, lower, one, other = np.asarray(landmarks, np.float32)[list(_LIPS_INNER), :2]
    return float(np.linalg.norm(upper - lower) / max(float(np.linalg.norm(one - other)), 1e-6))


def _downwards(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the unit vector from the middle of the eyes to that of the mouth's corners, of 68 points."""
    eyes = (points[[36, 39]].mean(axis=0) + points[[42, 45]].mean(axis=0)) / 2
    down = points[[48, 54]].mean(axis=0) - eyes
    length = float(np.linalg.norm(down))
    if length < 1e-3:
        raise FaceError("eyes and mouth are in one place: these are no landmarks of a face")
    return np.asarray(down / length, np.float64)
