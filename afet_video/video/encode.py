"""Write a video: the pictures encoded, everything else as the source has it.

in: `StoredFrame`s in order, the source path -> out: a finished file at a temporary path.
Must not: change a picture, hold more frames than the encoder does, or rename the result.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from math import lcm
from pathlib import Path
from types import TracebackType
from typing import Self, cast

import av
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from afet_video.datatypes import VideoInfo
from afet_video.errors import EncodeError
from afet_video.outputs import disk_errors
from afet_video.video.convert import to_format, upright
from afet_video.video.copy_streams import CopiedStreams, check_sound, copy_container_tags, recording_tags
from afet_video.video.demux import open_media
from afet_video.video.encoders import EncodePlan, EncodeSettings, choose_codec, on_device, plan_encoding
from afet_video.video.frame import Orientation, StoredFrame, nearest_format
from afet_video.video.hdr import is_hdr, with_hdr_options
from afet_video.video.open_encoder import open_encoder
from afet_video.video.probe import display_matrix
from afet_video.video.provenance import mark_synthetic, synthetic_comment
from afet_video.video.timing import output_tick

_MP4_SUFFIXES = (".mp4", ".m4v", ".mov")
_NEVER_REORDERED = 2


@dataclass(frozen=True, slots=True)
class PictureLook:
    """What an encoder has to know of its pictures; colours as FFmpeg numbers them."""

    size_wh: tuple[int, int]
    colorspace: int
    color_range: int
    color_primaries: int
    color_trc: int

    @classmethod
    def of(cls, picture: av.VideoFrame) -> Self:
        """Return that of a picture."""
        return cls(
            (picture.width, picture.height),
            picture.colorspace,
            picture.color_range,
            picture.color_primaries,
            picture.color_trc,
        )


class VideoWriter:
    """Writer of one video; use it as a context manager, or call `close`.

    Parameters
    ----------
    path : where to write, a temporary name with the final suffix; an error leaves whatever was written.
    source : the video whose sound, subtitles, tags and chapters are copied.
    info : of the source.
    settings : how to encode.
    metadata : more container tags; a comment is joined to the source's own.
    hwaccel : device to encode with; where it cannot, software does and `warnings` says so.
    target : path to name in error messages, if `path` is a temporary stand-in for it.

    Attributes
    ----------
    warnings : what could not be kept; complete after `close`.

    Raises
    ------
    EncodeError
        If the suffix, the codec or the sound do not go together; the message lists what does.
    OutputError
        If the file cannot be written, the disk being full included.
    """

    def __init__(
        self,
        path: Path,
        *,
        source: Path,
        info: VideoInfo,
        settings: EncodeSettings,
        metadata: Mapping[str, str] | None = None,
        hwaccel: str | None = None,
        target: Path | None = None,
    ) -> None:
        choose_codec(settings, info, path.suffix)
        self.path = path
        self._name = str(target or path)
        self.warnings: list[str] = []
        self._source_path = source
        self._info = info
        self._settings = settings
        self._hwaccel = hwaccel
        self._metadata = dict(metadata or {})
        if settings.mark_synthetic:
            given = self._metadata.get("comment")
            comment = synthetic_comment(settings.source_type)
            self._metadata["comment"] = f"{given} | {comment}" if given else comment
        self._closing = contextlib.ExitStack()
        self._container: OutputContainer | None = None
        self._stream: VideoStream
        self._copied: CopiedStreams
        self._plan: EncodePlan
        self._look: PictureLook
        self._turn: Orientation | None = None
        self._tick = Fraction(0)
        self._last_pts: int | None = None
        self._pictures = 0
        if is_hdr(info.color.transfer):
            self._check_hdr(path.suffix)
        with open_media(source) as media:
            check_sound(media, path.suffix, self._name)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self._abandon()

    def write(self, frame: StoredFrame) -> None:
        """Encode the next frame. Its pixels must not be changed afterwards."""
        with self._guarded():
            self._begin(frame)
            self._pictures += 1
            self._mux(self._stream.encode(self._picture(frame)))

    def close(self) -> None:
        """Write what the encoder still holds and the rest of the sound, and finish the file.

        Raises
        ------
        EncodeError
            If no frame was written.
        OutputError
            If the disk is full or the file cannot be written.
        """
        if self._container is None:
            raise EncodeError(f"{self.path}: no frame was written, so there is no video to finish")
        with self._guarded():
            self._finish_pictures()
            self._copied.copy_until(None)
            self._container.close()
        self.warnings.extend(text for text in self._copied.warnings if text not in self.warnings)
        self._closing.close()
        if self._settings.mark_synthetic and self.path.suffix.lower() in _MP4_SUFFIXES:
            mark_synthetic(self.path, source_type=self._settings.source_type)

    def _begin(self, frame: StoredFrame) -> None:
        """Open source and target, unless they are; the first frame tells what the pictures are."""
        if self._container is not None:
            return
        suffix = self.path.suffix.lower()
        source = self._closing.enter_context(open_media(self._source_path))
        matrix = display_matrix(frame.stored)
        if frame.orientation != Orientation() and not self._can_turn(frame.orientation):
            self._turn = frame.orientation
            self.warnings.append(f"{suffix} cannot hold how the video is turned: its pictures are stored upright")
        first = frame.stored if self._turn is None else upright(frame.stored, self._turn)
        size = (first.width, first.height)
        self._plan = plan_encoding(self._settings, self._info, suffix, first.format.name, size)
        if self._hwaccel is not None:
            self._plan = on_device(self._plan, self._hwaccel, self._settings)
        self.warnings.extend(self._plan.warnings)
        if is_hdr(self._info.color.transfer):
            self._keep_hdr(frame.stored)
        self._tick, notes = output_tick(suffix, self._source_path, self._info)
        self.warnings.extend(notes)
        options = self._muxer_options(source)
        self._container = av.open(str(self.path), "w", container_options=options)
        self._closing.callback(self._container.close)
        self._look = PictureLook.of(to_format(first, self._plan.pixel_format))
        self._stream = self._video_stream(self._container)
        if self._turn is None and frame.orientation != Orientation():
            self._stream.set_display_matrix(matrix)
        video = next(s for s in source.streams.video if not int(s.disposition) & 0x400)
        self._stream.metadata.update(recording_tags(video.metadata))
        self._copied = CopiedStreams(source, self._container, self._name)
        copy_container_tags(source, self._container, self._metadata)

    def _check_hdr(self, suffix: str) -> None:
        """Refuse HDR in fewer than 10 bits, unless the source has no more: it would show bands."""
        stored = nearest_format(av.VideoFormat(self._info.pixel_format))
        plan = plan_encoding(self._settings, self._info, suffix, stored, self._info.coded_size_wh)
        depth = max(part.bits for part in av.VideoFormat(plan.pixel_format).components)
        if depth < min(self._info.bit_depth, 10):
            raise EncodeError(
                f"{self._name}: the source is HDR with {self._info.bit_depth} bits, and {plan.codec} would keep "
                f"{depth} of them: choose --codec hevc or av1"
            )

    def _keep_hdr(self, first: av.VideoFrame) -> None:
        """Give the encoder the source's HDR metadata."""
        options, lost = with_hdr_options(self._plan.library, self._plan.options, first)
        self._plan = replace(self._plan, options=options)
        if lost:
            self.warnings.append(lost)

    def _video_stream(self, container: OutputContainer) -> VideoStream:
        """Add a stream to a container, with an encoder of its own."""
        plan, look = self._plan, self._look
        rate = self._info.average_rate or Fraction(25)
        if rate.numerator > 1_000_000 or rate.denominator > 1_000_000:
            rate = rate.limit_denominator(1001)
        stream = cast(VideoStream, container.add_stream(plan.library, rate=rate, options=dict(plan.options)))
        context = stream.codec_context
        context.width, context.height, context.pix_fmt = *look.size_wh, plan.pixel_format
        context.time_base = self._tick
        stream.time_base = self._tick
        context.thread_type = "AUTO"
        context.colorspace, context.color_range = look.colorspace, look.color_range
        context.color_primaries, context.color_trc = look.color_primaries, look.color_trc
        context.flags |= av.codec.context.Flags.frame_duration.value
        aspect = self._info.sample_aspect_ratio
        if aspect and aspect != 1:
            turned = self._turn is not None and self._turn.is_transposed
            context.sample_aspect_ratio = 1 / aspect if turned else aspect
        if plan.codec == "hevc" and self.path.suffix.lower() in _MP4_SUFFIXES:
            context.codec_tag = "hvc1"  # Apple's players refuse FFmpeg's default hev1
        open_encoder(stream)
        return stream

    def _muxer_options(self, source: InputContainer) -> dict[str, str]:
        if self.path.suffix.lower() not in _MP4_SUFFIXES:
            return {}
        # only the freely named kind of tag can hold the camera's own keys
        own = any(key.startswith("com.") for key in source.metadata)
        # where a stream starts later than the others is kept in ticks of the whole movie, by default milliseconds
        ticks = [s.time_base.denominator for s in source.streams if s.type == "audio" and s.time_base]
        scale = lcm(1000, self._tick.denominator, *ticks)
        flags = {"movflags": "+faststart" + ("+use_metadata_tags" if own else "")}
        return flags | ({"movie_timescale": str(scale)} if scale < 2**31 else {})

    def _can_turn(self, orientation: Orientation) -> bool:
        suffix = self.path.suffix.lower()
        return suffix in _MP4_SUFFIXES or (suffix in (".mkv", ".webm") and not orientation.is_mirrored)

    def _picture(self, frame: StoredFrame) -> av.VideoFrame:
        """Return the picture to encode, with its time."""
        picture = frame.stored if self._turn is None else upright(frame.stored, self._turn)
        picture = to_format(picture, self._plan.pixel_format)
        picture.pict_type = 0  # the encoder chooses; decoded frames remember what they were
        picture.time_base = self._tick
        picture.pts = self._next_pts(frame)
        picture.duration = round(frame.duration * frame.timestamp.time_base / self._tick)
        return picture

    def _next_pts(self, frame: StoredFrame) -> int:
        pts = round(frame.timestamp.seconds / self._tick)
        if self._last_pts is not None and pts <= self._last_pts:
            pts = self._last_pts + 1
        self._last_pts = pts
        return pts

    def _finish_pictures(self) -> None:
        """Write what the encoder still holds."""
        self._mux(flushed(self._stream, self._pictures))

    def _mux(self, packets: Iterable[Packet[VideoStream]]) -> None:
        assert self._container is not None
        for packet in packets:
            stamp = packet.dts if packet.dts is not None else packet.pts
            self._copied.copy_until(None if stamp is None else stamp * packet.time_base)
            self._container.mux(packet)

    @contextlib.contextmanager
    def _guarded(self) -> Iterator[None]:
        """Turn what FFmpeg raises into our errors; after one the file is given up."""
        try:
            with disk_errors(Path(self._name)):
                try:
                    yield
                except av.FFmpegError as error:
                    if isinstance(error, OSError) and error.errno in (28, 122, 27, 5, 30):
                        raise OSError(error.errno, error.strerror) from error
                    what = f"{error.strerror or error}"
                    raise EncodeError(f"{self._name}: the encoder or container refuses the video ({what})") from error
        except BaseException:
            self._abandon()
            raise

    def _abandon(self) -> None:
        with contextlib.suppress(av.FFmpegError, OSError):
            self._closing.close()


def flushed(stream: VideoStream, pictures: int) -> list[Packet[VideoStream]]:
    """Return the last packets of an encoder that was given so many pictures.

    Of two pictures none is decoded before its time; x265, which counts decoding times from the third picture on, gives
    them random ones.
    """
    packets = stream.encode(None)
    if pictures <= _NEVER_REORDERED:
        for packet in packets:
            packet.dts = packet.pts
    return packets
