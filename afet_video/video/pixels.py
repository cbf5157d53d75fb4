"""Stored picture values to RGB and back, for one rectangle.

in: planes as numpy arrays (rows may be padded), a rectangle of the *stored* picture -> out: RGB, or changed planes.
Must not: know PyAV, rotation or time.

Color: BT.601, BT.709 and BT.2020 (and SMPTE 240M, FCC), full and limited range, 8 to 16 bit. A picture that does not
name its matrix is taken as BT.709 if it is wider than 1279 or higher than 576 samples, else as BT.601: what players do.
Chroma is read bilinearly from where it sits (see `PixelLayout.chroma_offset`), and written as the mean change of its
block of pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numba
import numpy as np
from numpy.typing import NDArray

from afet_video.datatypes import FloatArray

Family = Literal["yuv", "gray", "rgb"]
Planes = tuple[NDArray[Any], ...]

_LUMA_WEIGHTS: dict[int, tuple[float, float]] = {
    1: (0.2126, 0.0722),
    4: (0.30, 0.11),
    5: (0.299, 0.114),
    6: (0.299, 0.114),
    7: (0.212, 0.087),
    9: (0.2627, 0.0593),
    10: (0.2627, 0.0593),
}
"""Red and blue share of luma by FFmpeg's `AVColorSpace` value."""


def color_space_of(space: int, size_wh: tuple[int, int]) -> int:
    """Return `space` if it is one we know, else BT.709 (1) for pictures above standard definition and BT.601 (6)."""
    if space in _LUMA_WEIGHTS:
        return space
    width, height = size_wh
    return 1 if width >= 1280 or height > 576 else 6


@dataclass(frozen=True, slots=True)
class PixelLayout:
    """How stored values map to RGB.

    `subsampling`: luma columns and rows per chroma sample. `chroma_offset`: luma column and row of the first chroma
    sample: (0, 0.5) for usual 4:2:0 (left), (0.5, 0.5) for JPEG. `space`: FFmpeg's `AVColorSpace`, resolved.
    Planes are Y, Cb, Cr ("yuv"), Y ("gray") or R, G, B ("rgb").
    """

    family: Family
    depth: int
    subsampling: tuple[int, int] = (1, 1)
    chroma_offset: tuple[float, float] = (0.0, 0.0)
    space: int = 6
    is_full_range: bool = False

    @property
    def luma_weights(self) -> tuple[float, float, float]:
        """Share of red, green and blue in luma."""
        red, blue = _LUMA_WEIGHTS[self.space]
        return red, 1.0 - red - blue, blue

    @property
    def luma_black(self) -> float:
        """Stored value of black."""
        return 0.0 if self.is_full_range else float(16 << (self.depth - 8))

    @property
    def luma_step(self) -> float:
        """Stored steps per grey level of the 0..255 scale."""
        return (2**self.depth - 1 if self.is_full_range else 219 << (self.depth - 8)) / 255.0

    @property
    def chroma_step(self) -> float:
        """Stored steps per unit of a color difference on the 0..255 scale."""
        return (2**self.depth - 1 if self.is_full_range else 224 << (self.depth - 8)) / 255.0


@dataclass(frozen=True, slots=True)
class StoredBox:
    """Columns `x0 <= x < x1` and rows `y0 <= y < y1` of a stored picture of `size_wh` luma samples."""

    x0: int
    y0: int
    x1: int
    y1: int
    size_wh: tuple[int, int]


@numba.njit(cache=True, nogil=True, error_model="numpy", boundscheck=False)
def _lerp_plan(first, count, step, offset, low, high):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Return left neighbor (minus `low`) and right weight of `count` positions, clamped to `low..high`."""
    left = np.empty(count, np.int32)
    weight = np.empty(count, np.float32)
    for i in range(count):
        position = (np.float32(first + i) - offset) / np.float32(step)
        position = min(max(position, np.float32(low)), np.float32(high))
        base = min(int(np.floor(position)), max(high - 1, low))
        left[i] = base - low
        weight[i] = position - np.float32(base)
    return left, weight


@numba.njit(cache=True, nogil=True, error_model="numpy", boundscheck=False)
def _read_yuv(luma, cb, cr, box, chroma_wh, sub, offset, gains, rgb):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Fill `rgb` (h, w, 3) float32; `gains`: black, luma gain, chroma middle, r<-cr, g<-cb, g<-cr, b<-cb."""
    x0, y0, x1, y1 = box
    width = x1 - x0
    black, gain, middle, r_cr, g_cb, g_cr, b_cb = gains
    low = max(0, min(int(np.floor((x0 - offset[0]) / sub[0])), chroma_wh[0] - 1))
    high = max(low, min(int(np.floor((x1 - 1 - offset[0]) / sub[0])) + 1, chroma_wh[0] - 1))
    left, weight = _lerp_plan(x0, width, sub[0], offset[0], low, high)
    top, down = _lerp_plan(y0, y1 - y0, sub[1], offset[1], 0, chroma_wh[1] - 1)
    span = high - low + 1
    row_b = np.zeros(span + 1, np.float32)
    row_r = np.zeros(span + 1, np.float32)
    wide_b = np.empty(width, np.float32)
    wide_r = np.empty(width, np.float32)
    last_row = chroma_wh[1] - 1
    zero, peak = np.float32(0.0), np.float32(255.0)
    for y in range(y1 - y0):
        j, f = top[y], down[y]
        upper_b, lower_b = cb[j], cb[min(j + 1, last_row)]
        upper_r, lower_r = cr[j], cr[min(j + 1, last_row)]
        for k in range(span):
            b, r = np.float32(upper_b[low + k]), np.float32(upper_r[low + k])
            row_b[k] = b + f * (np.float32(lower_b[low + k]) - b) - middle
            row_r[k] = r + f * (np.float32(lower_r[low + k]) - r) - middle
        for x in range(width):
            k, f = left[x], weight[x]
            wide_b[x] = row_b[k] + f * (row_b[k + 1] - row_b[k])
            wide_r[x] = row_r[k] + f * (row_r[k + 1] - row_r[k])
        source, target = luma[y0 + y], rgb[y]
        for x in range(width):
            value = (np.float32(source[x0 + x]) - black) * gain
            target[x, 0] = min(max(value + r_cr * wide_r[x], zero), peak)
            target[x, 1] = min(max(value - g_cb * wide_b[x] - g_cr * wide_r[x], zero), peak)
            target[x, 2] = min(max(value + b_cb * wide_b[x], zero), peak)


@numba.njit(cache=True, nogil=True, error_model="numpy", boundscheck=False)
def _read_luma(luma, box, black, step, out):  # type: ignore[no-untyped-def]  # pragma: no cover
    x0, y0, x1, _ = box
    for y in range(out.shape[0]):
        source, target = luma[y0 + y, x0:x1], out[y]
        for x in range(out.shape[1]):
            target[x] = (np.float32(source[x]) - black) / step


@numba.njit(cache=True, nogil=True, error_model="numpy", boundscheck=False)
def _add_luma(luma, box, before, after, weights, top_code):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Add the luma of `after - before`; a change of 0 leaves the stored value as it is."""
    x0, y0, x1, y1 = box
    w_r, w_g, w_b = weights
    half, zero = np.float32(0.5), np.float32(0.0)
    for y in range(y1 - y0):
        target, a, b = luma[y0 + y], after[y], before[y]
        for x in range(x1 - x0):
            step = w_r * (a[x, 0] - b[x, 0]) + w_g * (a[x, 1] - b[x, 1]) + w_b * (a[x, 2] - b[x, 2])
            value = np.floor(np.float32(target[x0 + x]) + step + half)
            target[x0 + x] = np.uint16(min(max(value, zero), top_code))


@numba.njit(cache=True, nogil=True, error_model="numpy", boundscheck=False)
def _add_yuv(luma, cb, cr, box, size_wh, sub, before, after, weights, rows, top_code):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Add the luma and chroma of `after - before`; a chroma sample takes the mean over the pixels of its block.

    Pixels of a block outside the picture do not count. `rows`: the Cb and Cr rows (3 each) of the RGB-to-YUV matrix, in
    stored steps.
    """
    x0, y0, x1, y1 = box
    sub_w, sub_h = sub
    w_r, w_g, w_b = weights
    b_r, b_g, b_b, r_r, r_g, r_b = rows
    half, zero = np.float32(0.5), np.float32(0.0)
    low, high = x0 // sub_w, (x1 - 1) // sub_w + 1
    # one more pixel column on either side than the box has, so that every block is whole; they stay 0
    sum_b = np.zeros((high - low) * sub_w, np.float32)
    sum_r = np.zeros((high - low) * sub_w, np.float32)
    shift = x0 - low * sub_w
    in_b, in_r = sum_b[shift : shift + x1 - x0], sum_r[shift : shift + x1 - x0]
    step = np.empty(x1 - x0, np.float32)
    for j in range(y0 // sub_h, (y1 - 1) // sub_h + 1):
        sum_b[:] = 0
        sum_r[:] = 0
        for y in range(max(j * sub_h, y0), min((j + 1) * sub_h, y1)):
            # slices from 0 on: the compiler then works on several pixels at once
            a, b, target = after[y - y0], before[y - y0], luma[y, x0:x1]
            for x in range(x1 - x0):
                d_r, d_g, d_b = a[x, 0] - b[x, 0], a[x, 1] - b[x, 1], a[x, 2] - b[x, 2]
                in_b[x] += b_r * d_r + b_g * d_g + b_b * d_b
                in_r[x] += r_r * d_r + r_g * d_g + r_b * d_b
                step[x] = w_r * d_r + w_g * d_g + w_b * d_b
            for x in range(x1 - x0):
                value = np.floor(np.float32(target[x]) + step[x] + half)
                target[x] = np.uint16(min(max(value, zero), top_code))
        count_y = min((j + 1) * sub_h, size_wh[1]) - j * sub_h
        target_b, target_r = cb[j], cr[j]
        for i in range(high - low):
            total_b, total_r = zero, zero
            for k in range(sub_w):
                total_b += sum_b[i * sub_w + k]
                total_r += sum_r[i * sub_w + k]
            count = np.float32(count_y * (min((low + i + 1) * sub_w, size_wh[0]) - (low + i) * sub_w))
            value = np.floor(np.float32(target_b[low + i]) + total_b / count + half)
            target_b[low + i] = np.uint16(min(max(value, zero), top_code))
            value = np.floor(np.float32(target_r[low + i]) + total_r / count + half)
            target_r[low + i] = np.uint16(min(max(value, zero), top_code))


def _singles(*values: float) -> tuple[np.float32, ...]:
    return tuple(np.float32(value) for value in values)


def read_luma(planes: Planes, layout: PixelLayout, box: StoredBox) -> FloatArray:
    """Return luma (h, w) float32 of a rectangle on the 0..255 scale."""
    black, step = _singles(layout.luma_black, layout.luma_step)
    if layout.family == "rgb":
        rows, columns = slice(box.y0, box.y1), slice(box.x0, box.x1)
        parts = (np.float32(w) * plane[rows, columns] for w, plane in zip(layout.luma_weights, planes, strict=True))
        stored = np.sum(list(parts), axis=0, dtype=np.float32)
        return np.asarray((stored - black) / step, np.float32)
    luma = np.empty((box.y1 - box.y0, box.x1 - box.x0), np.float32)
    _read_luma(planes[0], (box.x0, box.y0, box.x1, box.y1), black, step, luma)
    return luma


def read_rgb(planes: Planes, layout: PixelLayout, box: StoredBox) -> FloatArray:
    """Return (h, w, 3) float32 RGB on the 0..255 scale.

    Parameters
    ----------
    planes : C-contiguous arrays (rows, padded columns), uint8 or uint16, as `layout` orders them. RGB may be strided.
    layout : what the planes hold.
    box : the rectangle; it must lie in the picture.
    """
    height, width = box.y1 - box.y0, box.x1 - box.x0
    rgb = np.empty((height, width, 3), np.float32)
    rows, columns = slice(box.y0, box.y1), slice(box.x0, box.x1)
    if layout.family == "yuv":
        red, green, blue = layout.luma_weights
        chroma = 1.0 / layout.chroma_step
        from_cr, from_cb = 2 * (1 - red) * chroma, 2 * (1 - blue) * chroma
        gains = _singles(
            *(layout.luma_black, 1 / layout.luma_step, 2 ** (layout.depth - 1)),
            *(from_cr, from_cb * blue / green, from_cr * red / green, from_cb),
        )
        sub = layout.subsampling
        chroma_wh = (-(-box.size_wh[0] // sub[0]), -(-box.size_wh[1] // sub[1]))
        bounds = (box.x0, box.y0, box.x1, box.y1)
        luma, cb, cr = planes
        _read_yuv(luma, cb, cr, bounds, chroma_wh, sub, _singles(*layout.chroma_offset), gains, rgb)
        return rgb
    for channel in range(3):
        plane = planes[channel if layout.family == "rgb" else 0]
        rgb[..., channel] = (plane[rows, columns].astype(np.float32) - layout.luma_black) / np.float32(layout.luma_step)
    return np.clip(rgb, 0, 255, out=rgb)


def add_rgb_change(planes: Planes, layout: PixelLayout, box: StoredBox, before: FloatArray, after: FloatArray) -> None:
    """Add `after - before` (h, w, 3 on the 0..255 scale) to the stored values, in place.

    Values are rounded and kept within the codes of the depth. Where the two are equal nothing changes; a chroma sample
    takes the mean change of its block of pixels, pixels outside the box counting as unchanged.
    """
    before = np.ascontiguousarray(before, np.float32)
    after = np.ascontiguousarray(after, np.float32)
    expected = (box.y1 - box.y0, box.x1 - box.x0, 3)
    if before.shape != expected or after.shape != expected:
        raise ValueError(f"expected before and after of shape {expected}, got {before.shape} and {after.shape}")
    top_code = np.float32(2**layout.depth - 1)
    bounds = (box.x0, box.y0, box.x1, box.y1)
    if layout.family == "rgb":
        for channel, plane in enumerate(planes):
            part = plane[box.y0 : box.y1, box.x0 : box.x1]
            change = (after[..., channel] - before[..., channel]) * np.float32(layout.luma_step)
            part[...] = np.clip(np.floor(part + change + np.float32(0.5)), 0, top_code).astype(plane.dtype)
        return
    red, green, blue = layout.luma_weights
    weights = _singles(*(w * layout.luma_step for w in (red, green, blue)))
    if layout.family == "gray":
        _add_luma(planes[0], bounds, before, after, weights, top_code)
        return
    to_cb, to_cr = layout.chroma_step / (2 * (1 - blue)), layout.chroma_step / (2 * (1 - red))
    rows = _singles(
        *(-red * to_cb, -green * to_cb, (1 - blue) * to_cb),
        *((1 - red) * to_cr, -green * to_cr, -blue * to_cr),
    )
    luma, cb, cr = planes
    _add_yuv(luma, cb, cr, bounds, box.size_wh, layout.subsampling, before, after, weights, rows, top_code)
