"""How much longer `convert` takes than what no such program can do without: decode, detect, encode.

in: a clip -> out: figures.  Must not: keep what it writes.
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass, field
from pathlib import Path

from afet_video.bench.figures import Figure
from afet_video.datatypes import Landmarks, RunReport
from afet_video.face.landmarker import FaceLandmarker
from afet_video.passes.settings import ConvertSettings
from afet_video.pipeline import convert
from afet_video.threads import prefetch, run_behind
from afet_video.video.decode import VideoReader
from afet_video.video.encode import VideoWriter
from afet_video.video.frame import StoredFrame

_TARGET_RATIO, _OVERLAPPED_TARGET_RATIO = 1.35, 1.15


@dataclass(slots=True)
class _Rounds:
    """Seconds of each round, by what was run; `processor`: times the overlapped floor's processor time."""

    floor: list[float] = field(default_factory=list)
    overlapped: list[float] = field(default_factory=list)
    convert: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)
    stages: dict[str, list[float]] = field(default_factory=dict)
    frames: int = 0


def measure_against_floor(clip: Path, folder: Path, *, part: str, rounds: int) -> list[Figure]:
    """Run floor and conversion in turns, so that both meet the same machine, and compare them round by round.

    Parameters
    ----------
    clip : video to convert; both have been warmed up before.
    folder : where the results may lie while they are made.
    part : name of the figures.
    rounds : how often each is run.

    Raises
    ------
    AfetError
        If the clip cannot be converted.
    """
    seen = _Rounds()
    for _ in range(rounds):
        seen.floor.append(_seconds_of_floor(clip, folder / "floor.mp4", overlapped=False))
        idle = time.process_time()
        seen.overlapped.append(_seconds_of_floor(clip, folder / "floor.mp4", overlapped=True))
        start, between = time.perf_counter(), time.process_time()
        report = convert(clip, folder / "palsy.mp4", overwrite=True)
        seen.convert.append(time.perf_counter() - start)
        seen.processor.append((time.process_time() - between) / (between - idle))
        _note_stages(seen, report)
    return _figures(part, seen)


def _note_stages(seen: _Rounds, report: RunReport) -> None:
    seen.frames = report.frames
    for name, seconds in report.seconds_by_stage.items():
        seen.stages.setdefault(name, []).append(seconds)


def _figures(part: str, seen: _Rounds) -> list[Figure]:
    ratios = [whole / floor for whole, floor in zip(seen.convert, seen.floor, strict=True)]
    overlapped = [whole / floor for whole, floor in zip(seen.convert, seen.overlapped, strict=True)]
    rate = [seen.frames / whole for whole in seen.convert]
    each = "decode, detect, encode of the same frames"

    def seconds(name: str, samples: list[float], note: str = "") -> Figure:
        return Figure.of(part, name, "s", samples, note=note, frames=seen.frames)

    figures = [
        Figure.of(part, "convert / floor", "x", ratios, target=_TARGET_RATIO, note="median of the rounds' ratios"),
        Figure.of(part, "convert / overlapped floor", "x", overlapped, target=_OVERLAPPED_TARGET_RATIO),
        Figure.of(
            part, "the same, processor time", "x", seen.processor, note="of all threads; other work changes it little"
        ),
        seconds("convert", seen.convert, f"{seen.frames} frames"),
        seconds("floor", seen.floor, f"{each}, one after the other"),
        seconds("overlapped floor", seen.overlapped, f"{each}, each in a thread of its own"),
        Figure.of(part, "speed", "frames/s", rate),
    ]
    return figures + [seconds(f"stage {name}", samples) for name, samples in seen.stages.items()]


def _seconds_of_floor(clip: Path, target: Path, *, overlapped: bool) -> float:
    settings = ConvertSettings()
    start = time.perf_counter()
    reader = VideoReader(clip)
    found: list[Landmarks] = []
    with (
        FaceLandmarker(settings.landmarker) as landmarker,
        VideoWriter(target, source=clip, info=reader.info, settings=settings.encode) as writer,
        contextlib.ExitStack() as stack,
    ):
        put = stack.enter_context(run_behind(writer.write)).put if overlapped else writer.write
        frames = stack.enter_context(contextlib.closing(prefetch(reader))) if overlapped else iter(reader)
        for frame in frames:
            found = _detected(frame, landmarker, settings, found)
            put(frame)
    return time.perf_counter() - start


def _detected(
    frame: StoredFrame, landmarker: FaceLandmarker, settings: ConvertSettings, before: list[Landmarks]
) -> list[Landmarks]:
    rgb = frame.rgb(max_side=settings.landmarker.max_side)
    follow = before[0] if before else None
    return landmarker.detect(rgb, timestamp=frame.timestamp, size_wh=frame.size_wh, follow=follow)
