"""Bring a stored picture into the form an encoder takes.

in: a stored picture -> out: the same picture in another pixel format, or turned upright.
Must not: change values where the target can hold them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from afet_video.video.frame import FULL_RANGE, Orientation, plane_arrays, subsampling_of, swscale_space

Plane = NDArray[Any]


def to_format(picture: av.VideoFrame, target: str) -> av.VideoFrame:
    """Return `picture` in pixel format `target`.

    Chroma that only gets denser is repeated, and gray gets neutral chroma, so that every stored value survives; other
    changes go through swscale.
    """
    if picture.format.name == target:
        return picture
    source, wanted = picture.format, av.VideoFormat(target)
    same_depth = source.components[0].bits == wanted.components[0].bits
    if same_depth and not source.is_rgb and not wanted.is_rgb and len(wanted.components) == 3:
        old, new = subsampling_of(source), subsampling_of(wanted)
        if len(source.components) == 1:
            return _with_neutral_chroma(picture, target)
        if old[0] % new[0] == 0 and old[1] % new[1] == 0:
            return _with_repeated_chroma(picture, target, (old[0] // new[0], old[1] // new[1]))
    if source.is_rgb and wanted.is_rgb:
        return _tagged(picture.reformat(format=target), picture)
    color_range = FULL_RANGE if picture.color_range == FULL_RANGE or target.startswith("yuvj") else 1
    made = picture.reformat(
        format=target,
        src_colorspace=swscale_space(picture),
        dst_colorspace=swscale_space(picture),
        src_color_range=FULL_RANGE if source.is_rgb else color_range,
        dst_color_range=color_range,
        interpolation="BICUBIC",
    )
    made = _tagged(made, picture)
    if source.is_rgb:
        # an RGB picture says "no matrix"; the YUV made of it needs the one it was made with
        made.colorspace = 1 if swscale_space(picture) == 1 else 6
        made.color_range = color_range
    return made


def upright(picture: av.VideoFrame, orientation: Orientation) -> av.VideoFrame:
    """Return the picture turned upright, plane by plane (chroma that is denser in one direction is made 4:4:4)."""
    sub = subsampling_of(picture.format)
    if orientation.is_transposed and sub[0] != sub[1]:
        depth = picture.format.components[0].bits
        picture = to_format(picture, "yuv444p" if depth == 8 else f"yuv444p{depth}le")
    if not picture.format.is_planar:
        picture = to_format(picture, "gbrp")
    made = av.VideoFrame(*orientation.size_wh((picture.width, picture.height)), picture.format.name)
    for source, target, plane in zip(plane_arrays(picture), plane_arrays(made), picture.planes, strict=True):
        turned = orientation.upright(source[:, : plane.width])
        target[:, : turned.shape[1]] = turned
    return _tagged(made, picture)


def _with_repeated_chroma(picture: av.VideoFrame, target: str, times: tuple[int, int]) -> av.VideoFrame:
    def repeated(plane: Plane) -> Plane:
        return plane.repeat(times[1], axis=0).repeat(times[0], axis=1)

    return _rebuilt(picture, target, repeated)


def _with_neutral_chroma(picture: av.VideoFrame, target: str) -> av.VideoFrame:
    return _rebuilt(picture, target, None)


def _rebuilt(picture: av.VideoFrame, target: str, chroma: Callable[[Plane], Plane] | None) -> av.VideoFrame:
    """Return a picture with the same luma and `chroma` applied to the chroma planes (None = neutral)."""
    made = av.VideoFrame(picture.width, picture.height, target)
    old, new = plane_arrays(picture), plane_arrays(made)
    new[0][:, : picture.width] = old[0][:, : picture.width]
    middle = 1 << (picture.format.components[0].bits - 1)
    for index in (1, 2):
        wide = made.planes[index].width
        if chroma is None:
            new[index][:] = np.array(middle, new[index].dtype)
            continue
        values = chroma(old[index][:, : picture.planes[index].width])
        new[index][:, :wide] = values[: len(new[index]), :wide]
    return _tagged(made, picture)


def _tagged(made: av.VideoFrame, source: av.VideoFrame) -> av.VideoFrame:
    """Give `made` the color tags of `source`."""
    for name in ("colorspace", "color_range", "color_primaries", "color_trc"):
        setattr(made, name, getattr(source, name))
    return made
