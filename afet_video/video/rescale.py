"""A copy of a video at another size and length, to measure with.

in: a video -> out: an H.264 file of its pictures alone.  Must not: keep sound, tags or quality.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
from av.container import OutputContainer
from av.video.stream import VideoStream

from afet_video.errors import EncodeError
from afet_video.video.convert import upright
from afet_video.video.decode import VideoReader
from afet_video.video.frame import Orientation

_OPTIONS = {"preset": "ultrafast", "crf": "14"}


def write_rescaled(source: Path, target: Path, *, height: int, frames: int | None = None, repeats: int = 1) -> int:
    """Write the first `frames` pictures (default: all) of `source`, upright and `height` rows high, to `target`.

    The stretch is written `repeats` times, one after the other. Sizes are rounded to even numbers, as 4:2:0 needs.

    Returns
    -------
    The number of frames written.

    Raises
    ------
    DecodeError, InputError
        If the source cannot be read.
    EncodeError
        If the target cannot be written.
    """
    reader = VideoReader(source)
    width = round(height * reader.info.size_wh[0] / reader.info.size_wh[1] / 2) * 2
    height = round(height / 2) * 2
    try:
        with av.open(str(target), "w") as container:
            stream = _stream(container, reader, (width, height))
            count = 0
            for picture, pts in _pictures(reader, frames, repeats):
                picture = picture.reformat(stream.width, stream.height, "yuv420p", interpolation="BICUBIC")
                picture.pict_type, picture.time_base, picture.pts = 0, reader.info.time_base, pts
                container.mux(stream.encode(picture))
                count += 1
            container.mux(stream.encode(None))
    except av.FFmpegError as error:
        raise EncodeError(f"{target}: cannot write a copy of {source} {height} rows high ({error.strerror})") from error
    return count


def _stream(container: OutputContainer, reader: VideoReader, size_wh: tuple[int, int]) -> VideoStream:
    rate = (reader.info.average_rate or Fraction(25)).limit_denominator(1001)
    stream: VideoStream = container.add_stream("libx264", rate=rate, options=_OPTIONS)
    stream.width, stream.height, stream.pix_fmt = *size_wh, "yuv420p"
    stream.codec_context.time_base = stream.time_base = reader.info.time_base
    return stream


def _pictures(reader: VideoReader, frames: int | None, repeats: int) -> Iterator[tuple[av.VideoFrame, int]]:
    """Yield upright pictures with their pts: the stretch over and over, each time from where the last one ended."""
    start, step = 0, 1
    for _ in range(repeats):
        first = pts = None
        for frame in itertools.islice(reader, frames):
            now = frame.timestamp.pts
            first = now if first is None else first
            step = step if pts is None else now - pts
            pts = now
            is_upright = frame.orientation == Orientation()
            yield frame.stored if is_upright else upright(frame.stored, frame.orientation), start + now - first
        if first is not None and pts is not None:
            start += pts - first + step
