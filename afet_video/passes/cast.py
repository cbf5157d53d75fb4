"""Pass 2 where there are several people: one after the other on the same frame.

in: a renderer for each lane -> out: all rows of a frame.  Must not: know how a face is changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from afet_video.datatypes import TrackRow, VideoFrame


class FaceRenderer(Protocol):
    """Changes one person in one frame after the other; `passes.render.Renderer` is one."""

    def render(self, frame: VideoFrame) -> TrackRow:
        """Change `frame` in place and return its row."""
        ...

    def size_at(self, index: int) -> float:
        """Return the size of the face in a frame, pixels; 0 where nobody is known."""
        ...


class Cast:
    """Everybody who is changed. Where faces overlap the larger one, which is nearer, is changed last."""

    def __init__(self, renderers: Sequence[FaceRenderer]) -> None:
        self._renderers = tuple(renderers)

    def render(self, frame: VideoFrame) -> list[TrackRow]:
        """Change `frame` in place and return a row for each person in it, or one row without a face if nobody is."""
        rows = [renderer.render(frame) for renderer in self._from_back_to_front(frame.index)]
        return sorted((row for row in rows if row.face_id >= 0), key=lambda row: row.face_id) or rows[:1]

    def _from_back_to_front(self, index: int) -> Sequence[FaceRenderer]:
        if len(self._renderers) < 2:  # a size costs a row of the tracks, read from disk
            return self._renderers
        return sorted(self._renderers, key=lambda one: one.size_at(index))


def main_row(rows: Sequence[TrackRow]) -> TrackRow:
    """Return the row of the largest face of a frame."""
    return max(rows, key=lambda row: float(np.nan_to_num(np.ptp(row.source_xyz[:, 1]))))
