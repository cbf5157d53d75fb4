"""A clip with nothing but its pictures: no sound, no tags, no name, times from zero.

in: a video -> out: an MP4 that every browser plays.  Must not: keep anything that tells where the clip comes from.

For rater studies alone: there, real and generated clips must not differ in anything but what they show. Everything else
that is written carries its mark as synthetic.
"""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np

from afet_video.errors import EncodeError
from afet_video.outputs import disk_errors
from afet_video.video.convert import to_format
from afet_video.video.decode import VideoReader

_OPTIONS = {"crf": "15", "preset": "medium"}


def write_plain_clip(source: Path, target: Path, *, max_side: int) -> tuple[int, int]:
    """Encode the pictures of `source` anew as H.264 in MP4, scaled down to at most `max_side`; return their size.

    Raises
    ------
    InputError, EncodeError, OutputError
        If the source cannot be read or the target not be written.
    """
    reader = VideoReader(source)
    first: int | None = None
    size_wh = (0, 0)
    try:
        with disk_errors(target), av.open(str(target), "w", container_options={"movflags": "+faststart"}) as container:
            stream = container.add_stream("libx264", rate=30, options=dict(_OPTIONS))
            for frame in reader:
                rgb = frame.rgb(max_side=max_side)
                rgb = np.ascontiguousarray(rgb[: rgb.shape[0] // 2 * 2, : rgb.shape[1] // 2 * 2])
                if first is None:
                    first, size_wh = frame.timestamp.pts, (rgb.shape[1], rgb.shape[0])
                    context = stream.codec_context
                    context.width, context.height = size_wh
                    context.pix_fmt = "yuv420p"
                    context.time_base = stream.time_base = reader.info.time_base
                picture = to_format(av.VideoFrame.from_ndarray(rgb, format="rgb24"), "yuv420p")
                picture.time_base = reader.info.time_base
                picture.pts = frame.timestamp.pts - first
                container.mux(stream.encode(picture))
            container.mux(stream.encode(None))
    except av.FFmpegError as error:
        raise EncodeError(f"{source} cannot be encoded for the study: {error.strerror or error}") from error
    return size_wh
