"""The edges of lips that were moved, as soft as a blurred picture is.

in: a spliced picture, the lips' edges before and after -> out: the picture, changed in place.  Must not: measure blur.

Between the lips each pixel comes from one of two places, and where these meet there is an edge as sharp as pixels are.
In a picture that is out of focus no other edge is.
"""

from __future__ import annotations

import cv2
import numpy as np

from afet_video import facemesh
from afet_video.datatypes import FloatArray
from afet_video.vectors import smoothsteps

_INNER = list(facemesh.LIPS_INNER)
_MOVED_PX = (0.3, 1.5)
"""How far an edge has moved from which it begins to be softened, and is so in full."""


def soften_lips(spliced: FloatArray, before: FloatArray, after: FloatArray, blur: float) -> None:
    """Blur the lips' inner edges where they have moved, in place.

    Parameters
    ----------
    spliced : (h, w, 3) picture.
    before, after : (478, 2) landmarks of the frame and of the result, pixels of the picture.
    blur : standard deviation of what a crisp picture lacks to be as soft, pixels; 0: nothing is done.
    """
    if blur <= 0:
        return
    edge = after[_INNER]
    moved = smoothsteps(np.linalg.norm(edge - before[_INNER], axis=1), *_MOVED_PX)
    reach = int(np.ceil(4 * blur)) + 2
    low = np.maximum(np.floor(edge.min(axis=0)).astype(int) - reach, 0)
    high = np.minimum(np.ceil(edge.max(axis=0)).astype(int) + reach, (spliced.shape[1], spliced.shape[0]))
    if not moved.any() or (high - low).min() < 2:
        return
    part = spliced[low[1] : high[1], low[0] : high[0]]
    band = np.zeros(part.shape[:2], np.float32)
    corners = np.round((edge - low) * 16).astype(np.int32)
    for k in range(len(corners)):
        pair = corners[[k, (k + 1) % len(corners)]]
        share = float(max(moved[k], moved[(k + 1) % len(corners)]))
        cv2.line(band, pair[0].tolist(), pair[1].tolist(), share, 2 * round(1.5 * blur) + 1, cv2.LINE_8, 4)
    share_of = cv2.GaussianBlur(band, (0, 0), blur)
    part += share_of[..., None] * (cv2.GaussianBlur(part, (0, 0), blur) - part)
