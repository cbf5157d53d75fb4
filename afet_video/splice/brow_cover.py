"""A brow that goes on under hair: where the hair lies over it, and what is under the hair.

in: a picture's landmarks, what is covered -> out: the same with the hair beside the brow; expected colours with the
brow.  Must not: tell skin from what covers it.

A brow is dark like hair, so that neither can be told from the other by colour. But a brow is where its landmarks are:
dark pixels a little off them that go on from hair are hair. And where hair lies over the landmarks themselves, the brow
goes on under it: if it is moved, not bare skin comes out from under the hair, but more of the brow.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from afet_video import facemesh
from afet_video.datatypes import ByteArray, FloatArray
from afet_video.splice.skin import BROW_MARGIN_IOD, SkinView
from afet_video.vectors import median

_BROWS = (facemesh.LEFT_BROW, facemesh.RIGHT_BROW)
_MARGIN_IOD, _REACH_IOD = 0.02, 0.08
"""How far off its landmarks a brow may be seen, and how far from what surely covers the face hair is looked for."""

_LEAST_SEEN = 0.2
"""Share of a brow that must be seen for its colour to be known."""

_SOFT_PX = 0.8
_HAIR_EDGE = np.ones((5, 5), np.uint8)


@dataclass(frozen=True, slots=True, eq=False)
class _Brow:
    """The rectangle `part` of a view around a brow, and how far (h, w) each of its pixels is the brow, 0 to 255."""

    part: tuple[slice, slice]
    filled: ByteArray


def cover_beside_brows(covered: ByteArray, likely: NDArray[np.bool_], view: SkinView) -> None:
    """Mark in `covered` (h, w), in place, what of the `likely` places (h, w) beside a brow belongs to the cover."""
    reach, margin, most = (_disc(size * view.iod) for size in (_REACH_IOD, _MARGIN_IOD, BROW_MARGIN_IOD))
    for brow in _brows(view, len(most), near=covered):
        here = covered[brow.part]
        beside = (cv2.dilate(brow.filled, most) > 0) & (cv2.dilate(brow.filled, margin) == 0)
        dark = beside & likely[brow.part] & (cv2.dilate(here, reach) > 0) & (here == 0)
        if not dark.any():
            continue
        count, parts = cv2.connectedComponents(here | dark.view(np.uint8), connectivity=8)
        is_hair = np.zeros(count, np.bool_)
        is_hair[parts[here > 0]] = True  # a dark place by itself is a shadow
        here[dark & is_hair[parts]] = 1


def with_brows(expected: FloatArray, covered: FloatArray, view: SkinView) -> FloatArray:
    """Return the colours (h, w, 3, logarithms) expected under what is `covered` (h, w): skin, and on it the brows."""
    result = expected
    for brow in _brows(view, round(_MARGIN_IOD * view.iod) + 2, near=covered):
        part, filled = brow.part, brow.filled
        hidden = cv2.dilate((covered[part] > 0).astype(np.uint8), _HAIR_EDGE) > 0
        solid = filled == 255
        seen = solid & ~hidden
        if not (hidden & solid).any() or seen.sum() < _LEAST_SEEN * solid.sum():
            continue
        if result is expected:
            result = expected.copy()
        darker = median((view.log[part] - expected[part])[seen])
        share = cv2.GaussianBlur(filled.astype(np.float32) / 255.0, (0, 0), _SOFT_PX)
        result[part] += share[..., None] * darker
    return result


def _disc(radius_px: float) -> ByteArray:
    size = 2 * max(round(radius_px), 1) + 1
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)), np.uint8)


def _brows(view: SkinView, margin: int, *, near: NDArray[np.generic]) -> Iterator[_Brow]:
    """Yield those brows, with a margin of so many pixels around them, where `near` (h, w) is not 0 everywhere."""
    for brow in _BROWS:
        corners = view.xy[list(brow)]
        low = np.maximum(np.floor(corners.min(axis=0)).astype(int) - margin, 0)
        high = np.minimum(np.ceil(corners.max(axis=0)).astype(int) + margin + 1, view.size_wh)
        part = np.s_[low[1] : max(high[1], 0), low[0] : max(high[0], 0)]
        if not near[part].any():
            continue
        filled = np.zeros((high - low)[::-1], np.uint8)
        cv2.fillPoly(filled, [np.rint((corners - low) * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
        yield _Brow(part, filled)
