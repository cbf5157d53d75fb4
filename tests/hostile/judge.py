"""Is what came of a case right?

in: a case and what was made of it -> out: "" or what is wrong.  Must not: use the package to read the result.
"""

from __future__ import annotations

import contextlib
import struct
from pathlib import Path
from typing import Any

import av

from afet_video.video.demux import open_media
from afet_video.video.side_data import side_data
from hostile.corpus import Case
from hostile.run import LIMIT_MIB

_TRANSFERS_OF_HDR = (16, 18)
_HDR_DATA = ("MASTERING_DISPLAY_METADATA", "CONTENT_LIGHT_LEVEL")


def judge(case: Case, source: Path, out: Path, kind: str, line: str, report: Any, grown_mib: int) -> str:
    """Return what is wrong with a result, "" if nothing is."""
    there = sorted(path.name for path in out.iterdir())
    if case.expected not in (kind, "either"):
        return f"expected that it {case.expected}: {line or 'it converted'}"
    if grown_mib > LIMIT_MIB:
        return f"memory grew by {grown_mib} MiB"
    if kind == "refused":
        return _refusal(case, line, there)
    expected = sorted(("palsy.afet.json", "palsy.tracks.parquet", f"palsy{case.suffix}"))
    if there != expected:
        return f"wrote {there}"
    if case.says and not any(case.says in text for text in report.warnings) and case.expected == "converts":
        return f"no warning says {case.says!r}: {report.warnings}"
    return _difference(case, source, out / f"palsy{case.suffix}", report)


def _refusal(case: Case, line: str, there: list[str]) -> str:
    if there:
        return f"left {there} behind"
    if "\n" in line and "\n" not in case.name and "newline" not in case.name:
        return f"more than one line: {line!r}"
    if case.expected == "refused" and case.says not in line:
        return f"does not say {case.says!r}: {line}"
    return ""


def _difference(case: Case, source: Path, target: Path, report: Any) -> str:
    """Compare what must be kept, read by PyAV itself."""
    after = _properties(target)
    if case.frames is not None and after["frames"] != case.frames:
        return f"{after['frames']} frames came out, not {case.frames}"
    if report.frames != after["frames"]:
        return f"the report counts {report.frames} frames, the video has {after['frames']}"
    if not sum(report.frames_by_status[name] for name in ("detected", "reduced", "interpolated")):
        return "nothing was changed"
    if not case.keeps:
        return ""
    before = _properties(source)
    for name in case.keeps:
        if before[name] != after[name]:
            return f"{name} was {before[name]}, is {after[name]}"
    return ""


def _properties(path: Path) -> dict[str, Any]:
    with open_media(path) as container:
        stream = next(one for one in container.streams.video if not int(one.disposition) & 0x400)
        frames = container.decode(stream)
        first = next(frames)
        matrix = side_data(first, "DISPLAYMATRIX")
        times = [first.pts * first.time_base if first.pts is not None else None]
        with contextlib.suppress(av.FFmpegError):  # the source may be damaged further on
            for frame in frames:
                times.append(frame.pts * frame.time_base if frame.pts is not None else None)
    is_hdr = first.color_trc in _TRANSFERS_OF_HDR
    return {
        "frames": len(times),
        "pts": times,
        "size_wh": (first.width, first.height),
        "rotation_deg": matrix,
        "bit_depth": max(one.bits for one in first.format.components),
        "color": (int(first.colorspace), int(first.color_primaries), int(first.color_trc)) if is_hdr else None,
        "hdr": {name: _light(data) for name in _HDR_DATA if (data := side_data(first, name)) is not None},
    }


def _light(data: bytes) -> list[float]:
    """Return the numbers of HDR metadata; AV1 stores them in steps of its own."""
    numbers = struct.unpack(f"={len(data) // 4}I", data)
    if len(numbers) == 2:
        return [float(value) for value in numbers]
    return [round(top / bottom, 3) for top, bottom in zip(numbers[0:20:2], numbers[1:20:2], strict=True)]
