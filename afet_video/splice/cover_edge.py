"""The edge of what covers the face: where hair thins out, and the skin that goes on under it.

in: what surely covers the face -> out: the same with its thin ends; the colours under it.  Must not: decide what covers
the face, remember a frame.

Hair has no edge: strand by strand it becomes skin. What is left of it beside the cover would be moved with the skin,
away from the hair that it belongs to.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from afet_video.datatypes import ByteArray, FloatArray
from afet_video.splice.brow_cover import cover_beside_brows, with_brows
from afet_video.splice.skin import SKIN, Outline, SkinView


class Fringe(NamedTuple):
    """Deviation that is enough right beside what is covered, and how far beside it, in inter-ocular distances."""

    enough: float
    reach_iod: float


_TOP, _CHIN, _BROW_ENDS = 10, 152, [300, 70]
"""Hair hangs into the forehead. Farther down shadows deviate as much: those of the brow, and of the jaw."""

_SMOOTH_PX = 3
_BESIDE_IOD, _FAR = 0.06, 0.02
"""How far beside what is covered the skin tells what colour it has under it; what weight skin four times as far off
has, which counts where none is near."""

_SKIN = 0.6
"""Deviation of skin at most."""

_FLOOR = 1e-5
_SQUARE = np.ones((3, 3), np.uint8)


class Places(NamedTuple):
    """Where (h, w), 0 or 1, what is: `oval` the mesh, `plain` without its features, `off_eyes` without the eyes.

    `outlines`: of the features.
    """

    oval: ByteArray
    plain: ByteArray
    off_eyes: NDArray[np.bool_]
    outlines: list[Outline]

    @classmethod
    def of(cls, view: SkinView) -> Places:
        """Return the places of a view."""
        oval, outlines = view.oval(), view.outlines()
        return cls(oval, view.plain(oval, outlines), view.plain(oval, outlines[:2]) > 0, outlines)


def add_fringe(covered: FloatArray, deviation: FloatArray, view: SkinView, places: Places, fringe: Fringe) -> None:
    """Mark in `covered` (h, w), in place, the thin ends of what is covered.

    `deviation` (h, w): from the skin's colour. Brows and eyes (lashes may touch hair), which deviate too, are left out.
    """
    reach = max(round(fringe.reach_iod * view.iod), 1)
    wider = (covered > 0).view(np.uint8)
    x, y, w, h = cv2.boundingRect(wider)
    if w == 0:
        return
    part = np.s_[max(y - reach, 0) : y + h + reach, max(x - reach, 0) : x + w + reach]
    near = cv2.dilate(wider[part], np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)) > 0
    thin = np.zeros(covered.shape, np.bool_)
    # A single noisy pixel is no hair, and would come and go.
    thin[part] = near & (cv2.blur(deviation[part], (_SMOOTH_PX, _SMOOTH_PX)) >= fringe.enough)
    thin &= places.off_eyes & _forehead(view)
    if not thin.any():
        return
    cover_beside_brows(wider, thin, view)
    wider[thin & (places.plain > 0)] = 1
    covered[wider > 0] = 1.0


def _forehead(view: SkinView) -> NDArray[np.bool_]:
    """Return what (h, w) lies above the outer ends of the brows, with the head upright."""
    up = view.xy[_TOP] - view.xy[_CHIN]
    middle = view.xy[_BROW_ENDS].mean(axis=0)
    columns, rows = (np.arange(size, dtype=np.float32) - at for size, at in zip(view.size_wh, middle, strict=True))
    return np.asarray(up[0] * columns + (up[1] * rows)[:, None] > 0, np.bool_)


def colors_under(
    covered: FloatArray, expected: FloatArray, deviation: FloatArray, view: SkinView, places: Places
) -> FloatArray:
    """Return the colours (h, w, 3, logarithms) under what is covered: skin like that beside it, with the brows on it.

    Parameters
    ----------
    covered : (h, w) above 0 where something covers the face.
    expected : (h, w, 3) the skin's colours as all its landmarks tell them; those at the edge of hair tell of hair.
    deviation : (h, w) from `expected`.
    """
    if not covered.any():
        return expected
    beside = np.asarray(cv2.dilate(covered, _SQUARE), np.float32)
    bare = view.inside(SKIN) & (view.at_skin(np.asarray(cv2.dilate(beside, _SQUARE), np.float32)) == 0)
    skin = view.expected(view.skin_colors(), bare.astype(np.float32))
    known = (places.plain > 0) & (deviation < _SKIN) & (beside == 0)
    off = np.dstack([view.log - skin, np.ones(known.shape, np.float32)]) * known[..., None]
    width = _BESIDE_IOD * view.iod
    sums = cv2.GaussianBlur(off, (0, 0), width) + np.float32(_FAR) * cv2.GaussianBlur(off, (0, 0), 4 * width)
    return with_brows(skin + sums[..., :3] / (sums[..., 3:] + np.float32(_FLOOR)), covered, view)
