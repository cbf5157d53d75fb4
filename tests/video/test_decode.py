"""Reading videos as they are in the wild: cut off, damaged, not videos, seeking, and for ever."""

from __future__ import annotations

import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from synthetic import ClipSpec, frame_planes, make_clip, picture, stored_planes

from afet_video.datatypes import Box, Timestamp
from afet_video.errors import DecodeError, InputError
from afet_video.video import decode
from afet_video.video.decode import VideoReader
from afet_video.video.demux import open_video


def test_bad_inputs_are_one_clear_line(tmp_path: Path) -> None:
    empty, text, sound, cut = (tmp_path / name for name in ("empty.mp4", "text.mp4", "sound.mp4", "cut.mp4"))
    empty.touch()
    text.write_text("not a video\n" * 100)
    with av.open(str(sound), "w") as container:
        stream = container.add_stream("aac", rate=48000)
        frame = av.AudioFrame.from_ndarray(np.zeros((2, 1024), np.float32), format="fltp", layout="stereo")
        frame.sample_rate, frame.pts = 48000, 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    whole = make_clip(tmp_path / "whole.mp4").read_bytes()
    cut.write_bytes(whole[: len(whole) // 3])  # the index of an MP4 file is at its end
    for path, message in (
        (tmp_path / "missing.mp4", "does not exist"),
        (tmp_path, "is a folder"),
        (empty, "is empty"),
        (text, "is not a media file"),
        (sound, "holds no video"),
        (cut, "cut off or damaged"),
    ):
        with pytest.raises(InputError, match=message) as caught:
            VideoReader(path)
        assert "\n" not in str(caught.value)


def test_a_video_without_one_good_frame(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "clip.mp4", ClipSpec(frames=5))
    data = bytearray(path.read_bytes())
    start = data.index(b"mdat") + 4
    size = int.from_bytes(data[start - 8 : start - 4], "big") - 8
    data[start : start + size] = b"\xff" * size
    path.write_bytes(data)
    with pytest.raises(DecodeError, match="no frame"):
        VideoReader(path)


@pytest.mark.parametrize(("suffix", "share"), [(".mkv", 0.6), (".webm", 0.5), (".avi", 0.6), (".mp4", 0.7)])
def test_a_truncated_video_gives_what_decodes(suffix: str, share: float, tmp_path: Path) -> None:
    codec = {".webm": "libvpx-vp9", ".avi": "mpeg4"}.get(suffix, "libx264")
    base = Fraction(1, 25) if suffix == ".avi" else Fraction(1, 1000)
    path = make_clip(tmp_path / f"clip{suffix}", ClipSpec(codec=codec, frames=100, noise=8, time_base=base))
    if suffix == ".mp4":
        with (
            av.open(str(path)) as inside,
            av.open(str(tmp_path / "fast.mp4"), "w", container_options={"movflags": "faststart"}) as out,
        ):
            stream = out.add_stream_from_template(inside.streams[0], opaque=True)
            for packet in inside.demux():
                if packet.size:
                    packet.stream = stream
                    out.mux(packet)
        path = tmp_path / "fast.mp4"
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    reader = VideoReader(path)
    frames = [frame.index for frame in reader]
    assert 10 < len(frames) < 95
    assert frames == list(range(len(frames)))
    assert any(f"breaks off after frame {len(frames) - 1} (" in text for text in reader.warnings), reader.warnings


def test_damage_in_the_middle_is_skipped_and_said(tmp_path: Path) -> None:
    path = make_clip(
        tmp_path / "clip.avi", ClipSpec(codec="mjpeg", pixel_format="yuvj420p", frames=40, time_base=Fraction(1, 25))
    )
    data = bytearray(path.read_bytes())
    with av.open(str(path)) as container:
        where = [(p.pos, p.size) for p in container.demux() if p.size][10:13]
    for position, size in where:
        data[position + 8 : position + size] = bytes(size - 8)
    path.write_bytes(data)
    reader = VideoReader(path)
    frames = [(frame.timestamp.pts, frame.rgb()) for frame in reader]
    assert len(frames) == 37
    assert [pts for pts, _ in frames] == [i for i in range(40) if i not in (10, 11, 12)]
    assert any("3 damaged pieces" in text for text in reader.warnings)


def test_every_frame_has_its_own_time_in_presentation_order(tmp_path: Path) -> None:
    pts = [0, 40, 80, 95, 130, 131, 400, 440, 2440, 2480]
    reader = VideoReader(make_clip(tmp_path / "clip.mkv", ClipSpec(pts=pts)))
    for _ in range(2):  # readable as often as wanted
        assert [frame.timestamp.pts for frame in reader] == pts
    assert reader.warnings == []


def test_frame_at_finds_the_very_frame(tmp_path: Path) -> None:
    for suffix in (".mp4", ".mkv", ".avi"):
        base = Fraction(1, 25) if suffix == ".avi" else Fraction(1, 1000)
        options = {"g": "10", "bf": "0"} if suffix == ".avi" else {"g": "10"}
        reader = VideoReader(make_clip(tmp_path / f"c{suffix}", ClipSpec(frames=35, time_base=base, options=options)))
        frames = list(reader)
        for index in (0, 9, 10, 17, 34):
            found = reader.frame_at(frames[index].timestamp)
            assert found.index == index
            assert found.timestamp == frames[index].timestamp
            np.testing.assert_array_equal(found.rgb(), frames[index].rgb())
        with pytest.raises(DecodeError, match="no frame at 99"):
            reader.frame_at(Timestamp(99, Fraction(1)))
        # a fresh reader has not counted the frames yet
        assert VideoReader(reader.path).frame_at(frames[17].timestamp).timestamp == frames[17].timestamp


def test_frames_at_decode_a_group_of_pictures_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    decoded: list[int] = []
    make_frame = VideoReader._frame
    opened: list[Path] = []

    def counted(reader: VideoReader, index: int, *rest: Any) -> Any:
        decoded.append(index)
        return make_frame(reader, index, *rest)

    for suffix in (".mp4", ".mkv", ".avi"):
        base = Fraction(1, 25) if suffix == ".avi" else Fraction(1, 1000)
        options = {"g": "10", "bf": "0"} if suffix == ".avi" else {"g": "10"}
        reader = VideoReader(make_clip(tmp_path / f"c{suffix}", ClipSpec(frames=35, time_base=base, options=options)))
        frames = list(reader)
        wanted = [17, 3, 34, 12, 3, 9]
        with monkeypatch.context() as patched:
            patched.setattr(decode, "open_video", lambda *args: opened.append(args[0]) or open_video(*args))
            patched.setattr(VideoReader, "_frame", counted)
            found = reader.frames_at([frames[index].timestamp for index in wanted])
            first_time = len(opened)
            assert first_time == 1 or suffix == ".avi"  # which has no times to seek
            again = reader.frames_at([frames[index].timestamp for index in (12, 34)])
            assert len(opened) == first_time
            assert sorted(decoded) == [3, 9, 12, 17, 34] or suffix == ".avi"
            assert [one is other for one, other in zip(again, (found[3], found[2]), strict=True)] == [True, True]
            reader.forget()
            reader.frames_at([frames[12].timestamp])
            assert len(opened) > first_time
        for index, frame in zip(wanted, found, strict=True):
            assert frame.timestamp == frames[index].timestamp
            np.testing.assert_array_equal(frame.rgb(), frames[index].rgb())
        with pytest.raises(DecodeError, match="no frame at 99"):
            reader.frames_at([frames[2].timestamp, Timestamp(99, Fraction(1))])
        decoded.clear()
        opened.clear()


def test_writing_reaches_no_other_frame(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "clip.mp4", ClipSpec(frames=20, options={"bf": "3", "refs": "4"}))
    expected = stored_planes(path)
    kept = []
    for frame in VideoReader(path):
        assert all(np.array_equal(a, b) for a, b in zip(frame_planes(frame.stored), expected[frame.index], strict=True))
        before = frame.read_box(Box(0, 0, *frame.size_wh))
        frame.write_box(Box(0, 0, *frame.size_wh), before, 255 - before)
        kept.append((frame, frame.rgb()))
    for frame, rgb in kept:  # and they stay as they are when the reader has moved on
        np.testing.assert_array_equal(frame.rgb(), rgb)


def test_rgb_is_scaled_down_never_up(tmp_path: Path) -> None:
    frame = next(iter(VideoReader(make_clip(tmp_path / "clip.mp4", ClipSpec(size_wh=(96, 64), rotation_deg=90)))))
    assert frame.rgb().shape == (96, 64, 3)
    assert frame.rgb(max_side=48).shape == (48, 32, 3)
    assert frame.rgb(max_side=960).shape == (96, 64, 3)
    assert frame.rgb().flags.c_contiguous
    expected = np.rot90(picture(0, (96, 64)).astype(int).reshape(32, 2, 48, 2, 3).mean((1, 3)))
    assert np.abs(frame.rgb(max_side=48) - expected).mean() < 2.0


def test_pictures_stored_bottom_up_or_in_odd_formats(tmp_path: Path) -> None:
    for codec, pixel_format in (("rawvideo", "bgr24"), ("rawvideo", "yuyv422"), ("png", "rgba")):
        path = make_clip(
            tmp_path / "clip.avi", ClipSpec(codec=codec, pixel_format=pixel_format, time_base=Fraction(1, 25))
        )
        reader = VideoReader(path)
        for frame in reader:
            error = np.abs(frame.rgb().astype(int) - picture(frame.index, (96, 64)))
            assert error.mean() < 2.0
        assert any("is handled as" in text for text in reader.warnings) == (pixel_format != "bgr24")


def test_a_cover_picture_is_not_the_video(tmp_path: Path) -> None:
    plain, cover = make_clip(tmp_path / "plain.mp4"), tmp_path / "cover.mp4"
    with av.open(str(plain)) as inside, av.open(str(cover), "w") as out:
        art = out.add_stream("mjpeg", rate=1, width=32, height=32, pix_fmt="yuvj420p")
        art.disposition = av.stream.Disposition.attached_pic
        stream = out.add_stream_from_template(inside.streams[0], opaque=True)
        out.mux(art.encode(av.VideoFrame(32, 32, "yuvj420p")))
        out.mux(art.encode(None))
        for packet in inside.demux():
            if packet.size:
                packet.stream = stream
                out.mux(packet)
    reader = VideoReader(cover)
    assert reader.info.size_wh == (96, 64)
    assert len(list(reader)) == 10


_COPY = """
import sys
from pathlib import Path
from afet_video.video.decode import VideoReader
from afet_video.video.encode import VideoWriter
from afet_video.video.encoders import EncodeSettings
from afet_video.datatypes import Box
source = Path(sys.argv[1])
reader = VideoReader(source)
with VideoWriter(source.with_suffix(".out.mp4"), source=source, info=reader.info, settings=EncodeSettings()) as writer:
    for frame in reader:
        box = Box(0, 0, 64, 64)
        rgb = frame.read_box(box)
        frame.write_box(box, rgb, rgb + 5)
        writer.write(frame)
status = Path("/proc/self/status").read_text()
print(status.partition("VmHWM:")[2].split()[0])
"""


def test_memory_does_not_grow_with_length(tmp_path: Path) -> None:
    if not Path("/proc/self/status").exists():
        pytest.skip("needs /proc for the peak memory of a process")
    peaks = []
    for frames in (150, 900):
        spec = ClipSpec(frames=frames, size_wh=(320, 240), audio="aac", options={"g": "50"})
        still = picture(0, (320, 240))
        path = make_clip(tmp_path / f"clip{frames}.mp4", spec, pictures=(still for _ in range(frames)))
        run = subprocess.run([sys.executable, "-c", _COPY, str(path)], capture_output=True, text=True, check=True)
        assert run.stderr == ""
        peaks.append(int(run.stdout) / 1024)
    # 750 frames more are 86 MB of stored pictures
    assert peaks[1] - peaks[0] < 25, peaks
