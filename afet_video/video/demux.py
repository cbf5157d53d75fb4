"""Pictures of a video stream with their times, whatever state the file is in.

in: a path -> out: an open container; (picture, pts, duration) in presentation order, pts strictly increasing.
Must not: convert pixels, or stop for anything but the end of what can be read.
"""

from __future__ import annotations

import contextlib
import heapq
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import av
from av.codec.hwaccel import HWAccel
from av.container import Flags, InputContainer
from av.packet import Packet
from av.stream import Discard, Disposition
from av.video.stream import VideoStream

from afet_video.datatypes import Timestamp
from afet_video.errors import DecodeError, InputError

FORMATS = (
    *(
        "mov",
        "mp4",
        "matroska",
        "webm",
        "avi",
        "mpegts",
        "mpeg",
        "mpegvideo",
        "flv",
        "asf",
        "ogg",
        "mxf",
        "nut",
        "dv",
        "rm",
    ),
    *(
        "h264",
        "hevc",
        "m4v",
        "ivf",
        "obu",
        "mjpeg",
        "yuv4mpegpipe",
        "gif",
        "apng",
        "png_pipe",
        "jpeg_pipe",
        "webp_pipe",
    ),
    *("bmp_pipe", "tiff_pipe", "aac", "mp3", "wav", "flac"),
)
"""FFmpeg's readers that are used: none that opens other files or addresses which the file names (playlists)."""

_BAD_TEXT: dict[str, Any] = {"metadata_errors": "replace"} if int(av.__version__.split(".")[0]) < 19 else {}
"""Tags that are not UTF-8 are no reason to refuse a video; PyAV 19 needs no telling, it passes them on as they are."""

_OPTIONS = {"format_whitelist": ",".join(FORMATS), "protocol_whitelist": "file"}

MAX_READ_FAILURES = 8
"""Failures in a row to read a packet after which the rest of the file is given up: no file can keep us for ever."""

MISSING_END_S = 1.0
"""A stream that ends this much before the length it claims is called broken off."""


@contextlib.contextmanager
def open_video(path: Path, hwaccel: HWAccel | None = None) -> Iterator[tuple[InputContainer, VideoStream]]:
    """Open a file for reading its first real video stream, decoded by a device if there is one.

    Raises
    ------
    InputError
        If there is nothing to read or no video in it.
    """
    with open_media(path, hwaccel) as container:
        pictures = Disposition.attached_pic | Disposition.timed_thumbnails
        streams = [stream for stream in container.streams.video if not int(stream.disposition) & int(pictures)]
        if not streams:
            raise InputError(f"{path} holds no video; give a file with moving pictures")
        stream = streams[0]
        if stream.codec_context is None:
            raise DecodeError(f"{path}: there is no decoder for its video codec; convert it to H.264 first")
        for other in container.streams:
            if other.index != stream.index:
                other.discard = Discard.all
        stream.thread_type = "AUTO"
        yield container, stream


@contextlib.contextmanager
def open_media(path: Path, hwaccel: HWAccel | None = None) -> Iterator[InputContainer]:
    """Open any media file for reading.

    Raises
    ------
    InputError
        If the file is missing, a folder, empty, unreadable or not a media file.
    """
    if not path.exists():
        raise InputError(f"{path} does not exist; check the name of the input")
    if path.is_dir():
        raise InputError(f"{path} is a folder; give a video file")
    if not path.is_file():
        raise InputError(
            f"{path} is not a file but a pipe or a device; write it to a file first: it is read several times"
        )
    if path.stat().st_size == 0:
        raise InputError(f"{path} is empty (0 bytes); copy or record it again")
    try:
        container = av.open(f"file:{path}", "r", options=_OPTIONS, hwaccel=hwaccel, **_BAD_TEXT)
    except PermissionError as error:
        raise InputError(f"{path} cannot be read; change its permissions") from error
    except (av.FFmpegError, ValueError) as error:
        raise InputError(f"{path} is not a media file, or is cut off or damaged; check that it plays") from error
    with container:
        yield container


class PictureStream:
    """Decoded pictures of one stream with strictly increasing times, and what was wrong with them.

    Parameters
    ----------
    container, stream : from `open_video`, at the start of the file or after a seek.

    Attributes
    ----------
    has_own_times : False where the file gives no presentation times and they are derived from the decoding order.
    """

    def __init__(self, container: InputContainer, stream: VideoStream) -> None:
        self._container = container
        self._stream = stream
        # derive missing times ourselves: libavformat's guess for AVI repeats and reorders them
        container.flags &= ~cast(int, Flags.gen_pts.value)
        self.has_own_times = True
        self._waiting_dts: list[int] = []
        self._last: int | None = None
        self._packets = 0
        self._bad_reads = 0
        self._bad_packets = 0
        self._moved_times = 0
        self._damaged = 0

    def __iter__(self) -> Iterator[tuple[av.VideoFrame, int, int]]:
        for packet in self._read():
            for picture in self._decode(packet):
                self._damaged += picture.is_corrupt
                pts = self._time_of(picture)
                yield picture, pts, int(picture.duration or 0)

    def _read(self) -> Iterator[Packet[VideoStream] | None]:
        """Yield packets, then None to flush the decoder."""
        failures = 0
        while failures < MAX_READ_FAILURES:
            try:
                for packet in self._container.demux(self._stream):
                    if packet.size:  # empty ones mark the end, or a repeated frame in AVI
                        self._packets += 1
                        failures = 0
                        yield packet
                break
            except av.FFmpegError:
                failures += 1
                self._bad_reads += 1
        yield None

    def _decode(self, packet: Packet[VideoStream] | None) -> list[av.VideoFrame]:
        if packet is not None and packet.dts is not None:
            if self._packets == 1:
                self.has_own_times = packet.pts is not None
            if not self.has_own_times:
                heapq.heappush(self._waiting_dts, packet.dts)
        try:
            return list(self._stream.codec_context.decode(packet))
        except av.FFmpegError:
            if packet is not None:
                self._bad_packets += 1
                if self._waiting_dts:
                    heapq.heappop(self._waiting_dts)
            return []

    def _time_of(self, picture: av.VideoFrame) -> int:
        """Return the picture's pts, or the best that can be said; always after the one before."""
        pts = picture.pts if self.has_own_times else None
        if self._waiting_dts:
            pts = heapq.heappop(self._waiting_dts)
        if pts is None:
            pts = 0 if self._last is None else self._last + (picture.duration or self._ticks_per_frame())
        elif self._last is not None and pts <= self._last:
            self._moved_times += 1
            pts = self._last + 1
        self._last = pts
        return int(pts)

    def _ticks_per_frame(self) -> int:
        rate = self._stream.average_rate or self._stream.guessed_rate
        if not rate or not self._stream.time_base:
            return 1
        return max(1, round(1 / (rate * self._stream.time_base)))

    def problems(self, frames: int, last: Timestamp | None) -> list[str]:
        """Say what went wrong up to here, in plain words; `last` is the time of the last of `frames` frames."""
        found = []
        if self._moved_times:
            found.append(
                f"{self._moved_times} frame times were repeated or ran backward and were moved by a tick or more"
            )
        if self._bad_packets:
            found.append(f"{self._bad_packets} damaged pieces of the video could not be decoded and were skipped")
        if self._damaged:
            found.append(f"{self._damaged} pictures are damaged in part; they are shown as far as they can be decoded")
        if last is not None and self._is_broken_off(last):
            found.append(
                f"the video breaks off after frame {frames - 1} ({float(last.seconds):.2f} s): "
                "converted what could be decoded"
            )
        return found

    def _is_broken_off(self, last: Timestamp) -> bool:
        if self._bad_reads:
            return True
        if "mp4" in self._container.format.name:
            return self._packets < len(self._stream.index_entries)
        claimed = self._claimed_end_s()
        return claimed is not None and claimed - float(last.seconds) > MISSING_END_S + 2 * self._frame_s()

    def _frame_s(self) -> float:
        return float(self._ticks_per_frame() * (self._stream.time_base or 0))

    def _claimed_end_s(self) -> float | None:
        """Return the end that the container claims for this very stream, None if it makes no such claim."""
        stream = self._stream
        if stream.duration is not None and stream.time_base:
            return float(((stream.start_time or 0) + stream.duration) * stream.time_base)
        parts = stream.metadata.get("DURATION", "").split(":")
        try:
            hours, minutes, seconds = (float(part) for part in parts)
        except ValueError:
            return None
        return hours * 3600 + minutes * 60 + seconds
