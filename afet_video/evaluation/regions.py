"""Which pixels of a frame are what: face, ramp, healthy and affected half.

in: a conversion's landmarks of one frame -> out: masks.  Must not: see pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from afet_video.datatypes import Box, FloatArray
from afet_video.evaluation.inputs import Conversion
from afet_video.splice.alpha import SpliceSettings, alpha_field

Mask = NDArray[np.bool_]

MARGIN_PX = 3
"""The face's outline is widened by this much before what is outside must be unchanged."""


@dataclass(frozen=True, slots=True, eq=False)
class FaceRegions:
    """Masks of the rectangle `box` of an upright frame.

    `touched`: within the outline of the landmarks of source and result, with a margin. The others lie within the
    source's outline: `band` around the midline, as wide as the smooth ramp where it is narrowest; `healthy` beyond the
    ramp on the healthy side (empty where a linear ramp leaves nothing beyond it); `affected` beyond the ramp on the
    affected side.
    `across`: signed distance from the midline along the row, pixels, positive on the healthy side.
    """

    box: Box
    touched: Mask
    band: Mask
    healthy: Mask
    affected: Mask
    across: FloatArray


def face_regions(conversion: Conversion, frame: int) -> FaceRegions | None:
    """Return the regions of a frame, None if it has no face or no midline."""
    xyz, moved = conversion.source_xyz[frame], conversion.output_xyz[frame]
    midline = conversion.midline(frame)
    if midline is None or not (np.isfinite(xyz).all() and np.isfinite(moved).all()):
        return None
    both = np.concatenate([xyz[:, :2], moved[:, :2]])
    box = _clipped(both, conversion.source.info.size_wh)
    if box is None:
        return None
    splice = conversion.made.splice
    field = alpha_field(xyz, midline, conversion.side, splice)
    ramp = alpha_field(xyz, midline, conversion.side, SpliceSettings(ramp_width=splice.ramp_width))
    rows, columns = np.mgrid[box.y0 : box.y1, box.x0 : box.x1].astype(np.float32)
    across = field.direction * (columns - midline.x_at(rows))
    ramps = across * field.steep_at(rows)  # the ramp is wider beside the mouth
    inside = _hull(xyz[:, :2], box)
    touched = cv2.dilate(_hull(both, box).astype(np.uint8), np.ones((2 * MARGIN_PX + 1,) * 2, np.uint8)) > 0
    return FaceRegions(
        box=box,
        touched=touched,
        band=inside & (np.abs(across) <= ramp.stop / ramp.bend[1].max()),
        healthy=inside & (ramps >= field.stop),
        affected=inside & (ramps <= -ramp.stop),
        across=across,
    )


def _clipped(xy: NDArray[np.floating], size_wh: tuple[int, int]) -> Box | None:
    x0, y0 = (max(int(np.floor(v)) - MARGIN_PX - 1, 0) for v in xy.min(axis=0))
    x1, y1 = (min(int(np.ceil(v)) + MARGIN_PX + 2, limit) for v, limit in zip(xy.max(axis=0), size_wh, strict=True))
    return Box(x0, y0, x1, y1) if x1 - x0 > 8 and y1 - y0 > 8 else None


def _hull(xy: NDArray[np.floating], box: Box) -> Mask:
    hull = cv2.convexHull((xy - (box.x0, box.y0)).astype(np.float32))
    mask = np.zeros((box.y1 - box.y0, box.x1 - box.x0), np.uint8)
    cv2.fillConvexPoly(mask, np.round(hull).astype(np.int32), 1)
    return mask > 0
