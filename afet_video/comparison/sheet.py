"""Methods side by side at the strongest expressions.

in: source and results -> out: one picture.  Must not: choose moments by what a method made of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np

from afet_video.datatypes import ByteArray, FaceStatus, FloatArray, Timestamp
from afet_video.draw import Tile, View, contact_sheet
from afet_video.passes.sheet import strongest_moments
from afet_video.tracks import Tracks
from afet_video.video.decode import VideoReader

_MOMENTS, _TILE_PX = 4, 300


def comparison_sheet(source: Path, results: Sequence[tuple[str, Path]], tracks: Tracks) -> ByteArray:
    """Return a sheet with a row for the source and for each result (name, path), one column a moment.

    `tracks`: of any of the results; of it only what is known of the source counts.
    """
    assert tracks.blendshapes is not None
    assert tracks.source_xyz is not None
    seconds = np.array([float(int(pts) * tracks.time_base) for pts in tracks.pts])
    seen = np.isin(tracks.status, [str(FaceStatus.DETECTED), str(FaceStatus.REDUCED)])
    detected = seen & np.isfinite(tracks.blendshapes).all(axis=1)
    moments = strongest_moments(tracks.blendshapes, detected, seconds, count=_MOMENTS)
    faces: dict[int, FloatArray] = {frame: tracks.source_xyz[frame] for frame in moments}
    stamps = {frame: Timestamp(int(tracks.pts[frame]), tracks.time_base) for frame in moments}
    rows = []
    for path in (source, *(path for _, path in results)):
        reader = VideoReader(path)
        pictures = [_picture(reader, stamps[frame]) for frame in moments]
        views = [View.around(faces[frame], reader.info.size_wh, width=_TILE_PX) for frame in moments]
        captions = [f"{seconds[frame]:.2f} s  {what}" if path == source else "" for frame, what in moments.items()]
        parts = zip(views, pictures, captions, strict=True)
        rows.append([Tile(view.picture(picture), caption) for view, picture, caption in parts])
    labels = ["source", *(name for name, _ in results)]
    return contact_sheet(rows, title=f"{source.name}: methods side by side (synthetic)", row_labels=labels)


def _picture(reader: VideoReader, timestamp: Timestamp) -> ByteArray:
    """Return the frame nearest in time: a container may round times to its own ticks."""
    base = reader.info.time_base
    ticks = Fraction(timestamp.seconds, 1) / base
    return reader.frame_at(Timestamp(round(ticks), base)).rgb()
