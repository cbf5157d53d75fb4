"""Read a video, frame by frame, each with its own time.

in: a path -> out: `VideoInfo` and an iterator of `StoredFrame` in presentation order.
Must not: hold more than the frames in flight, print, or change global state.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import av
from av.codec.hwaccel import HWAccel

from afet_video.datatypes import Timestamp, VideoInfo
from afet_video.errors import DecodeError
from afet_video.video.demux import PictureStream, open_video
from afet_video.video.frame import FULL_RANGE, Orientation, StoredFrame, nearest_format
from afet_video.video.hwaccel import decoder_device
from afet_video.video.probe import describe, display_matrix
from afet_video.video.provenance import missing_bytes

_KEPT_BYTES = 64_000_000
"""Frames that were asked for together are kept up to this size, as two steps ask for the same ones."""


class VideoReader:
    """A video file, readable as often as wanted.

    Iterating starts from the first frame each time, with a decoder of its own.

    Parameters
    ----------
    path : any file FFmpeg can read; its first video stream that is not a cover picture is taken.
    hwaccel : device to decode with ("cuda", "qsv", ...); where it cannot, software does and `warnings` says so.

    Attributes
    ----------
    info : what the container says, and the size of the upright frame.
    warnings : what was unusual about the file, in plain words; complete once the frames have been read.

    Raises
    ------
    InputError
        If the file is missing, a folder, empty, not a media file, or holds no video.
    DecodeError
        If no frame of it can be decoded.
    SettingsError
        If FFmpeg knows no such device.
    """

    def __init__(self, path: Path, *, hwaccel: str | None = None) -> None:
        self.path = path
        self.warnings: list[str] = []
        self._device = None if hwaccel is None else self._find_device(hwaccel)
        self._pts = array("q")
        self._is_pts_complete = False
        self._kept: dict[int, StoredFrame] = {}
        with open_video(path, self._device) as (container, stream):
            pictures = PictureStream(container, stream)
            first = next(iter(pictures), None)
            if first is None:
                raise DecodeError(f"{path}: no frame of the video can be decoded; the file is damaged or incomplete")
            picture, _, _ = first
            matrix = display_matrix(picture)
            orientation = Orientation.from_matrix(matrix)
            if orientation is None:
                self._warn("the rotation tag is not a right angle and is ignored")
            self._orientation = orientation or Orientation()
            self._format = nearest_format(picture.format)
            self._size = (picture.width, picture.height)
            self.display_matrix = matrix if orientation else None
            self.info: VideoInfo = describe(path, container, stream, picture, self._orientation)
            if self._format != picture.format.name:
                self._warn(f"pixel format {picture.format.name} is handled as {self._format}")
            if "mp4" in self.info.container and missing_bytes(path):
                self._warn("the file is cut off: what stood at its end, sound for example, is missing")
            if picture.interlaced_frame:
                self._warn("the video is interlaced; its frames are treated as progressive")
            others = sum(1 for s in container.streams.video if not s.disposition & 0x400) - 1
            if others > 0:
                self._warn(f"the file holds {others + 1} video streams; only the first is used")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def __iter__(self) -> Iterator[StoredFrame]:
        with open_video(self.path, self._device) as (container, stream):
            pictures = PictureStream(container, stream)
            pts_list = array("q")
            for picture, pts, duration in pictures:
                pts_list.append(pts)
                yield self._frame(len(pts_list) - 1, picture, pts, duration)
            self._pts, self._is_pts_complete = pts_list, True
            last = Timestamp(pts_list[-1], self.info.time_base) if pts_list else None
            for text in pictures.problems(len(pts_list), last):
                self._warn(text)

    def frame_at(self, timestamp: Timestamp) -> StoredFrame:
        """Return the frame that is shown from `timestamp` on.

        Its `index` is right once the video has been iterated to its end, or when seeking did not work out; else -1.

        Raises
        ------
        DecodeError
            If there is no frame with exactly this time.
        """
        pts = timestamp.seconds / self.info.time_base
        if pts.denominator == 1:
            frame = self._sought([int(pts)]).get(int(pts))
            if frame is not None:
                return frame
            for frame in self:
                if frame.timestamp.pts == pts:
                    return frame
        raise DecodeError(f"{self.path}: there is no frame at {float(timestamp.seconds):.3f} s")

    def frames_at(self, timestamps: Sequence[Timestamp]) -> list[StoredFrame]:
        """Return the frames that are shown from each of `timestamps` on, with little decoding.

        They are shared with whoever asks for them again, up to `forget`, and must not be changed. Else as `frame_at`.
        """
        ticks = [timestamp.seconds / self.info.time_base for timestamp in timestamps]
        missing = {int(pts) for pts in ticks if pts.denominator == 1} - set(self._kept)
        self._kept |= self._sought(sorted(missing))
        for pts, timestamp in zip(ticks, timestamps, strict=True):
            if pts.denominator != 1 or int(pts) not in self._kept:
                self._kept[int(pts)] = self.frame_at(timestamp)
        found = [self._kept[int(pts)] for pts in ticks]
        width, height = self._size
        too_many = max(len(self._kept) - _KEPT_BYTES // (3 * width * height), 0)
        for oldest in list(self._kept)[:too_many]:
            del self._kept[oldest]
        return found

    def forget(self) -> None:
        """Keep no frames any more."""
        self._kept.clear()

    def _sought(self, wanted: Sequence[int]) -> dict[int, StoredFrame]:
        """Return those of the frames with `wanted` pts (ascending) to which the file's index leads.

        Of each group of pictures it decodes from the keyframe to the last one wanted, once.
        """
        found: dict[int, StoredFrame] = {}
        if not wanted:
            return found
        with open_video(self.path, self._device) as (container, stream):
            pictures = PictureStream(container, stream)
            decoded, group = iter(pictures), None
            for pts in wanted:
                keyframe = stream.index_entries.search_timestamp(pts)
                if keyframe < 0 or keyframe != group:
                    try:
                        container.seek(pts, stream=stream, backward=True)
                    except av.FFmpegError:
                        continue
                    pictures = PictureStream(container, stream)
                    decoded, group = iter(pictures), keyframe
                for picture, at, duration in decoded:
                    # without times in the file they are counted from the start, which a seek skips
                    if at > pts or not pictures.has_own_times:
                        group = None
                        break
                    if at == pts:
                        if not picture.is_corrupt:
                            found[pts] = self._frame(self._index_of(pts), picture, pts, duration)
                        break
        return found

    def _index_of(self, pts: int) -> int:
        index = bisect_left(self._pts, pts)
        return index if self._is_pts_complete and index < len(self._pts) and self._pts[index] == pts else -1

    def _frame(self, index: int, picture: av.VideoFrame, pts: int, duration: int) -> StoredFrame:
        if picture.format.name != self._format or (picture.width, picture.height) != self._size:
            if (picture.width, picture.height) != self._size:
                self._warn("the size of the picture changes within the video; all frames are scaled to the first one's")
            picture = self._reformatted(picture)
        elif any(plane.line_size < 0 for plane in picture.planes):
            picture = self._right_way_up(picture)
        if self._format.startswith("gray"):
            picture.color_range = FULL_RANGE  # so that a copy with neutral chroma stays as bright
        timestamp = Timestamp(pts, self.info.time_base)
        return StoredFrame(picture, index=index, timestamp=timestamp, duration=duration, orientation=self._orientation)

    def _reformatted(self, picture: av.VideoFrame) -> av.VideoFrame:
        """Bring a picture to the first one's format and size, color tags and range kept."""
        width, height = self._size
        is_full = picture.color_range == 2
        made = picture.reformat(
            *(width, height, self._format),
            interpolation="BICUBIC",
            src_color_range=2 if is_full else 0,
            dst_color_range=2 if is_full else 0,
        )
        for name in ("colorspace", "color_range", "color_primaries", "color_trc"):
            setattr(made, name, getattr(picture, name))
        return made

    @staticmethod
    def _right_way_up(picture: av.VideoFrame) -> av.VideoFrame:
        """Copy a picture whose rows lie in memory from the bottom up."""
        made = av.VideoFrame(picture.width, picture.height, picture.format.name)
        for source, target in zip(picture.planes, made.planes, strict=True):
            rows = memoryview(source).cast("B")
            step, out = -source.line_size, memoryview(target).cast("B")
            for y in range(source.height):
                row = rows[(source.height - 1 - y) * step : (source.height - y) * step][: target.line_size]
                out[y * target.line_size : y * target.line_size + len(row)] = row
        for name in ("colorspace", "color_range", "color_primaries", "color_trc"):
            setattr(made, name, getattr(picture, name))
        return made

    def _find_device(self, name: str) -> HWAccel | None:
        with open_video(self.path) as (_, stream):
            device, trouble = decoder_device(name, stream.codec_context.codec.canonical_name)
        if trouble:
            self._warn(trouble)
        return device

    def _warn(self, text: str) -> None:
        if text not in self.warnings:
            self.warnings.append(text)
