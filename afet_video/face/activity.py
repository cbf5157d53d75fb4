"""How much a face is doing: expression activity, lids, sharpness.

in: blendshapes, landmarks, pictures -> out: one number a frame.  Must not: choose anything.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from afet_video import facemesh
from afet_video.datatypes import ByteArray, FloatArray
from afet_video.face.pose import interocular_px

_NOT_EXPRESSION = ("_neutral", "eyeLook")
"""Blendshapes that are not facial expression: the rest score itself, and gaze (moved by other nerves)."""

EXPRESSION: tuple[int, ...] = tuple(
    i for i, name in enumerate(facemesh.BLENDSHAPES) if not name.startswith(_NOT_EXPRESSION)
)
"""Columns of the blendshapes that count as expression."""

_IS_BROW = np.array([name.startswith("brow") for name in facemesh.BLENDSHAPES])
_CALM_SHARE = 0.15
_SHARPNESS_SIDE_PX = 160


def baseline(blendshapes: FloatArray, *, brow_quantile: float = 0.5) -> FloatArray:
    """Return the person's own resting blendshapes (52,) from all frames (T, 52), NaN rows ignored.

    Scores of a resting face are not 0 and differ from person to person: start from each score's low quantile, then take
    the median of the calmest frames, twice. Brows are held at one height for long and moved both ways from there; where
    their rest lies among all frames is `brow_quantile`.
    """
    seen = blendshapes[np.isfinite(blendshapes).all(axis=1)]
    rest = np.where(_IS_BROW, np.quantile(seen, brow_quantile, axis=0), np.quantile(seen, 0.2, axis=0))
    for _ in range(2):
        calm = activity(seen, rest)
        rest = np.median(seen[calm <= np.quantile(calm, _CALM_SHARE)], axis=0)
    return rest.astype(np.float32)


def activity(blendshapes: FloatArray, rest: FloatArray) -> FloatArray:
    """Return summed absolute change (T,) of the expression blendshapes (T, 52) from `rest` (52,); NaN where unknown."""
    columns = list(EXPRESSION)
    return np.asarray(np.abs(blendshapes[:, columns] - rest[columns]).sum(axis=1), np.float32)


def lid_gap_px(xyz: NDArray[np.floating], eye: tuple[int, ...]) -> float:
    """Return the mean distance of upper and lower lid in the middle of an eye (`facemesh.LEFT_EYE` or its twin)."""
    gaps = (xyz[list(eye[3:6]), :2] - xyz[list(eye[13:10:-1]), :2]).tolist()
    return sum(math.hypot(x, y) for x, y in gaps) / len(gaps)


def lid_aperture(xyz: FloatArray) -> float:
    """Return the smaller eye's mean lid opening as a share of the inter-ocular distance, from landmarks (478, 3)."""
    gap_px = min(lid_gap_px(xyz, eye) for eye in (facemesh.LEFT_EYE, facemesh.RIGHT_EYE))
    return gap_px / float(interocular_px(xyz))


def mouth_gap(xyz: FloatArray) -> float:
    """Return the gap between the middles of the lips as a share of the inter-ocular distance, from (478, 3)."""
    return float(np.linalg.norm(xyz[13, :2] - xyz[14, :2]) / interocular_px(xyz))


def landmark_speed(last: tuple[FloatArray, float] | None, xyz: FloatArray, seconds: float) -> float:
    """Return the mean speed of the landmarks (478, 3) in inter-ocular distances a second.

    `last`: landmarks and time in seconds of the frame before; 0 without them.
    """
    if last is None or seconds <= last[1]:
        return 0.0
    moved = np.linalg.norm(xyz[:, :2] - last[0][:, :2], axis=1).mean()
    return float(moved / interocular_px(xyz) / (seconds - last[1]))


def sharpness(rgb: ByteArray, xy: NDArray[np.floating]) -> float:
    """Return how sharp the face is: spread of the Laplacian of its luma at a fixed size, over its contrast.

    `rgb` (H, W, 3); `xy` (478, 2) landmarks in that picture's pixels.
    """
    (x0, y0), (x1, y1) = np.floor(xy.min(axis=0)).astype(int), np.ceil(xy.max(axis=0)).astype(int)
    face = rgb[max(y0, 0) : max(y1, 1), max(x0, 0) : max(x1, 1)]
    if min(face.shape[:2]) < 8:
        return 0.0
    scale = _SHARPNESS_SIDE_PX / max(face.shape[:2])
    gray = cv2.cvtColor(face, cv2.COLOR_RGB2GRAY)
    if scale < 1:
        gray = cv2.resize(gray, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return float(cv2.Laplacian(gray, cv2.CV_32F).std() / (gray.std() + 4.0))
