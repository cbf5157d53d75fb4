"""Sound packets as they are stored.

in: a path -> out: bytes and times.  Must not: decode.
"""

from __future__ import annotations

import hashlib
from fractions import Fraction
from pathlib import Path

from afet_video.video.demux import open_media

SoundPackets = list[tuple[bytes, Fraction]]
"""SHA-256 and time in seconds of each packet."""


def sound_packets(path: Path) -> list[SoundPackets]:
    """Return for each sound stream the SHA-256 and the time in seconds of every packet, in order.

    Raises
    ------
    InputError
        If the file cannot be read.
    """
    with open_media(path) as container:
        streams = list(container.streams.audio)
        found: dict[int, SoundPackets] = {stream.index: [] for stream in streams}
        if streams:
            for packet in container.demux(streams):
                stamp = packet.pts if packet.pts is not None else packet.dts
                if packet.size and stamp is not None:
                    found[packet.stream_index].append(
                        (hashlib.sha256(bytes(packet)).digest(), stamp * packet.time_base)
                    )
    return list(found.values())
