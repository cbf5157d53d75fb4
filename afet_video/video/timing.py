"""In which ticks a target counts time.

in: suffix of the target, source -> out: the tick, and what is lost by it.  Must not: decode.
"""

from __future__ import annotations

from fractions import Fraction
from math import gcd
from pathlib import Path

from afet_video.datatypes import VideoInfo
from afet_video.errors import EncodeError
from afet_video.video.demux import open_video

MATROSKA_TICK = Fraction(1, 1000)
"""FFmpeg writes Matroska and WebM with this tick and no other."""

MAX_AVI_TICKS_PER_FRAME = 60
"""AVI stores an empty frame (24 bytes) for each tick without a picture; above this a file would be mostly that."""


def output_tick(suffix: str, source: Path, info: VideoInfo) -> tuple[Fraction, list[str]]:
    """Return the tick for the target's frame times and warnings.

    Raises
    ------
    EncodeError
        If the target is an AVI file and the frame times are too irregular for it.
    """
    base = info.time_base
    if suffix in (".mkv", ".webm"):
        exact = (base / MATROSKA_TICK).denominator == 1
        note = f"{suffix} counts whole milliseconds: frame times are rounded by up to half of one"
        return MATROSKA_TICK, [] if exact or _step(source)[0] * base % MATROSKA_TICK == 0 else [note]
    if suffix == ".avi":
        step, frames, span = _step(source)
        tick = (step or 1) * base
        if frames > 1 and span / (frames - 1) > MAX_AVI_TICKS_PER_FRAME * (step or 1):
            raise EncodeError("AVI cannot hold such irregular frame times: name the output .mp4 or .mkv")
        return tick, []
    return base, []


def _step(source: Path) -> tuple[int, int, int]:
    """Return the largest tick count that divides every frame time, the number of packets and their span."""
    step, frames, low, high = 0, 0, None, None
    with open_video(source) as (container, stream):
        for packet in container.demux(stream):
            stamp = packet.pts if packet.pts is not None else packet.dts
            if not packet.size or stamp is None:
                continue
            step = gcd(step, abs(stamp))
            frames += 1
            low = stamp if low is None else min(low, stamp)
            high = stamp if high is None else max(high, stamp)
    return step, frames, 0 if low is None or high is None else high - low
