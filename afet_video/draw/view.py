"""A part of a picture, enlarged, and points of the picture in it.

in: pictures, landmarks -> out: new pictures, points.  Must not: draw.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from afet_video.datatypes import Box, ByteArray, FloatArray, Midline

_MARGIN = 0.14


@dataclass(frozen=True, slots=True)
class View:
    """A rectangle of a picture, enlarged by `scale`."""

    box: Box
    scale: float

    @classmethod
    def around(cls, xy: NDArray[np.floating], size_wh: tuple[int, int], *, width: int) -> View:
        """Return the view of a face with its landmarks (n, 2 or 3), with a margin, within the picture.

        `width`: of the enlarged rectangle, pixels; smaller where the face is high.
        """
        low, high = xy[:, :2].min(axis=0), xy[:, :2].max(axis=0)
        margin, limit = _MARGIN * (high - low), np.array(size_wh)
        x0, y0 = np.clip(np.floor(low - margin), 0, limit - 2).astype(int).tolist()
        x1, y1 = np.clip(np.ceil(high + margin), (x0 + 2, y0 + 2), limit).astype(int).tolist()
        return cls(Box(x0, y0, x1, y1), width / max(x1 - x0, 0.8 * (y1 - y0)))

    @property
    def size_wh(self) -> tuple[int, int]:
        """Size of the enlarged rectangle."""
        width, height = self.box.size_wh
        return max(round(width * self.scale), 1), max(round(height * self.scale), 1)

    def picture(self, rgb: NDArray[Any]) -> ByteArray:
        """Return the rectangle of a picture (H, W, 3), enlarged."""
        values = rgb[self.box.y0 : self.box.y1, self.box.x0 : self.box.x1].astype(np.float32)
        part = np.clip(np.round(values), 0, 255).astype(np.uint8)
        return cv2.resize(part, self.size_wh, interpolation=cv2.INTER_CUBIC).astype(np.uint8)

    def share(self, values: FloatArray, box: Box | None = None) -> FloatArray:
        """Return the rectangle of values (H, W), or of values (h, w) that fill `box`, enlarged; 0 beyond them."""
        if box is not None:
            whole = np.zeros((max(box.y1, self.box.y1), max(box.x1, self.box.x1)), np.float32)
            whole[box.y0 : box.y1, box.x0 : box.x1] = values
            values = whole
        part = values[self.box.y0 : self.box.y1, self.box.x0 : self.box.x1]
        return np.asarray(cv2.resize(part, self.size_wh, interpolation=cv2.INTER_LINEAR), np.float32)

    def points(self, xy: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return points (n, 2 or 3) in pixels of the enlarged rectangle, (n, 2)."""
        origin = np.array([self.box.x0, self.box.y0])
        result: NDArray[np.float64] = (xy[:, :2] - origin + 0.5) * self.scale - 0.5
        return result

    def midline(self, midline: Midline) -> Midline:
        """Return a midline in pixels of the enlarged rectangle."""
        xy = self.points(np.stack([midline.x, midline.y], axis=1)).astype(np.float32)
        return Midline(xy[:, 1], xy[:, 0])
