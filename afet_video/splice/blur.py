"""How blurred a picture is: out of focus, or made larger than it was taken.

in: brightness -> out: a width in pixels.  Must not: know faces.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from afet_video.datatypes import FloatArray

CRISP_PX = 1.2
"""Blur up to which a picture is as sharp as videos are: it was 0 to 1.1 in all real clips that were looked at."""

_FIRST_PX, _AGAIN_PX = 1.0, 1.5
"""Blur against noise, and the one whose effect is measured."""
_EDGES, _LEAST_STEEP, _RIDGE, _FEWEST = 0.9, 2.0, 0.9, 8
"""Share of pixels that are less steep than an edge, how steep an edge is at the least (grey levels a pixel), how steep
beside what is steepest next to it, and how many pixels of edges are worth a measurement."""


def blur_px(luma: FloatArray) -> float:
    """Return the standard deviation of a Gaussian that makes a step as soft as the steepest edges of a picture (h, w).

    Blurred once more, the edges of a crisp picture lose most of their steepness, and those of a blurred one little
    (Zhuo and Sim, "Defocus map estimation from a single image", Pattern Recognition 44, 2011, eq. 4). 0 where there is
    no edge.
    """
    calm = np.asarray(cv2.GaussianBlur(luma, (0, 0), _FIRST_PX), np.float32)
    steep = _steepness(calm)
    beside = cv2.dilate(steep, np.ones((3, 3), np.uint8))
    edges = (steep >= max(float(np.quantile(steep, _EDGES)), _LEAST_STEEP)) & (steep >= _RIDGE * beside)
    if edges.sum() < _FEWEST:
        return 0.0
    again = _steepness(np.asarray(cv2.GaussianBlur(calm, (0, 0), _AGAIN_PX), np.float32))
    ratio = float(np.median(steep[edges] / np.maximum(again[edges], 1e-3)))
    return math.sqrt(max(_AGAIN_PX**2 / max(ratio * ratio - 1.0, 1e-3) - _FIRST_PX**2, 0.0))


def beyond_crisp(blur: float) -> float:
    """Return the blur that makes a crisp picture as soft as one of `blur`, pixels; 0 for one that is crisp."""
    return math.sqrt(max(blur * blur - CRISP_PX * CRISP_PX, 0.0))


def _steepness(luma: FloatArray) -> FloatArray:
    across, down = (cv2.Scharr(luma, cv2.CV_32F, dx, dy, scale=1 / 32) for dx, dy in ((1, 0), (0, 1)))
    return np.asarray(np.hypot(across, down), np.float32)
