"""A small film for looking at, in memory: H.264 in MP4 that every browser plays and that can be scrubbed.

in: pictures with times -> out: bytes.  Must not: be used for results (it is lossy and has no sound).
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from fractions import Fraction

import av

from afet_video.datatypes import ByteArray
from afet_video.errors import EncodeError
from afet_video.video.provenance import SYNTHETIC_COMMENT

_TICK = Fraction(1, 90_000)
_OPTIONS = {"crf": "26", "preset": "veryfast", "g": "12", "bf": "0"}
"""A key frame every half second or so, and no frames out of order: scrubbing stays quick."""


def preview_film(pictures: Iterable[tuple[Fraction, ByteArray]], *, crf: int | None = None) -> bytes:
    """Return an MP4 file of pictures (H, W, 3) RGB with even sides, each at its own time in seconds.

    Parameters
    ----------
    crf : quality, 0 to 51, lower is better; default 26.

    Raises
    ------
    EncodeError
        If there is no picture, or times do not grow.
    """
    target = io.BytesIO()
    options = _OPTIONS | ({} if crf is None else {"crf": str(crf)})
    with av.open(target, "w", format="mp4") as container:
        container.metadata["comment"] = SYNTHETIC_COMMENT
        stream, start = None, Fraction(0)
        for seconds, rgb in pictures:
            if stream is None:
                stream = container.add_stream("libx264", rate=25, options=options)
                stream.height, stream.width = rgb.shape[:2]
                stream.pix_fmt = "yuv420p"
                stream.codec_context.time_base = _TICK
                start = seconds
            frame = av.VideoFrame.from_ndarray(rgb, format="rgb24")
            frame.pts, frame.time_base = round((seconds - start) / _TICK), _TICK
            try:
                container.mux(stream.encode(frame))
            except av.FFmpegError as error:
                raise EncodeError(f"the preview cannot be encoded at {float(seconds):.3f} s: {error}") from error
        if stream is None:
            raise EncodeError("a preview needs at least one picture")
        container.mux(stream.encode(None))
    return target.getvalue()
