"""A picture as a frame that the stages of a conversion can change.

in: a `Picture` -> out: a `datatypes.VideoFrame`.  Must not: know files.
"""

from __future__ import annotations

from fractions import Fraction

import cv2
import numpy as np

from afet_video.datatypes import Box, ByteArray, FloatArray, Timestamp

_LUMA = np.array([0.299, 0.587, 0.114], np.float32)


class PictureFrame:
    """The only frame of a clip, 0 s after its start; it keeps a copy of the pixels.

    Parameters
    ----------
    rgb : (H, W, 3) uint8.
    """

    def __init__(self, rgb: ByteArray) -> None:
        self.index = 0
        self.timestamp = Timestamp(0, Fraction(1, 1000))
        self.size_wh = (rgb.shape[1], rgb.shape[0])
        self._rgb = rgb.copy()

    def rgb(self, *, max_side: int | None = None) -> ByteArray:
        """Return the picture, scaled down so that its longer side is at most `max_side`."""
        scale = 1.0 if max_side is None else max_side / max(self.size_wh)
        if scale >= 1.0:
            return self._rgb.copy()
        size = (max(round(self.size_wh[0] * scale), 1), max(round(self.size_wh[1] * scale), 1))
        return np.asarray(cv2.resize(self._rgb, size, interpolation=cv2.INTER_AREA), np.uint8)

    def read_box(self, box: Box) -> FloatArray:
        """Return the pixels of a rectangle, (h, w, 3) float32 on the 0..255 scale."""
        return self._rgb[box.y0 : box.y1, box.x0 : box.x1].astype(np.float32)

    def read_luma(self, box: Box) -> FloatArray:
        """Return the luma of a rectangle, (h, w) float32 on the 0..255 scale."""
        return np.asarray(self.read_box(box) @ _LUMA, np.float32)

    def write_box(self, box: Box, before: FloatArray, after: FloatArray) -> None:
        """Add the change `after - before`; where it rounds to 0 the pixels stay, bit for bit."""
        part = self._rgb[box.y0 : box.y1, box.x0 : box.x1]
        part[...] = np.rint(part + (after - before)).clip(0, 255).astype(np.uint8)
