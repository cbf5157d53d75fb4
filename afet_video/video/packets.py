"""Encoded packets in a plain file, to be put into a container later.

in: packets of one video stream, in the order in which they are decoded <-> out: a file.  Must not: encode, or hold more
than one packet.

No container keeps everything as it was: Matroska rounds times, MP4 does not take every codec, NUT loses durations.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import cast

from av.packet import Packet
from av.video.stream import VideoStream

from afet_video.errors import EncodeError

_MAGIC = b"afet-video packets 1\n"
_BASE = struct.Struct("<qq")
_PACKET = struct.Struct("<qqq?q")


@dataclass(frozen=True, slots=True)
class EncodedPacket:
    """A packet's content, and its times in ticks of `time_base`."""

    data: bytes
    pts: int
    dts: int
    duration: int
    is_keyframe: bool
    time_base: Fraction

    def to_packet(self, stream: VideoStream, dts: int) -> Packet[VideoStream]:
        """Return a packet of `stream` that is decoded at `dts`, in ticks of `time_base`."""
        packet = cast("Packet[VideoStream]", Packet(self.data))
        packet.pts, packet.dts, packet.duration = self.pts, dts, self.duration
        packet.is_keyframe = self.is_keyframe
        packet.time_base = self.time_base
        packet.stream = stream
        return packet


class PacketWriter:
    """Writes packets one after the other, until it is closed.

    Parameters
    ----------
    path : file to write.
    time_base : that of all packets.
    """

    def __init__(self, path: Path, time_base: Fraction) -> None:
        self._time_base = time_base
        self._file = path.open("wb")
        self._file.write(_MAGIC + _BASE.pack(time_base.numerator, time_base.denominator))

    def write(self, packets: Iterable[Packet[VideoStream]]) -> None:
        """Append packets as an encoder gives them.

        Raises
        ------
        EncodeError
            If one has no time, or another time base.
        """
        for packet in packets:
            if packet.pts is None or packet.time_base != self._time_base:
                raise EncodeError("the encoder gives pictures without times")
            dts = packet.pts if packet.dts is None else packet.dts
            data = bytes(packet)
            self._file.write(_PACKET.pack(packet.pts, dts, packet.duration or 0, packet.is_keyframe, len(data)))
            self._file.write(data)

    def close(self) -> None:
        """Finish the file; closing twice does no harm."""
        self._file.close()


def read_packets(path: Path) -> Iterator[EncodedPacket]:
    """Yield the packets of a file.

    Raises
    ------
    OSError
        If it cannot be read.
    ValueError
        If it is not such a file, or is cut off.
    """
    with path.open("rb") as file:
        if file.read(len(_MAGIC)) != _MAGIC:
            raise ValueError(f"{path} holds no packets of afet-video")
        time_base = Fraction(*_BASE.unpack(_whole(file.read(_BASE.size), _BASE.size)))
        while head := file.read(_PACKET.size):
            pts, dts, duration, is_keyframe, size = _PACKET.unpack(_whole(head, _PACKET.size))
            yield EncodedPacket(_whole(file.read(size), size), pts, dts, duration, is_keyframe, time_base)


def _whole(data: bytes, size: int) -> bytes:
    if len(data) < size:
        raise ValueError("a file of packets is cut off")
    return data
