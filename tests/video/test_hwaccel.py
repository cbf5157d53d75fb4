"""Decoding and encoding on a device: where there is none, software does the same and it is said.

No test here has a device: what runs on real ones is PyAV's and FFmpeg's part, the choice and the fall-back are ours.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from synthetic import ClipSpec, make_clip, stored_planes

import afet_video
from afet_video.errors import SettingsError
from afet_video.passes.settings import ConvertSettings
from afet_video.video import hwaccel
from afet_video.video.decode import VideoReader
from afet_video.video.encode import VideoWriter
from afet_video.video.encoders import EncodeSettings

DEVICES = [name for name in hwaccel.device_names() if hwaccel.device_trouble(name)]


def test_an_unknown_device_is_refused_with_those_there_are(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "in.mp4")
    with pytest.raises(SettingsError, match="hwaccel 'warp9' is unknown") as caught:
        VideoReader(clip, hwaccel="warp9")
    assert all(name in str(caught.value) for name in hwaccel.device_names())


@pytest.mark.skipif(not DEVICES, reason="every device that FFmpeg knows works here, or it knows none")
@pytest.mark.parametrize("name", DEVICES)
def test_without_the_device_software_does_the_same_and_says_so(name: str, tmp_path: Path) -> None:
    source = make_clip(tmp_path / "in.mp4", ClipSpec(size_wh=(160, 128), frames=6))
    results = []
    for device in (None, name):
        reader = VideoReader(source, hwaccel=device)
        target = tmp_path / f"out-{device}.mp4"
        settings = EncodeSettings()
        with VideoWriter(target, source=source, info=reader.info, settings=settings, hwaccel=device) as writer:
            for frame in reader:
                writer.write(frame)
        results.append(stored_planes(target))
        said = [text for text in (*reader.warnings, *writer.warnings) if "in software" in text]
        assert [text.count(name) > 0 for text in said] == ([] if device is None else [True, True])
        assert all("\n" not in text for text in said)
    for plain, fallen_back in zip(*results, strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(plain, fallen_back, strict=True))


@pytest.mark.skipif(not DEVICES, reason="every device that FFmpeg knows works here, or it knows none")
def test_a_conversion_says_it_too(tiny_clip: Path, tmp_path: Path) -> None:
    report = afet_video.convert(tiny_clip, tmp_path / "out.mp4", settings=ConvertSettings(hwaccel=DEVICES[0]))
    assert sum("in software" in text for text in report.warnings) == 2


def test_lossless_stays_in_software(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "in.mp4", ClipSpec(frames=3))
    reader = VideoReader(source)
    settings = EncodeSettings(lossless=True)
    device = hwaccel.device_names()[0] if hwaccel.device_names() else pytest.skip("FFmpeg knows no device")
    target = tmp_path / "out.mp4"
    with VideoWriter(target, source=source, info=reader.info, settings=settings, hwaccel=device) as writer:
        for frame in reader:
            writer.write(frame)
    assert writer.warnings == [f"{device}: lossless encoding is done in software"]


def test_an_encoder_that_works_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """A software encoder stands in for a device's."""
    monkeypatch.setattr(hwaccel, "check_device", lambda name: None)
    monkeypatch.setattr(hwaccel, "hardware_encoders", lambda name: ("h264_nvenc",))

    class Codec:
        def __init__(self, *_: str) -> None:
            self.video_formats = [type("F", (), {"name": "yuv420p"})]

    create = hwaccel.av.CodecContext.create
    monkeypatch.setattr(hwaccel.av, "Codec", Codec)
    fake = type("C", (), {"create": staticmethod(lambda _library, mode: create("libx264", mode))})
    monkeypatch.setattr(hwaccel.av, "CodecContext", fake)
    assert hwaccel.encoder_for("cuda", "h264", "yuv420p") == ("h264_nvenc", "")
    assert hwaccel.encoder_for("cuda", "h264", "yuv422p") == (
        None,
        "cuda: h264_nvenc does not take yuv422p: encoded in software",
    )
    assert hwaccel.encoder_for("cuda", "vp9", "yuv420p")[1] == "cuda: no encoder for vp9 in this FFmpeg: " + (
        "encoded in software"
    )
    assert hwaccel.quality_options("cuda", 16) == {"cq": "16"}
