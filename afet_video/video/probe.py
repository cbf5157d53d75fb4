"""What a container says of its video.

in: an open container and its first picture -> out: `VideoInfo`, display matrix.  Must not: read further pictures.
"""

from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from afet_video.datatypes import ColorTags, VideoInfo
from afet_video.video.frame import Orientation
from afet_video.video.side_data import side_data


def display_matrix(picture: av.VideoFrame) -> tuple[int, ...] | None:
    """Return the 9 numbers of the display matrix, None if there is none."""
    data = side_data(picture, "DISPLAYMATRIX")
    return None if data is None else struct.unpack("=9i", data)


def describe(
    path: Path, container: InputContainer, stream: VideoStream, picture: av.VideoFrame, orientation: Orientation
) -> VideoInfo:
    """Collect what is known before the frames are read."""
    coded = (int(picture.width), int(picture.height))
    context = stream.codec_context
    color = ColorTags(
        space=int(picture.colorspace),
        range=int(picture.color_range),
        primaries=int(picture.color_primaries),
        transfer=int(picture.color_trc),
    )
    duration = None
    if stream.duration is not None and stream.time_base:
        duration = float(stream.duration * stream.time_base)
    elif container.duration is not None:
        duration = container.duration / 1e6
    return VideoInfo(
        path=path,
        container=container.format.name,
        codec=context.codec.canonical_name,
        pixel_format=picture.format.name,
        bit_depth=max(c.bits for c in picture.format.components),
        size_wh=orientation.size_wh(coded),
        coded_size_wh=coded,
        rotation_deg=orientation.rotation_deg,
        time_base=_fraction(stream.time_base) or Fraction(1, 90000),
        average_rate=_fraction(stream.average_rate) or _fraction(stream.guessed_rate),
        frame_count=stream.frames or None,
        duration_s=duration,
        sample_aspect_ratio=_fraction(stream.sample_aspect_ratio) or None,
        color=color,
        audio_streams=len(container.streams.audio),
        subtitle_streams=len(container.streams.subtitles),
    )


def _fraction(value: Any) -> Fraction | None:
    """Return one of PyAV's numbers, which are of a type of its own from PyAV 19 on."""
    return None if value is None else Fraction(value.numerator, value.denominator)
