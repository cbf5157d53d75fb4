"""One decoded picture: stored values inside, upright pixels outside.

in: a PyAV frame -> out: a `StoredFrame`, which is a `datatypes.VideoFrame`.  Must not: decode, encode or know files.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import av
import numpy as np
from av.video.reformatter import Interpolation
from numpy.typing import NDArray

from afet_video.datatypes import Box, ByteArray, FloatArray, Timestamp
from afet_video.video.pixels import PixelLayout, Planes, StoredBox, add_rgb_change, color_space_of, read_luma, read_rgb

FULL_RANGE = 2
"""FFmpeg's `AVCOL_RANGE_JPEG`."""

_PACKED_RGB = {
    "rgb24": (3, (0, 1, 2)),
    "bgr24": (3, (2, 1, 0)),
    "rgb0": (4, (0, 1, 2)),
    "bgr0": (4, (2, 1, 0)),
    "0rgb": (4, (1, 2, 3)),
    "0bgr": (4, (3, 2, 1)),
}
"""Packed formats handled as they are: bytes per pixel, where red, green and blue are."""

_PRECISE = Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT
"""Without these swscale's short cuts make pictures one to two grey levels too dark."""

_KEEP = Interpolation.BILINEAR | _PRECISE
_SHRINK = Interpolation.AREA | _PRECISE

_SWSCALE_SPACE = {1: 1, 4: 4, 5: 5, 6: 5, 7: 7, 9: 9, 10: 9}
"""`AVColorSpace` to swscale's own `SWS_CS` numbers."""


@dataclass(frozen=True, slots=True)
class Orientation:
    """How the stored picture becomes the upright one: transpose, then flip columns, then flip rows."""

    is_transposed: bool = False
    flips_columns: bool = False
    flips_rows: bool = False

    @classmethod
    def from_matrix(cls, matrix: tuple[int, ...] | None) -> Orientation | None:
        """Read a display matrix (9 numbers, FFmpeg's layout); None if it is not made of right angles."""
        if matrix is None:
            return cls()
        a, b, c, d = matrix[0], matrix[1], matrix[3], matrix[4]
        if not b and not c and a and d:
            return cls(False, a < 0, d < 0)
        if not a and not d and b and c:
            return cls(True, c < 0, b < 0)
        return None

    @property
    def is_mirrored(self) -> bool:
        """Whether the picture is mirrored, which no rotation can express."""
        return (self.is_transposed + self.flips_columns + self.flips_rows) % 2 == 1

    @property
    def rotation_deg(self) -> int:
        """Counter-clockwise rotation to the upright frame; of a mirrored picture, the one before the mirroring."""
        if self.is_transposed:
            return 90 if self.flips_rows else 270
        return 180 if self.flips_rows else 0

    def size_wh(self, stored_wh: tuple[int, int]) -> tuple[int, int]:
        """Size of the upright picture."""
        return (stored_wh[1], stored_wh[0]) if self.is_transposed else stored_wh

    def upright(self, stored: NDArray[Any]) -> NDArray[Any]:
        """Return an upright view of a stored picture (H, W, ...)."""
        turned = stored.swapaxes(0, 1) if self.is_transposed else stored
        return turned[:: -1 if self.flips_rows else 1, :: -1 if self.flips_columns else 1]

    def stored(self, upright: NDArray[Any]) -> NDArray[Any]:
        """Return the stored view of an upright picture: the inverse of `upright`."""
        turned = upright[:: -1 if self.flips_rows else 1, :: -1 if self.flips_columns else 1]
        return turned.swapaxes(0, 1) if self.is_transposed else turned

    def stored_box(self, box: Box, stored_wh: tuple[int, int]) -> StoredBox:
        """Return where an upright box lies in the stored picture."""
        width, height = self.size_wh(stored_wh)
        x0, x1 = (width - box.x1, width - box.x0) if self.flips_columns else (box.x0, box.x1)
        y0, y1 = (height - box.y1, height - box.y0) if self.flips_rows else (box.y0, box.y1)
        if self.is_transposed:
            x0, y0, x1, y1 = y0, x0, y1, x1
        return StoredBox(x0, y0, x1, y1, stored_wh)


def plane_arrays(picture: av.VideoFrame) -> Planes:
    """Return each plane as a (rows, padded columns) view of the picture's own memory, no copy."""
    dtype = np.uint16 if picture.format.components[0].bits > 8 else np.uint8
    return tuple(
        np.frombuffer(memoryview(p), dtype).reshape(p.height, p.line_size // np.dtype(dtype).itemsize)
        for p in picture.planes
    )


def layout_of(picture: av.VideoFrame) -> PixelLayout:
    """Return how a picture in one of the formats of `nearest_format` stores its values."""
    name, size_wh = picture.format.name, (picture.width, picture.height)
    depth = picture.format.components[0].bits
    space = color_space_of(picture.colorspace, size_wh)
    is_full = picture.color_range == FULL_RANGE or name.startswith("yuvj")
    if name.startswith("gray"):
        # FFmpeg stores gray in full range, whatever the tag says
        return PixelLayout("gray", depth, space=space, is_full_range=True)
    if not name.startswith("yuv"):
        return PixelLayout("rgb", depth, space=space, is_full_range=True)
    sub_w, sub_h = subsampling_of(picture.format)
    column = 0.5 if is_full and name.startswith("yuvj") and sub_w == 2 else 0.0
    return PixelLayout("yuv", depth, (sub_w, sub_h), (column, (sub_h - 1) / 2), space, is_full)


def subsampling_of(pixel_format: av.VideoFormat) -> tuple[int, int]:
    """Return luma columns and rows per chroma sample; (1, 1) where there is no chroma."""
    big = av.VideoFormat(pixel_format.name, 64, 64)
    if not any(c.is_chroma for c in big.components):
        return 1, 1
    return 64 // big.chroma_width(), 64 // big.chroma_height()


def nearest_format(pixel_format: av.VideoFormat) -> str:
    """Return the nearest format that `StoredFrame` can hold: `pixel_format` itself, where it is planar or plain RGB."""
    name, bits = pixel_format.name, max(c.bits for c in pixel_format.components)
    has_alpha = any(c.is_alpha for c in pixel_format.components)
    if name in _PACKED_RGB or (name.startswith("yuvj") and bits == 8):
        return str(name)
    depth = next(d for d in (8, 9, 10, 12, 14, 16) if d >= min(max(bits, 8), 16))
    tail = "" if depth == 8 else f"{depth}le"
    if pixel_format.is_rgb or pixel_format.has_palette or pixel_format.is_bayer:
        return "gbrp" + tail
    if len(pixel_format.components) - has_alpha == 1:
        return "gray" + tail
    chroma = {(2, 2): "420", (2, 1): "422", (1, 1): "444", (1, 2): "440", (4, 1): "411", (4, 4): "410"}
    kind = chroma.get(subsampling_of(pixel_format), "444")
    if (kind in ("411", "410") and depth > 8) or (kind == "440" and depth not in (8, 10, 12)):
        kind = "444"
    return f"yuv{kind}p{tail}"


def swscale_space(picture: av.VideoFrame) -> int:
    """Return swscale's number for the matrix of a picture."""
    return _SWSCALE_SPACE[color_space_of(picture.colorspace, (picture.width, picture.height))]


class StoredFrame:
    """A decoded picture that keeps its stored values.

    Parameters
    ----------
    stored : the picture as stored, in a format that `nearest_format` leaves alone.
    index : number of the frame in presentation order; -1 if unknown.
    timestamp : when it is shown.
    duration : how long, in ticks of the timestamp's time base; 0 = unknown.
    orientation : how it becomes upright.

    Notes
    -----
    The frame owns its picture: it stays valid when the reader moves on, and writing to it reaches no other frame.
    """

    def __init__(
        self, stored: av.VideoFrame, *, index: int, timestamp: Timestamp, duration: int, orientation: Orientation
    ) -> None:
        self.stored = stored
        self.index = index
        self.timestamp = timestamp
        self.duration = duration
        self.orientation = orientation
        self.coded_size_wh = (int(stored.width), int(stored.height))
        self.size_wh = orientation.size_wh(self.coded_size_wh)
        self._layout = layout_of(stored)
        self._is_own = False

    @classmethod
    def from_rgb(cls, rgb: ByteArray, *, index: int, timestamp: Timestamp) -> StoredFrame:
        """Return a frame that holds a copy of an upright picture (H, W, 3) uint8, as cameras give them."""
        stored = av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb), format="rgb24")
        return cls(stored, index=index, timestamp=timestamp, duration=0, orientation=Orientation())

    def rgb(self, *, max_side: int | None = None) -> ByteArray:
        """Return the upright picture (H, W, 3) uint8 RGB, C-contiguous.

        With `max_side`, pictures with a longer side are scaled down (area filter) so that it is `max_side`.
        """
        width, height = self.coded_size_wh
        longest = max(width, height)
        if max_side is not None and max_side < longest:
            width, height = (max(1, round(n * max_side / longest)) for n in (width, height))
        is_full = self._layout.is_full_range
        picture = self.stored.reformat(
            width=width,
            height=height,
            format="rgb24",
            src_colorspace=swscale_space(self.stored),
            src_color_range=FULL_RANGE if is_full else 1,
            dst_color_range=FULL_RANGE,
            interpolation=int(_SHRINK if (width, height) != self.coded_size_wh else _KEEP),
        )
        return np.ascontiguousarray(self.orientation.upright(picture.to_ndarray()))

    def read_box(self, box: Box) -> FloatArray:
        """Return RGB of a rectangle of the upright frame, (h, w, 3) float32 on the 0..255 scale."""
        where = self._locate(box)
        return np.ascontiguousarray(self.orientation.upright(read_rgb(self._planes(), self._layout, where)))

    def read_luma(self, box: Box) -> FloatArray:
        """Return luma of a rectangle of the upright frame, (h, w) float32 on the 0..255 scale."""
        where = self._locate(box)
        return np.ascontiguousarray(self.orientation.upright(read_luma(self._planes(), self._layout, where)))

    def write_box(self, box: Box, before: FloatArray, after: FloatArray) -> None:
        """Add the change `after - before` (h, w, 3) to the stored values; where it is 0 they stay, bit for bit."""
        where = self._locate(box)
        if not self._is_own:
            # the decoder may still predict other frames from this memory
            self.stored.make_writable()
            self._is_own = True
        turn = self.orientation.stored
        add_rgb_change(self._planes(), self._layout, where, turn(before), turn(after))

    def _locate(self, box: Box) -> StoredBox:
        width, height = self.size_wh
        if not (0 <= box.x0 < box.x1 <= width and 0 <= box.y0 < box.y1 <= height):
            raise ValueError(f"{box} is not a rectangle within a frame of {width}x{height}")
        return self.orientation.stored_box(box, self.coded_size_wh)

    def _planes(self) -> Planes:
        arrays = plane_arrays(self.stored)
        name = self.stored.format.name
        if name in _PACKED_RGB:
            step, order = _PACKED_RGB[name]
            wide = arrays[0][:, : arrays[0].shape[1] // step * step].reshape(len(arrays[0]), -1, step)
            return tuple(wide[..., channel] for channel in order)
        if self._layout.family == "rgb":
            green, blue, red = arrays
            return red, green, blue
        return arrays
