"""Pictures in memory become a video file.

in: RGB pictures of one size, a frame rate -> out: a video without sound.  Must not: hold more than one picture.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.stream import VideoStream

from afet_video.datatypes import ByteArray
from afet_video.errors import EncodeError
from afet_video.outputs import disk_errors

_BT709 = 1
_LIMITED, _FULL = 1, 2


def write_clip(path: Path, pictures: Iterable[ByteArray], *, rate: Fraction) -> int:
    """Write pictures as H.264 in 4:2:0, which loses nothing after the conversion from RGB; return how many.

    Parameters
    ----------
    path : file to write, .mp4, .mov or .mkv; an existing one is replaced.
    pictures : (H, W, 3) uint8, all of one size with even sides.
    rate : frames per second.

    Raises
    ------
    EncodeError
        If there is no picture, or FFmpeg refuses it.
    OutputError
        If the file cannot be written.
    """
    count = 0
    try:
        with disk_errors(path), av.open(str(path), "w") as container:
            options = {"qp": "0", "preset": "veryfast"}
            stream = container.add_stream("libx264", rate=rate, options=options)
            for picture in pictures:
                if not count:
                    _describe(stream, picture)
                container.mux(stream.encode(_frame(picture)))
                count += 1
            if count:
                container.mux(stream.encode(None))
    except av.FFmpegError as error:
        raise EncodeError(f"{path}: the encoder refuses the pictures ({error.strerror or error})") from error
    if not count:
        raise EncodeError(f"{path}: there are no pictures to write")
    return count


def _describe(stream: VideoStream, picture: ByteArray) -> None:
    context = stream.codec_context
    context.width, context.height, context.pix_fmt = picture.shape[1], picture.shape[0], "yuv420p"
    context.colorspace = context.color_primaries = context.color_trc = _BT709
    context.color_range = _LIMITED


def _frame(picture: ByteArray) -> av.VideoFrame:
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
    made = frame.reformat(
        format="yuv420p",
        dst_colorspace=_BT709,
        src_color_range=_FULL,
        dst_color_range=_LIMITED,
        interpolation="BICUBIC",
    )
    made.colorspace = made.color_primaries = made.color_trc = _BT709
    made.color_range = _LIMITED
    return made
