"""What a batch will need: space on the disk, and how many workers memory and cores carry.

in: jobs, the machine -> out: bytes, a number.  Must not: run anything.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from afet_video.batch.job import Job
from afet_video.errors import AfetError, OutputError
from afet_video.video.decode import VideoReader

WORKER_BYTES = 1_500_000_000
"""Memory that a worker is counted with; see docs/batch.md for what was measured."""

_CORES_PER_WORKER = 2
_TRACK_BYTES, _CHECKPOINT_BYTES = 12_000, 7_000
"""A frame's share of a track, and of a checkpoint."""

_VIDEO_BITS_PER_PIXEL, _MOST_GROWTH = 0.4, 4.0
"""Of the result, against its pixels and the source; real clips at the default quality had up to 0.15 and 1.5."""

_SPARE_BYTES = 100_000_000


def default_workers() -> int:
    """Return how many workers this computer carries: two cores and 3 GB (twice `WORKER_BYTES`) each, one at least."""
    try:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # Windows
        memory = WORKER_BYTES
    return max(min((os.cpu_count() or 1) // _CORES_PER_WORKER, memory // (2 * WORKER_BYTES)), 1)


def needed_bytes(jobs: Sequence[Job], workers: int, *, shards: bool, lossless: bool) -> int:
    """Return about how much the results of `jobs` and their checkpoints take, on the safe side."""
    clips: dict[str, tuple[float, float]] = {}
    total = 0.0
    for job in jobs:
        if job.source not in clips:
            clips[job.source] = _clip_bytes(Path(job.source), lossless=lossless)
            total += clips[job.source][1]
        total += clips[job.source][0] * (2 if shards else 1)
    # while a result is joined of its segments both are there
    joined = workers * max((result for result, _ in clips.values()), default=0.0)
    return int(total + joined) + _SPARE_BYTES


def check_space(folder: Path, needed: int) -> None:
    """Refuse to begin what cannot be finished.

    Raises
    ------
    OutputError
        If the disk has less left than `needed`.
    """
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise OutputError(
            f"the disk that holds {folder} has {free / 1e9:.1f} GB left, the batch needs about {needed / 1e9:.1f} GB: "
            "free some space, choose another folder or take fewer clips"
        )


def _clip_bytes(path: Path, *, lossless: bool) -> tuple[float, float]:
    """Return the bytes of one result, and of what is kept while a clip's results are made."""
    size = path.stat().st_size
    try:
        info = VideoReader(path).info
    except AfetError:
        return 0.0, 0.0  # it will fail, and take nothing
    frames = info.frame_count or int((info.duration_s or 60.0) * float(info.average_rate or 30))
    pixels = frames * info.size_wh[0] * info.size_wh[1]
    if lossless:
        video = pixels * info.bit_depth * 1.5 / 8
    else:
        video = min(pixels * _VIDEO_BITS_PER_PIXEL / 8, _MOST_GROWTH * size + 1e6)
    return video + frames * _TRACK_BYTES, 2.0 * frames * _CHECKPOINT_BYTES
