"""Read a clip, write it again: what must be the same is the same."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from synthetic import ClipSpec, make_clip, packets, stored_planes, video_pts

from afet_video.datatypes import Box
from afet_video.errors import EncodeError, OutputError, SettingsError
from afet_video.video.decode import VideoReader
from afet_video.video.encode import VideoWriter
from afet_video.video.encoders import EncodeSettings
from afet_video.video.provenance import SYNTHETIC_COMMENT, read_mark

LOSSLESS = EncodeSettings(lossless=True)


def copy_video(source: Path, target: Path, settings: EncodeSettings | None = None) -> list[str]:
    reader = VideoReader(source)
    with VideoWriter(target, source=source, info=reader.info, settings=settings or EncodeSettings()) as writer:
        for frame in reader:
            writer.write(frame)
    return reader.warnings + writer.warnings


def assert_same_video(source: Path, target: Path) -> None:
    before, after = VideoReader(source), VideoReader(target)
    if target.suffix == ".avi":  # FFmpeg guesses presentation times that AVI does not hold
        assert [f.timestamp.seconds for f in after] == [f.timestamp.seconds for f in before]
    else:
        assert video_pts(target) == video_pts(source)
    assert after.info.size_wh == before.info.size_wh
    assert after.info.coded_size_wh == before.info.coded_size_wh
    assert after.info.rotation_deg == before.info.rotation_deg
    for mine, theirs in zip(after, before, strict=True):
        assert np.abs(mine.rgb().astype(int) - theirs.rgb().astype(int)).mean() < 2.5


INPUTS = [
    ("libx264", "yuv420p", ".mp4", "aac"),
    ("libx264", "yuv420p", ".mov", "pcm_s16le"),
    ("libx264", "yuv420p", ".mkv", "libopus"),
    ("libx265", "yuv420p10le", ".mp4", "aac"),
    ("libx265", "yuv420p", ".mov", "aac"),
    ("libvpx-vp9", "yuv420p", ".webm", "libopus"),
    ("libsvtav1", "yuv420p", ".webm", "libopus"),
    ("libsvtav1", "yuv420p10le", ".mp4", "aac"),
    ("mpeg4", "yuv420p", ".avi", "libmp3lame"),
    ("mpeg4", "yuv420p", ".mp4", "libmp3lame"),
    ("mjpeg", "yuvj420p", ".avi", "pcm_s16le"),
    ("mjpeg", "yuvj422p", ".mov", "pcm_s16le"),
    ("ffv1", "yuv422p10le", ".mkv", "pcm_s16le"),
]


@pytest.mark.parametrize(("codec", "pixel_format", "suffix", "audio"), INPUTS)
def test_every_codec_and_container(codec: str, pixel_format: str, suffix: str, audio: str, tmp_path: Path) -> None:
    base = Fraction(1, 25) if suffix == ".avi" or codec == "mpeg4" else Fraction(1, 1000)
    spec = ClipSpec(codec=codec, pixel_format=pixel_format, size_wh=(128, 96), audio=audio, time_base=base, frames=12)
    source, target = make_clip(tmp_path / f"in{suffix}", spec), tmp_path / f"out{suffix}"
    warnings = copy_video(source, target)
    assert warnings == []
    assert len(video_pts(target)) == 12
    assert_same_video(source, target)
    assert packets(target, "audio") == packets(source, "audio") != []
    assert VideoReader(target).info.bit_depth == VideoReader(source).info.bit_depth


@pytest.mark.parametrize(
    ("codec", "pixel_format", "suffix", "size_wh"),
    [
        ("libx264", "yuv420p", ".mp4", (96, 64)),
        ("libx264", "yuv422p10le", ".mkv", (96, 64)),
        ("libx264", "yuv444p", ".mov", (95, 63)),
        ("libx264", "yuvj420p", ".mp4", (96, 64)),
        ("libx264", "yuv420p", ".avi", (96, 64)),
        ("libx265", "yuv420p10le", ".mp4", (96, 64)),
        ("libvpx-vp9", "yuv420p", ".webm", (95, 63)),
        ("libsvtav1", "yuv420p10le", ".webm", (96, 64)),
        ("ffv1", "yuv411p", ".mkv", (95, 63)),
        ("ffv1", "gbrp10le", ".mkv", (96, 64)),
    ],
)
def test_lossless_brings_every_value_back(
    codec: str, pixel_format: str, suffix: str, size_wh: tuple[int, int], tmp_path: Path
) -> None:
    base = Fraction(1, 25) if suffix == ".avi" else Fraction(1, 1000)
    options = {"bf": "0"} if suffix == ".avi" else {}
    spec = ClipSpec(
        codec=codec, pixel_format=pixel_format, size_wh=size_wh, noise=6, time_base=base, frames=6, options=options
    )
    source, target = make_clip(tmp_path / f"in{suffix}", spec), tmp_path / f"out{suffix}"
    copy_video(source, target, LOSSLESS)
    for before, after in zip(stored_planes(source), stored_planes(target), strict=True):
        assert len(before) == len(after)
        assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))
    assert [f.timestamp.seconds for f in VideoReader(source)] == [f.timestamp.seconds for f in VideoReader(target)]


def test_odd_sizes_of_4_2_0_stay_exact_in_h264(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "in.webm", ClipSpec(codec="libvpx-vp9", size_wh=(63, 47), frames=4, noise=6))
    target = tmp_path / "out.mp4"
    warnings = copy_video(source, target, LOSSLESS)
    assert any("yuv444p" in text for text in warnings)
    assert VideoReader(target).info.size_wh == (63, 47)
    for before, after in zip(stored_planes(source), stored_planes(target), strict=True):
        assert np.array_equal(before[0], after[0])
        assert np.array_equal(before[1], after[1][::2, ::2])
        assert np.array_equal(before[2], after[2][::2, ::2])


@pytest.mark.parametrize(
    ("source_suffix", "suffix"), [(".mp4", ".mp4"), (".mp4", ".mov"), (".mkv", ".mp4"), (".mkv", ".mkv")]
)
@pytest.mark.parametrize(
    "pts",
    [
        [0, 40, 80, 95, 130, 131, 400, 440],  # variable
        [80, 120, 160, 2160, 2200],  # starts late, and a gap of two seconds
    ],
)
def test_variable_frame_times(source_suffix: str, suffix: str, pts: list[int], tmp_path: Path) -> None:
    spec = ClipSpec(pts=pts, audio="aac", audio_s=1.0)
    source, target = make_clip(tmp_path / f"in{source_suffix}", spec), tmp_path / f"out{suffix}"
    copy_video(source, target)
    first, again = video_pts(source), video_pts(target)
    sound, sound_again = ([time for _, time in packets(p, "audio")] for p in (source, target))
    assert len(again) == len(pts)
    # Matroska has no negative times: there everything may move together
    shift = again[0] - first[0]
    assert shift == 0 or suffix == ".mkv"
    assert [t - shift for t in again] == first
    assert max(abs(b - shift - a) for a, b in zip(sound, sound_again, strict=True)) <= Fraction(1, 1000)
    assert [data for data, _ in packets(target, "audio")] == [data for data, _ in packets(source, "audio")]


@pytest.mark.parametrize("start_s", [0.5, 1.234])
def test_sound_that_starts_late_stays_in_step(start_s: float, tmp_path: Path) -> None:
    source = make_clip(tmp_path / "in.mp4", ClipSpec(audio="aac", frames=60, audio_start_s=start_s, audio_s=1.0))
    target = tmp_path / "out.mp4"
    copy_video(source, target)
    assert packets(target, "audio") == packets(source, "audio")
    assert video_pts(target) == video_pts(source)


@pytest.mark.parametrize("rotation_deg", [90, 180, 270])
@pytest.mark.parametrize(("suffix", "codec"), [(".mp4", "libx264"), (".mkv", "libx264"), (".webm", "libvpx-vp9")])
def test_rotation_is_kept_and_frames_are_upright(rotation_deg: int, suffix: str, codec: str, tmp_path: Path) -> None:
    spec = ClipSpec(rotation_deg=rotation_deg, codec=codec, frames=3)
    source, target = make_clip(tmp_path / f"in{suffix}", spec), tmp_path / f"out{suffix}"
    plain = make_clip(tmp_path / f"plain{suffix}", ClipSpec(codec=codec, frames=3))
    copy_video(source, target)
    assert VideoReader(source).info.rotation_deg == rotation_deg
    assert_same_video(source, target)
    upright = np.rot90(next(iter(VideoReader(plain))).rgb(), rotation_deg // 90)
    again = next(iter(VideoReader(target)))
    assert again.size_wh == upright.shape[1::-1]
    assert np.abs(again.rgb().astype(int) - upright).mean() < 2.5


def test_a_container_without_rotation_gets_upright_pictures(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "in.mp4", ClipSpec(rotation_deg=90, frames=3, aspect=Fraction(4, 3)))
    target = tmp_path / "out.avi"
    assert any("upright" in text for text in copy_video(source, target))
    before, after = next(iter(VideoReader(source))), VideoReader(target)
    assert (after.info.rotation_deg, after.info.size_wh) == (0, before.size_wh)
    assert np.abs(next(iter(after)).rgb().astype(int) - before.rgb()).mean() < 2.5


def test_color_tags_and_aspect_are_kept(tmp_path: Path) -> None:
    for suffix, color in ((".mp4", (1, 1, 1, 1)), (".mkv", (9, 1, 9, 14)), (".mp4", (5, 2, 6, 6))):
        spec = ClipSpec(color=color, aspect=Fraction(4, 3), frames=3)
        source, target = make_clip(tmp_path / f"in{suffix}", spec), tmp_path / f"out{suffix}"
        copy_video(source, target)
        before, after = VideoReader(source).info, VideoReader(target).info
        assert after.color == before.color
        assert (after.color.space, after.color.range) == color[:2]
        assert after.sample_aspect_ratio == before.sample_aspect_ratio == Fraction(4, 3)


def test_metadata_chapters_and_the_mark(tmp_path: Path) -> None:
    for suffix in (".mp4", ".mkv"):
        spec = ClipSpec(frames=10, metadata={"title": "visit 3", "comment": "left side"}, chapters=True)
        source, target = make_clip(tmp_path / f"in{suffix}", spec), tmp_path / f"out{suffix}"
        copy_video(source, target)
        with av.open(str(target)) as container:
            tags = {key.lower(): value for key, value in container.metadata.items()}
            assert tags["title"] == "visit 3"
            assert tags["comment"] == f"left side | {SYNTHETIC_COMMENT}"
            assert [chapter["metadata"]["title"] for chapter in container.chapters()] == ["rest"]
        assert read_mark(target) == ("compositeSynthetic" if suffix == ".mp4" else None)
        assert len(video_pts(target)) == 10
    copy_video(source, tmp_path / "unmarked.mp4", EncodeSettings(mark_synthetic=False))
    assert read_mark(tmp_path / "unmarked.mp4") is None


def test_subtitles_are_copied(tmp_path: Path) -> None:
    (tmp_path / "words.srt").write_text("1\n00:00:00,100 --> 00:00:00,300\nraise the brows\n\n")
    plain, source = make_clip(tmp_path / "plain.mkv"), tmp_path / "in.mkv"
    with av.open(str(plain)) as a, av.open(str(tmp_path / "words.srt")) as b, av.open(str(source), "w") as out:
        streams = [out.add_stream_from_template(c.streams[0], opaque=True) for c in (a, b)]
        for container, stream in zip((a, b), streams, strict=True):
            for packet in container.demux():
                if packet.size:
                    packet.stream = stream
                    out.mux(packet)
    target = tmp_path / "out.mkv"
    assert copy_video(source, target) == []
    assert packets(target, "subtitle") == packets(source, "subtitle") != []
    warnings = copy_video(source, tmp_path / "out.mp4")
    assert any("subtitle" in text and "left out" in text for text in warnings)


def test_a_change_survives_and_the_rest_is_bit_exact(tmp_path: Path) -> None:
    source, target = make_clip(tmp_path / "in.mp4", ClipSpec(rotation_deg=90)), tmp_path / "out.mp4"
    reader = VideoReader(source)
    box = Box(20, 30, 44, 60)
    with VideoWriter(target, source=source, info=reader.info, settings=LOSSLESS) as writer:
        for frame in reader:
            before = frame.read_box(box)
            frame.write_box(box, before, before + 30)
            writer.write(frame)
    for old, new in zip(VideoReader(source), VideoReader(target), strict=True):
        change = new.rgb().astype(int) - old.rgb()
        assert 25 < change[34:56, 24:40].mean() < 33
        change[28:62, 18:46] = 0
        assert not change.any()


def test_what_a_container_cannot_hold_is_said(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "in.mp4", ClipSpec(audio="aac"))
    with pytest.raises(EncodeError, match=r"\.webm.*webm cannot hold the aac"):
        copy_video(source, tmp_path / "out.webm")
    with pytest.raises(EncodeError, match=r"\.mp4, \.m4v, \.mov, \.mkv, \.webm, \.avi"):
        copy_video(source, tmp_path / "out.gif")
    with pytest.raises(EncodeError, match=r"cannot hold vp9: choose h264, hevc"):
        copy_video(source, tmp_path / "out.mov", EncodeSettings(codec="vp9"))
    reader = VideoReader(source)
    with (
        pytest.raises(EncodeError, match="no frame"),
        VideoWriter(tmp_path / "o.mp4", source=source, info=reader.info, settings=EncodeSettings()),
    ):
        pass


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"codec": "divx"}, "h264, hevc"),
        ({"crf": 52}, "0 .best. to 51"),
        ({"crf": -1}, "out of range"),
        ({"crf": 20.5}, "whole number"),
        ({"crf": 20, "lossless": True}, "exclude"),
    ],
)
def test_settings_are_checked(values: dict[str, object], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        EncodeSettings(**values)  # type: ignore[arg-type]


def test_a_full_disk_is_one_clear_line(tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full, a device that is always full")
    source = make_clip(tmp_path / "in.mp4", ClipSpec(frames=20, audio="aac", noise=5))
    for suffix in (".mp4", ".mkv"):
        full = tmp_path / f"full{suffix}"
        full.symlink_to("/dev/full")
        with pytest.raises(OutputError, match="is full: free some space"):
            copy_video(source, full)


@pytest.mark.parametrize("frames", [1, 2, 3])
@pytest.mark.parametrize(("codec", "suffix"), [("h264", ".mp4"), ("hevc", ".mp4"), ("hevc", ".mkv"), ("av1", ".mp4")])
def test_very_short_videos(codec: str, suffix: str, frames: int, tmp_path: Path) -> None:
    spec = ClipSpec(pixel_format="yuv422p", size_wh=(208, 160), pts=[0, 40, 95][:frames])
    source = make_clip(tmp_path / "in.mp4", spec)
    for turn in range(4):  # what x265 does not set is right at times by chance
        make_some_memory_dirty()
        target = tmp_path / f"out{turn}{suffix}"
        copy_video(source, target, EncodeSettings(codec=codec))
        assert video_pts(target) == video_pts(source)


@pytest.mark.parametrize(
    ("codec", "suffix"), [("h264", ".mp4"), ("hevc", ".mp4"), ("vp9", ".webm"), ("av1", ".mp4"), ("ffv1", ".mkv")]
)
def test_the_same_video_is_encoded_to_the_same_bytes(codec: str, suffix: str, tmp_path: Path) -> None:
    source = make_clip(tmp_path / "in.mp4", ClipSpec(size_wh=(272, 192), frames=16, noise=3))
    made = set()
    for turn in range(6):
        make_some_memory_dirty()
        target = tmp_path / f"out{turn}{suffix}"
        copy_video(source, target, EncodeSettings(codec=codec))
        made.add(b"".join(data for data, _ in packets(target, "video")))
    assert len(made) == 1


def make_some_memory_dirty() -> None:
    """Leave blocks of random bytes behind: an encoder that reads what it has not set shall give itself away."""
    [os.urandom(size) for size in (200, 2_000, 20_000, 60_000, 120_000, 200_000) * 20]
