"""Mirrored half faces as videos, for action-unit detectors that are not part of this program.

in: half faces -> out: four .mp4 files.  Must not: detect anything.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np

from afet_video.datatypes import ByteArray, Side
from afet_video.errors import OutputError
from afet_video.evaluation.units.faces import SIDE_PX, SIDES, HalfFaces
from afet_video.outputs import Outputs, disk_errors
from afet_video.video.preview import preview_film

_CRF = 10


def export_halves(videos: tuple[HalfFaces, HalfFaces], folder: Path, *, overwrite: bool = False) -> list[Path]:
    """Write source-left, source-right, result-left, result-right (.mp4) and return their paths.

    Every frame of a video has one in each file, so that rows of a detector's table are the video's frames; where there
    is no face it is grey. `videos` must hold all frames.

    Raises
    ------
    OutputError
        If `folder` cannot be made, or a file exists (without `overwrite`) or cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make the folder {folder}: {error.strerror or error}") from error
    written = []
    with Outputs(overwrite=overwrite) as outputs:
        for video in videos:
            for side in SIDES:
                target = folder / f"{video.role}-{side}.mp4"
                temporary = outputs.path_for(target)
                with disk_errors(target):
                    temporary.write_bytes(preview_film(_pictures(video, side), crf=_CRF))
                written.append(target)
    return written


def _pictures(video: HalfFaces, side: Side) -> Iterator[tuple[Fraction, ByteArray]]:
    times = [frame.timestamp.seconds for frame in video.reader]
    gray = np.full((SIDE_PX, SIDE_PX, 3), 128, np.uint8)
    following = 0
    for place, halves in video:
        for missing in range(following, place):
            yield times[missing], gray
        yield times[place], halves[side]
        following = place + 1
    for missing in range(following, len(times)):
        yield times[missing], gray
