"""Parts cut out of frames so that both pictures of a pair lie alike.

in: a frame, landmarks -> out: a picture, and how its pixels map to the frame's.  Must not: choose frames.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from afet_video import facemesh
from afet_video.datatypes import ByteArray, FloatArray

_EYES_APART, _EYES_DOWN = 0.24, 0.42
"""Distance of the middles of the eyes, and their height, in shares of the crop: the whole head fits."""

_BOX_WIDER = 1.7
"""Side of an upright square against the larger side of the face's box."""

CropMap = NDArray[np.float64]
"""(2, 3): takes a pixel (x, y, 1) of the crop to the frame's."""


def crop_map(kind: str, xyz: FloatArray, size: int) -> CropMap:
    """Return how the pixels of a crop map to the frame's.

    Parameters
    ----------
    kind : `aligned`: the middles of the eyes (between the canthi, which lids do not move) lie at fixed pixels; `box`:
        an upright square around the face; `none`: the frame itself.
    xyz : (478, 3) landmarks in pixels of the frame.
    size : side of the crop in pixels.
    """
    if kind == "none":
        return np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    if kind == "box":
        low, high = xyz[:, :2].min(axis=0).astype(np.float64), xyz[:, :2].max(axis=0).astype(np.float64)
        scale = _BOX_WIDER * float((high - low).max()) / size
        shift = (low + high) / 2 - scale * (size - 1) / 2
        return np.array([[scale, 0.0, shift[0]], [0.0, scale, shift[1]]])
    eyes = [_middle(xyz, facemesh.RIGHT_EYE), _middle(xyz, facemesh.LEFT_EYE)]
    eyes.sort(key=lambda point: float(point[0]))
    y = _EYES_DOWN * size
    there = [np.array([(0.5 - _EYES_APART / 2) * size, y]), np.array([(0.5 + _EYES_APART / 2) * size, y])]
    turn = complex(*(eyes[1] - eyes[0])) / complex(*(there[1] - there[0]))
    linear = np.array([[turn.real, -turn.imag], [turn.imag, turn.real]])
    return np.column_stack([linear, eyes[0] - linear @ there[0]])


def cut_out(rgb: ByteArray, mapping: CropMap, size: int) -> ByteArray:
    """Return the crop (size, size, 3) of a frame (H, W, 3); black beyond the frame."""
    scale = float(np.linalg.norm(mapping[:, 0]))
    picture, mapping = rgb, mapping.copy()
    if scale > 1.5:  # sampled as it is, fine detail would alias
        height, width = rgb.shape[:2]
        smaller = max(round(width / scale), 1), max(round(height / scale), 1)
        picture = np.asarray(cv2.resize(rgb, smaller, interpolation=cv2.INTER_AREA), np.uint8)
        factor = np.array([[smaller[0] / width], [smaller[1] / height]])
        mapping[:, 2] += 0.5
        mapping *= factor
        mapping[:, 2] -= 0.5
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(picture, mapping, (size, size), flags=flags), np.uint8)


def to_crop(xyz: FloatArray, mapping: CropMap) -> FloatArray:
    """Return landmarks (478, 3) of the frame in pixels of the crop, depth in the same scale."""
    linear = mapping[:, :2]
    xy = (xyz[:, :2] - mapping[:, 2]) @ np.linalg.inv(linear).T
    depth = xyz[:, 2:] / float(np.linalg.norm(linear[:, 0]))
    return np.concatenate([xy, depth], axis=1).astype(np.float32)


def _middle(xyz: FloatArray, eye: tuple[int, ...]) -> NDArray[np.float64]:
    return np.asarray(xyz[[eye[0], eye[8]], :2].mean(axis=0), np.float64)
