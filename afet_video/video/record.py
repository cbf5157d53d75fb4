"""Write a video that is still being taken: what is written stays, whatever happens to the program.

in: pictures with their times -> out: a fragmented MP4, or a Matroska file, that can be played at any time.
Must not: hold pictures back, wait for the end to make the file readable, or say that it is not synthetic.

An ordinary MP4 has its index at one place and is unreadable without it; a fragmented one has a piece of it every half
second, and ends where the program ended. The marks as synthetic stand before the first picture.
"""

from __future__ import annotations

import contextlib
import struct
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import av
import numpy as np
from av.video.stream import VideoStream

from afet_video.closing import Closing
from afet_video.datatypes import ByteArray, ColorTags, Timestamp, VideoInfo
from afet_video.errors import EncodeError
from afet_video.outputs import disk_errors
from afet_video.video.convert import to_format
from afet_video.video.encoders import EncodeSettings, plan_encoding
from afet_video.video.open_encoder import open_encoder
from afet_video.video.provenance import SYNTHETIC_COMMENT, mark_box

RECORD_SUFFIXES = (".mp4", ".m4v", ".mov", ".mkv")

FRAGMENT_S = 0.5
"""What can be lost at most when the program is killed, but for what the encoder holds."""

_MATROSKA_TICK = Fraction(1, 1000)


class RecordingWriter(Closing):
    """Writer of one recording; use it as a context manager, or call `close`.

    Parameters
    ----------
    path : where to write.
    size_wh : of all pictures.
    time_base : of all times; Matroska rounds them to milliseconds.
    settings : how to encode.

    Raises
    ------
    EncodeError
        If the suffix or the codec cannot be used.
    OutputError
        If the file cannot be written.
    """

    def __init__(self, path: Path, *, size_wh: tuple[int, int], time_base: Fraction, settings: EncodeSettings) -> None:
        suffix = path.suffix.lower()
        check_record_suffix(path)
        plan = plan_encoding(settings, _camera_info(path, size_wh, time_base), suffix, "rgb24", size_wh)
        self.path = path
        self._format = plan.pixel_format
        self._tick = _MATROSKA_TICK if suffix == ".mkv" else time_base
        self._last_pts = -1
        with disk_errors(path):
            self._file = path.open("wb", buffering=0)
        mark = mark_box() if settings.mark_synthetic else b""
        kind = {".mkv": "matroska", ".mov": "mov"}.get(suffix, "mp4")
        options = {"flush_packets": "1"}
        if kind != "matroska":
            options["movflags"] = "+empty_moov+default_base_moof+skip_trailer"
            options["frag_duration"] = str(round(FRAGMENT_S * 1e6))
        sink = _PlainFile(self._file) if kind == "matroska" else _MarkedFile(self._file, mark)
        self._container = av.open(cast(Any, sink), "w", format=kind, container_options=options)
        if settings.mark_synthetic:
            self._container.metadata["comment"] = SYNTHETIC_COMMENT
        own = dict(plan.options)
        if plan.library in ("libx264", "libx265"):
            own |= {"preset": "superfast", "tune": "zerolatency", "g": "60"}
        self._stream = cast(VideoStream, self._container.add_stream(plan.library, rate=30, options=own))
        context = self._stream.codec_context
        context.width, context.height = size_wh
        context.pix_fmt = plan.pixel_format
        context.time_base = self._stream.time_base = self._tick
        try:
            with self._guarded():
                open_encoder(self._stream)
        except BaseException:
            self._file.close()
            raise

    def write(self, rgb: ByteArray, timestamp: Timestamp) -> None:
        """Encode the next picture (H, W, 3) uint8, shown from `timestamp` on."""
        picture = to_format(av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb), format="rgb24"), self._format)
        picture.time_base = self._tick
        picture.pts = self._last_pts = max(round(timestamp.seconds / self._tick), self._last_pts + 1)
        with self._guarded():
            self._container.mux(self._stream.encode(picture))

    def close(self) -> None:
        """Write what the encoder still holds; closing twice does no harm."""
        if self._file.closed:
            return
        try:
            with self._guarded():
                if self._last_pts >= 0:
                    self._container.mux(self._stream.encode(None))
                self._container.close()
        finally:
            self._file.close()

    @contextlib.contextmanager
    def _guarded(self) -> Any:
        with disk_errors(self.path):
            try:
                yield
            except av.FFmpegError as error:
                if isinstance(error, OSError) and error.errno in (28, 122, 27, 5, 30):
                    raise OSError(error.errno, error.strerror) from error
                raise EncodeError(f"{self.path}: the encoder refuses the picture ({error.strerror})") from error


def check_record_suffix(path: Path) -> None:
    """Raise `EncodeError` if a recording cannot have this suffix."""
    if path.suffix.lower() not in RECORD_SUFFIXES:
        raise EncodeError(f"cannot record to {path}: name the file {', '.join(RECORD_SUFFIXES[:-1])} or .mkv")


class _PlainFile:
    """What FFmpeg writes to: it can only go on."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def write(self, data: bytes) -> int:
        view = memoryview(data)
        while view:
            view = view[self._file.write(view) :]
        return len(data)


class _MarkedFile(_PlainFile):
    """Passes an MP4 file on, with a box put in before the first fragment.

    Fragments say where things are relative to themselves, so that what lies before them may be of any length.
    """

    def __init__(self, file: Any, mark: bytes) -> None:
        super().__init__(file)
        self._mark = mark
        self._head = b""

    def write(self, data: bytes) -> int:
        if not self._mark:
            return super().write(data)
        self._head += bytes(data)
        start = _first_fragment(self._head)
        if start is not None:
            super().write(self._head[:start] + self._mark + self._head[start:])
            self._mark = self._head = b""
        return len(data)


def _first_fragment(head: bytes) -> int | None:
    """Return where the first `moof` box begins, or None if it is not there yet."""
    start = 0
    while start + 8 <= len(head):
        size, kind = struct.unpack(">I4s", head[start : start + 8])
        if kind == b"moof":
            return start
        if size < 8:
            return None
        start += size
    return None


def _camera_info(path: Path, size_wh: tuple[int, int], time_base: Fraction) -> VideoInfo:
    """Return what is known of a camera's pictures, in the words of a file."""
    return VideoInfo(
        path=path,
        container="camera",
        codec="rawvideo",
        pixel_format="rgb24",
        bit_depth=8,
        size_wh=size_wh,
        coded_size_wh=size_wh,
        rotation_deg=0,
        time_base=time_base,
        average_rate=None,
        frame_count=None,
        duration_s=None,
        sample_aspect_ratio=None,
        color=ColorTags(),
        audio_streams=0,
        subtitle_streams=0,
    )
