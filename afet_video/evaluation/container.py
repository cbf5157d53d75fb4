"""What of the container must be the same: times and sound.

in: a conversion -> out: figures.  Must not: decode pictures.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import zip_longest

from afet_video.evaluation.figures import Figure
from afet_video.evaluation.inputs import Conversion
from afet_video.video.sound import SoundPackets, sound_packets

_SAME_TIME = Fraction(1, 1000)

_TIMES = (
    "Frames of the result whose time is off the source's by more than half a tick of the coarser of the two clocks."
)
_ROWS = "Rows of the track whose time is not exactly that of the source's frame."
_SOUND = "Sound packets of the source that are not in the result with the same bytes and time (to a millisecond)."


def container_figures(
    conversion: Conversion, before: Sequence[Fraction], after: Sequence[Fraction]
) -> Iterator[Figure]:
    """Yield how many frame times, track rows and sound packets differ; `before`, `after` are frame times in seconds."""
    count = len(before)
    tick = max(conversion.source.info.time_base, conversion.result.info.time_base)
    moved = sum(abs(one - other) > tick / 2 for one, other in zip(before, after, strict=True))
    yield Figure("container", "frame times changed", moved, "", count, "frames", _TIMES, (None, 0))
    track = conversion.tracks
    rows = sum(int(pts) * track.time_base != seconds for pts, seconds in zip(track.pts, before, strict=True))
    yield Figure("container", "track rows off", rows, "", count, "rows", _ROWS, (None, 0))
    yield _sound(conversion)


def _sound(conversion: Conversion) -> Figure:
    name = "sound packets changed"
    before, after = (sound_packets(reader.path) for reader in (conversion.source, conversion.result))
    count = sum(map(len, before))
    if not count:
        return Figure("container", name, None, "", 0, "packets", _SOUND, (None, 0), note="the source has no sound")
    changed = 0
    nothing: SoundPackets = []
    for one, other in zip_longest(before, after, fillvalue=nothing):
        changed += abs(len(one) - len(other))
        changed += sum(a[0] != b[0] or abs(a[1] - b[1]) > _SAME_TIME for a, b in zip(one, other, strict=False))
    return Figure("container", name, changed, "", count, "packets", _SOUND, (None, 0))
