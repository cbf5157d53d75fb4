"""Whether anything has come near a face: what lies around it, cell by cell.

in: two pictures of a clip, the face's landmarks in them -> out: the same around the face, or not.  Must not: know what
comes.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from afet_video.datatypes import Box, ByteArray, FloatArray

_CELLS = 24
"""Columns and rows in which a rectangle is looked at."""

_CHANGED, _CHANGED_CELLS = 10, 4
"""Grey levels by which a cell must differ to have changed, and cells outside of the face that must for the whole to
have. An arm covers ten cells and more; a breath changes few by as much."""

_FACE_MARGIN = 0.1
"""Around the landmarks, in sizes of the face: what moves there is hair and jaw."""

_LEAST_AROUND = 0.25
"""Share of the cells that must lie outside of the face for them to tell anything."""


@dataclass(frozen=True, slots=True, eq=False)
class Surroundings:
    """Mean colours (24, 24, 3) of the cells of a rectangle `box` of a picture, and the landmarks (n, 2) in it."""

    box: Box
    cells: ByteArray
    xy: FloatArray

    @classmethod
    def of(cls, rgb: ByteArray, xy: FloatArray, wide: Box) -> Surroundings:
        """Look at what of the rectangle `wide` lies in the picture (h, w, 3)."""
        x0, y0 = (min(max(low, 0), size - 1) for low, size in ((wide.x0, rgb.shape[1]), (wide.y0, rgb.shape[0])))
        box = Box(x0, y0, max(min(wide.x1, rgb.shape[1]), x0 + 1), max(min(wide.y1, rgb.shape[0]), y0 + 1))
        return cls(box, _cells(rgb, box), xy)

    def is_same(self, rgb: ByteArray, xy: FloatArray) -> bool:
        """Return whether a later picture shows the same around the face, wherever the face was or is now."""
        both = np.concatenate([self.xy, xy])
        margin = _FACE_MARGIN * (both.max(axis=0) - both.min(axis=0))
        low, high = both.min(axis=0) - margin, both.max(axis=0) + margin
        at = (np.arange(_CELLS) + 0.5) / _CELLS
        columns, rows = self.box.x0 + at * self.box.size_wh[0], self.box.y0 + at * self.box.size_wh[1]
        across, down = (columns > low[0]) & (columns < high[0]), (rows > low[1]) & (rows < high[1])
        around = ~(down[:, None] & across)
        changed = np.abs(_cells(rgb, self.box).astype(np.int16) - self.cells).max(axis=2)[around] >= _CHANGED
        return len(changed) >= _LEAST_AROUND * _CELLS**2 and int(changed.sum()) < _CHANGED_CELLS


def _cells(rgb: ByteArray, box: Box) -> ByteArray:
    part = rgb[box.y0 : box.y1, box.x0 : box.x1]
    return np.asarray(cv2.resize(part, (_CELLS, _CELLS), interpolation=cv2.INTER_AREA), np.uint8)
