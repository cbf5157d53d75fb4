"""Segments encoded each by itself and joined are one video like any other."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from synthetic import ClipSpec, make_clip, packets, stored_planes

from afet_video.errors import EncodeError
from afet_video.video.decode import VideoReader
from afet_video.video.encode import VideoWriter
from afet_video.video.encoders import EncodeSettings
from afet_video.video.packets import read_packets
from afet_video.video.segments import SegmentedVideoWriter

VARIABLE = [0, 40, 80, 130, 160, 161, 240, 260, 900, 1500, 1501, 1560, 1605, 1610, 1680]
"""The last segment begins slowly: its encoder's first decoding times lie before those of the segment before."""

STEADY = [40 * number for number in range(15)]
BORDERS = (0, 6, 7, 15)


def write(source: Path, target: Path, settings: EncodeSettings, borders: tuple[int, ...], folder: Path) -> list[Path]:
    """Write a copy in segments; every second one as if an earlier run had made it, which is done here first."""
    reader = VideoReader(source)
    paths = [folder / str(border) for border in borders[:-1]]
    for turn in (1, 0):
        with SegmentedVideoWriter(target, source=source, info=reader.info, settings=settings) as writer:
            for frame in reader:
                number = sum(frame.index >= border for border in borders) - 1
                if turn == 0 and number % 2:
                    writer.skip(frame)
                    continue
                if frame.index in borders:
                    writer.start(paths[number])
                writer.write(frame)
                if frame.index + 1 in borders:
                    writer.finish()
            writer.join(paths)
    return paths


def plain_copy(source: Path, target: Path, settings: EncodeSettings, frames: range) -> Path:
    reader = VideoReader(source)
    with VideoWriter(target, source=source, info=reader.info, settings=settings) as writer:
        for frame in reader:
            if frame.index in frames:
                writer.write(frame)
    return target


def times(path: Path) -> list[Fraction]:
    return [frame.timestamp.seconds for frame in VideoReader(path)]


def marks(path: Path) -> dict[str, object]:
    """What a file says of its pictures."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        context = stream.codec_context
        tags = {key: value for key, value in container.metadata.items() if key != "creation_time"}
        return {
            "extradata": bytes(context.extradata or b""),
            "tag": context.codec_tag,
            "colors": (context.colorspace, context.color_range, context.color_primaries, context.color_trc),
            "time_base": stream.time_base,
            "tags": tags,
        }


@pytest.mark.parametrize(
    ("codec", "suffix", "pixel_format", "audio", "pts"),
    [
        ("h264", ".mp4", "yuv420p", "aac", VARIABLE),
        ("h264", ".mov", "yuv420p", "pcm_s16le", VARIABLE),
        ("h264", ".mkv", "yuv420p", "libopus", VARIABLE),
        ("h264", ".avi", "yuv420p", "libmp3lame", STEADY),
        ("hevc", ".mp4", "yuv420p10le", "aac", VARIABLE),
        ("vp9", ".webm", "yuv420p", "libopus", VARIABLE),
        ("av1", ".webm", "yuv420p10le", "libopus", VARIABLE),
        ("av1", ".mp4", "yuv420p", "aac", VARIABLE),
        ("ffv1", ".mkv", "yuv420p", "pcm_s16le", VARIABLE),
        ("ffv1", ".avi", "yuv420p", "pcm_s16le", STEADY),
    ],
)
def test_every_codec_and_container(
    codec: str, suffix: str, pixel_format: str, audio: str, pts: list[int], tmp_path: Path
) -> None:
    library = "libx265" if "10" in pixel_format else "libx264"
    pq = (9, 1, 9, 16) if "10" in pixel_format else (1, 1, 1, 1)
    spec = ClipSpec(
        codec=library, pixel_format=pixel_format, size_wh=(208, 160), pts=pts, audio=audio, color=pq, noise=3
    )
    source, settings = make_clip(tmp_path / "in.mkv", spec), EncodeSettings(codec=codec)
    plain, whole, joined = (tmp_path / f"{name}{suffix}" for name in ("plain", "whole", "joined"))
    plain_copy(source, plain, settings, range(len(pts)))
    write(source, whole, settings, (0, len(pts)), tmp_path)
    paths = write(source, joined, settings, BORDERS, tmp_path)

    assert times(joined) == times(plain)
    assert len(times(joined)) == len(pts)
    assert packets(joined, "audio") == packets(plain, "audio") != []
    assert marks(joined) == marks(plain)
    assert packets(whole, "video") == packets(plain, "video"), "one segment alone is the very same video"
    sent = [(one.pts, one.dts) for path in paths for one in read_packets(path)]
    assert len(sent) == len(pts)
    with av.open(str(joined)) as container:
        stamps = [(packet.dts, packet.pts) for packet in container.demux(video=0) if packet.size]
    told = [dts for dts, _ in stamps if dts is not None]  # Matroska does not hold them
    assert all(one < two for one, two in pairwise(told))
    assert all(dts <= pts for dts, pts in stamps if None not in (dts, pts))
    for number, (start, stop) in enumerate(pairwise(BORDERS)):
        alone = plain_copy(source, tmp_path / f"alone{number}{suffix}", settings, range(start, stop))
        for one, other in zip(stored_planes(alone), stored_planes(joined)[start:stop], strict=True):
            assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_a_file_that_is_cut_off_or_something_else_is_refused(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "in.mkv", ClipSpec(size_wh=(208, 160), frames=4))
    target, whole = tmp_path / "out.mp4", tmp_path / "whole"
    reader = VideoReader(source)

    def joined(damage: bytes) -> None:
        with SegmentedVideoWriter(target, source=source, info=reader.info, settings=EncodeSettings()) as writer:
            writer.start(whole)
            for frame in reader:
                writer.write(frame)
            writer.finish()
            (tmp_path / "damaged").write_bytes(damage or whole.read_bytes()[:-5])
            writer.join([tmp_path / "damaged"])

    for damage, reason in ((b"", "cut off"), (b"what is this", "holds no packets")):
        with pytest.raises(EncodeError, match=reason):
            joined(damage)


def test_a_video_without_frames_is_refused(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "in.mkv", ClipSpec(frames=4))
    info = VideoReader(source).info
    writer = SegmentedVideoWriter(tmp_path / "out.mp4", source=source, info=info, settings=EncodeSettings())
    with pytest.raises(EncodeError, match="no frame was written"):
        writer.join([])
