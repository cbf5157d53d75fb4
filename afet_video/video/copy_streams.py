"""Sound, subtitles, chapters and tags of the source, copied as they are.

in: the source path, an output container -> out: its packets, muxed in step with the pictures.
Must not: decode or encode, or hold more than one packet.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from fractions import Fraction
from types import MappingProxyType

import av
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.stream import Discard, Stream

from afet_video.errors import EncodeError

_MUXER_TAGS = frozenset(
    {"major_brand", "minor_version", "compatible_brands", "encoder", "duration", "vendor_id", "number_of_frames"}
)
"""Tags that describe the old file, not the recording."""

_MUXERS = MappingProxyType({".m4v": "mp4", ".mkv": "matroska"})
"""FFmpeg's names for containers, where they are not the suffix."""

_HINT = MappingProxyType(
    {"webm": "Opus or Vorbis sound", "avi": "MP3, AC-3 or PCM sound", "mov": "AAC, MP3 or PCM sound"}
)


class CopiedStreams:
    """Packets of every audio and subtitle stream of a file.

    Parameters
    ----------
    source : the open source; it is read once, from its start.
    target : the open output; its streams are added here, so create this after the video stream.

    Attributes
    ----------
    warnings : what could not be copied.

    Raises
    ------
    EncodeError
        If the target container cannot hold the sound of the source.
    """

    def __init__(self, source: InputContainer, target: OutputContainer, name: str) -> None:
        self.warnings: list[str] = []
        self._target = target
        self._name = name
        self._streams: dict[int, Stream] = {}
        self._last_dts: dict[int, int] = {}
        for stream in source.streams:
            made = self._added(stream)
            if made is None:
                stream.discard = Discard.all
                continue
            made.metadata.update(recording_tags(stream.metadata))
            made.disposition = stream.disposition
            if made.type != "attachment":
                self._streams[stream.index] = made
        self._packets = self._read(source)
        self._next = next(self._packets, None)

    def copy_until(self, seconds: Fraction | None) -> None:
        """Mux every packet up to a time; None = all that is left."""
        while self._next is not None:
            packet = self._next
            stamp = packet.dts if packet.dts is not None else packet.pts
            if seconds is not None and stamp is not None and stamp * packet.time_base > seconds:
                return
            self._mux(packet)
            self._next = next(self._packets, None)

    def _added(self, stream: Stream) -> Stream | None:
        """Add a stream like `stream` to the target; None if it is of a kind that is not copied."""
        is_matroska = self._target.format.name == "matroska"
        if stream.type not in ("audio", "subtitle") and not (stream.type == "attachment" and is_matroska):
            if stream.type == "video" and int(stream.disposition) & 0x400:
                self.warnings.append("the cover picture is not copied")
            return None
        codec = stream.codec_context.name if stream.codec_context is not None else "unknown"
        try:
            return self._target.add_stream_from_template(stream)
        except (ValueError, av.FFmpegError) as error:
            if stream.type == "audio":
                raise _refused_sound(self._name, self._target.format.name, codec) from error
            self.warnings.append(
                f"{stream.type} stream {stream.index} ({codec}) does not fit into the output: left out"
            )
            return None

    def _read(self, source: InputContainer) -> Iterator[Packet[Stream]]:
        wanted = [source.streams[index] for index in self._streams]
        if not wanted:
            return
        try:
            for packet in source.demux(wanted):
                if packet.size and (packet.dts is not None or packet.pts is not None):
                    yield packet
        except av.FFmpegError:
            self.warnings.append("the sound of the source is damaged; what follows the damage is left out")

    def _mux(self, packet: Packet[Stream]) -> None:
        index = packet.stream_index
        if packet.dts is None:
            packet.dts = packet.pts
        last = self._last_dts.get(index)
        if last is not None and packet.dts is not None and packet.dts < last:
            self.warnings.append(f"a packet of stream {index} runs backward in time: left out")
            return
        if packet.dts is not None:
            self._last_dts[index] = packet.dts
        packet.stream = self._streams[index]
        self._target.mux(packet)


def check_sound(source: InputContainer, suffix: str, name: str) -> None:
    """Refuse a container that cannot hold the sound of `source`, before any work is done.

    Raises
    ------
    EncodeError
        If that is so.
    """
    with av.open(io.BytesIO(), "w", format=_MUXERS.get(suffix.lower(), suffix.lower().lstrip("."))) as trial:
        for stream in source.streams.audio:
            codec = stream.codec_context.name if stream.codec_context is not None else "unknown"
            try:
                trial.add_stream_from_template(stream)
            except (ValueError, av.FFmpegError) as error:
                raise _refused_sound(name, trial.format.name, codec) from error


def _refused_sound(name: str, container: str, codec: str) -> EncodeError:
    better = _HINT.get(container, "AAC, MP3 or Opus sound")
    return EncodeError(
        f"{name}: {container} cannot hold the {codec} sound of the source (it takes {better}): name the output .mkv"
    )


def recording_tags(tags: dict[str, str]) -> dict[str, str]:
    """Return the tags that describe the recording, without those that describe the old file."""
    return {
        k: v for k, v in tags.items() if k.lower() not in _MUXER_TAGS and not k.upper().startswith(("_STAT", "BPS"))
    }


def copy_container_tags(source: InputContainer, target: OutputContainer, extra: dict[str, str]) -> None:
    """Copy the tags and chapters of a container; `extra` is added, a comment joined to the one that is there."""
    tags = recording_tags(source.metadata)
    for key, value in extra.items():
        old = next((k for k in tags if k.lower() == key.lower()), None)
        before = tags.pop(old) if old is not None else ""
        keeps = key.lower() == "comment" and before and value not in before
        tags[key] = f"{before} | {value}" if keeps else value
    target.metadata.update(tags)
    chapters = source.chapters()
    if chapters:
        target.set_chapters(chapters)
