"""Small clips made on the fly, with every property known.

in: what the clip should be like -> out: a file, and helpers that read one back.  Must not: use the package under test,
but for opening an encoder without harm to other tests.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from afet_video.video.open_encoder import open_encoder

Picture = NDArray[np.uint8]

_PLAIN_OPTIONS = {
    "libx264": {"preset": "ultrafast", "crf": "12"},
    "libx265": {"preset": "ultrafast", "crf": "12", "x265-params": "log-level=none"},
    "libvpx-vp9": {"deadline": "realtime", "cpu-used": "8", "crf": "15"},
    "libsvtav1": {"preset": "12", "crf": "15"},
    "mpeg4": {"qscale": "2"},
    "mjpeg": {"qscale": "2"},
}


@dataclass(frozen=True)
class ClipSpec:
    """What a clip is like. `pts` in ticks of `time_base`; `rotation_deg` counter-clockwise to upright.

    `audio`: None, or a codec ("aac", "libopus", "pcm_s16le", "libmp3lame"), of `audio_s` seconds from `audio_start_s`.
    `color`: AVColorSpace, range, primaries, transfer. `size_wh` is that of the stored pictures.
    """

    codec: str = "libx264"
    pixel_format: str = "yuv420p"
    size_wh: tuple[int, int] = (96, 64)
    frames: int = 10
    rate: int = 25
    time_base: Fraction = Fraction(1, 1000)
    pts: Sequence[int] | None = None
    rotation_deg: int = 0
    audio: str | None = None
    audio_s: float | None = None
    audio_start_s: float = 0.0
    color: tuple[int, int, int, int] = (2, 0, 2, 2)
    aspect: Fraction | None = None
    noise: float = 0.0
    options: dict[str, str] = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=dict)
    chapters: bool = False

    @property
    def pts_list(self) -> list[int]:
        """Ticks of every frame."""
        if self.pts is not None:
            return list(self.pts)
        return [round(i / (self.rate * self.time_base)) for i in range(self.frames)]


def picture(index: int, size_wh: tuple[int, int], *, noise: float = 0.0) -> Picture:
    """Return the picture of frame `index`: a smooth color gradient that drifts, and a bright disc that moves."""
    width, height = size_wh
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    rgb = np.stack(
        [
            60 + 100 * x / width + 2 * (index % 20),
            70 + 90 * y / height,
            150 - 50 * x / width - 30 * y / height,
        ],
        axis=-1,
    )
    cx, cy, radius = width * (0.3 + 0.02 * (index % 20)), height * 0.4, 0.15 * height
    disc = np.clip(1.5 * radius - np.hypot(x - cx, y - cy), 0, radius) / radius
    rgb += disc[..., None] * np.array([60, 40, 20], np.float32)
    if noise:
        rgb += np.random.default_rng(index).normal(0, noise, rgb.shape)
    return np.clip(np.round(rgb), 0, 255).astype(np.uint8)


def make_clip(path: Path, spec: ClipSpec | None = None, *, pictures: Iterable[Picture] | None = None) -> Path:
    """Write a clip and return its path; `pictures` (stored orientation) replace the drawn ones."""
    spec = spec or ClipSpec()
    source = iter(pictures) if pictures is not None else _drawn(spec)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(spec.codec, rate=spec.rate)
        context = stream.codec_context
        context.width, context.height = spec.size_wh
        context.pix_fmt = spec.pixel_format
        context.time_base = stream.time_base = spec.time_base
        context.colorspace, context.color_range, context.color_primaries, context.color_trc = spec.color
        if spec.aspect is not None:
            context.sample_aspect_ratio = spec.aspect
        stream.options = _PLAIN_OPTIONS.get(spec.codec, {}) | spec.options
        if spec.rotation_deg:
            stream.set_display_rotation(spec.rotation_deg)
        open_encoder(stream)
        sound = container.add_stream(spec.audio, rate=48000) if spec.audio else None
        container.metadata.update(spec.metadata)
        pts_list = spec.pts_list
        if spec.chapters:
            container.set_chapters(
                [{"id": 1, "start": 0, "end": 200, "time_base": Fraction(1, 1000), "metadata": {"title": "rest"}}]
            )
        if sound is not None:
            last = float(pts_list[-1] * spec.time_base) + 1 / spec.rate
            _add_sound(container, sound, spec.audio_s or last, spec.audio_start_s)
        for index, (rgb, pts) in enumerate(zip(source, pts_list, strict=False)):
            frame = _stored(rgb, spec)
            frame.pts, frame.time_base = pts, spec.time_base
            frame.duration = (pts_list[index + 1] - pts) if index + 1 < len(pts_list) else 0
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def _drawn(spec: ClipSpec) -> Iterator[Picture]:
    for index in range(len(spec.pts_list)):
        yield picture(index, spec.size_wh, noise=spec.noise)


def _stored(rgb: Picture, spec: ClipSpec) -> av.VideoFrame:
    space, color_range, primaries, transfer = spec.color
    full = color_range == 2 or spec.pixel_format.startswith("yuvj")
    swscale = {1: 1, 9: 9}.get(space, 5)
    made = av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb), format="rgb24").reformat(
        format=spec.pixel_format,
        dst_colorspace=swscale,
        dst_color_range=2 if full else 1,
        src_color_range=2,
        interpolation="BICUBIC",
    )
    made.colorspace, made.color_range = space, color_range
    made.color_primaries, made.color_trc = primaries, transfer
    return made


def _add_sound(container: av.container.OutputContainer, stream: av.AudioStream, seconds: float, start_s: float) -> None:
    """Mux a tone whose pitch rises, so that every packet differs."""
    time = np.arange(int(seconds * 48000)) / 48000
    tone = (8000 * np.sin(2 * np.pi * (220 + 200 * time) * time)).astype(np.int16)
    stereo = np.repeat(tone, 2)[None]
    context = stream.codec_context
    resampler = av.AudioResampler(
        format=context.format.name, layout="stereo", rate=48000, frame_size=context.frame_size or 1024
    )
    whole = av.AudioFrame.from_ndarray(stereo, format="s16", layout="stereo")
    whole.sample_rate, whole.pts, whole.time_base = 48000, 0, Fraction(1, 48000)
    shift = round(start_s * 48000)
    packets = []
    for part in (whole, None):
        for frame in resampler.resample(part):
            frame.pts += shift
            packets += stream.encode(frame)
    packets += stream.encode(None)
    for packet in packets:
        container.mux(packet)


def video_pts(path: Path) -> list[Fraction]:
    """Return the presentation time of every decoded frame in seconds."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        return [frame.pts * frame.time_base for frame in container.decode(stream)]


def packets(path: Path, kind: str) -> list[tuple[bytes, Fraction]]:
    """Return bytes and time in seconds of every packet of the "audio" or "subtitle" streams, in order."""
    with av.open(str(path)) as container:
        streams = [stream for stream in container.streams if stream.type == kind]
        if not streams:
            return []
        return [(bytes(p), p.pts * p.time_base) for p in container.demux(streams) if p.size]


def stored_planes(path: Path) -> list[list[Picture]]:
    """Return the planes of every frame as stored, without padding."""
    with av.open(str(path)) as container:
        return [frame_planes(frame) for frame in container.decode(container.streams.video[0])]


def frame_planes(frame: av.VideoFrame) -> list[Picture]:
    """Return copies of the planes of a picture as bytes, without padding."""
    wide = 2 if frame.format.components[0].bits > 8 else 1
    per_pixel = 3 if frame.format.name in ("rgb24", "bgr24") else 1
    found = []
    for plane in frame.planes:
        rows = np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)
        found.append(rows[:, : plane.width * wide * per_pixel].copy())
    return found
