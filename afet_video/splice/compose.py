"""The splice itself: morph mesh and column-wise join in one pass over the affected pixels.

in: current frame, neutral picture, landmarks, alpha field -> out: the spliced picture.  Must not: do I/O, know a model.

The paper makes N whole intermediate pictures, morph i with alpha_i, and copies column i of picture i (its equations 1
and 2). Since column i only ever shows alpha_i, alpha is a function of the pixel: for every pixel, put the mesh at
l_M = alpha l_E + (1 - alpha) l_N, find the triangle around the pixel, and take the same barycentric point of both
pictures. That is the same result without the pictures in between; `tests/literal.py` keeps the long way for comparison.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from afet_video.datatypes import FloatArray
from afet_video.splice.alpha import AlphaField
from afet_video.splice.cavity import NEAR_OPENING, open_mouth, slit_weight, without_teeth
from afet_video.splice.kernel import fill_splice


@dataclass(frozen=True, slots=True, eq=False)
class NeutralTexture:
    """Pixels of the neutral, and how they are used.

    `rgb` (h, w, 3) float32; `xy` (478, 2) the neutral's landmarks in pixels of `rgb`. `weight` (478,) in 0..1: share of
    the neutral's pixels where alpha is 0 (1 everywhere is the paper's morph). `gain` (478, 3): factor on the neutral's
    colours that fits them to the light of the current frame. `second`: another neutral whose pixels, with its own
    gain, make up the share `mix` of the neutral's.
    """

    rgb: FloatArray
    xy: FloatArray
    weight: FloatArray
    gain: FloatArray
    second: NeutralTexture | None = None
    mix: float = 0.0


def splice(
    current: FloatArray,
    current_xy: FloatArray,
    rest_xy: FloatArray,
    neutral: NeutralTexture,
    triangles: NDArray[np.int32],
    alpha: AlphaField,
    *,
    textured: NDArray[np.bool_] | None = None,
    behind_lips: NDArray[np.bool_] | None = None,
    origin_xy: tuple[int, int] = (0, 0),
) -> FloatArray:
    """Return the spliced picture of a rectangle of the frame.

    Parameters
    ----------
    current : (h, w, 3) float32 RGB 0..255 of the rectangle.
    current_xy, rest_xy : (478, 2) landmarks l_E of the frame, and l_N that are shown at alpha 0; pixels of the frame.
    neutral : the neutral's pixels.
    triangles : (M, 3) mesh.
    alpha : alpha field of the frame, pixels of the frame.
    textured : (M,) which triangles may take the neutral's pixels; None: all, as in the paper.
    behind_lips : (M,) triangles in which a wide open mouth shows what does not move, and nearly shut lips show the
        neutral's slit (`cavity`); None: the warp carries all, as in the paper.
    origin_xy : the rectangle's first column and row.

    Returns
    -------
    (h, w, 3) float32. Beyond the ramp, where no triangle lies, and where a triangle neither moves nor takes the
    neutral's pixels, the values are those of `current`, bit for bit.

    Notes
    -----
    Source: Tan & Iren, AFET, equations (1) and (2).
    """
    height = current.shape[0]
    x0, y0 = origin_xy
    offset = np.array([x0, y0], np.float32)
    rows = np.arange(y0, y0 + height, dtype=np.float32)
    midline = alpha.midline.x_at(rows) - np.float32(x0)
    ramp = np.array([alpha.direction, alpha.start, alpha.stop, float(alpha.is_linear)], np.float32)
    out = current.copy()
    here = np.ascontiguousarray(current_xy[:, :2] - offset, np.float32)
    there = np.ascontiguousarray(rest_xy[:, :2] - offset, np.float32)
    second = neutral.second or neutral
    mouth = open_mouth(here, there)
    if behind_lips is not None and mouth.frame[6] > 0.0:
        here, there = without_teeth(here, there, mouth)
        mouth = open_mouth(here, there)
    slit = (
        neutral.weight if behind_lips is None else slit_weight(current_xy, rest_xy, neutral.xy, neutral.weight, alpha)
    )
    fill_splice(
        out,
        current,
        here,
        there,
        neutral.rgb,
        np.ascontiguousarray(neutral.xy[:, :2], np.float32),
        neutral.weight,
        slit,
        neutral.gain,
        second.rgb,
        np.ascontiguousarray(second.xy[:, :2], np.float32),
        second.gain,
        np.float32(neutral.mix),
        triangles,
        np.ones(len(triangles), np.bool_) if textured is None else textured,
        np.ascontiguousarray(midline, np.float32),
        alpha.steep_at(rows),
        ramp,
        np.zeros(len(triangles), np.bool_) if behind_lips is None else behind_lips,
        NEAR_OPENING if behind_lips is not None and mouth.closes else np.zeros(478, np.bool_),
        mouth.frame,
        mouth.table,
    )
    return out
