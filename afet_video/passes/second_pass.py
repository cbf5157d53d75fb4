"""Pass 2 as a whole: every frame decoded again, changed, encoded, and its rows written.

in: what pass 2 needs, open writers -> out: the finished video and track.  Must not: know how a face is changed.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from dataclasses import dataclass

from afet_video.datatypes import FaceStatus, Progress, ProgressCallback, TrackRow
from afet_video.errors import InputError
from afet_video.passes.cast import Cast, main_row
from afet_video.passes.in_segments import SegmentMaker
from afet_video.passes.memory import RenderMemory
from afet_video.passes.segments import Segments
from afet_video.passes.sheet import SheetMaker
from afet_video.threads import prefetch, run_behind
from afet_video.tracks import TrackWriter
from afet_video.video.decode import VideoReader
from afet_video.video.segments import SegmentedVideoWriter


@dataclass(frozen=True, slots=True, eq=False)
class SecondPass:
    """Decode again, splice, encode and write the track; decoding runs ahead and encoding behind, in threads."""

    reader: VideoReader
    writer: SegmentedVideoWriter
    tracks: TrackWriter
    cast: Cast
    memory: RenderMemory
    sheet: SheetMaker
    total: int
    on_progress: ProgressCallback

    def run(self, segments: Segments | None) -> tuple[Counter[str], int]:
        """Write video and track, in segments or in one go.

        Returns
        -------
        How many frames have each status, each frame counted once, by the best status of anybody in it; and how many
        segments were there from an earlier run.

        Raises
        ------
        InputError
            If the video has another number of frames than before.
        """
        with self.tracks, self.writer:
            return (self._in_one_go(), 0) if segments is None else self._in_segments(segments)

    def _in_one_go(self) -> Counter[str]:
        counts: Counter[str] = Counter()
        with run_behind(self.writer.write) as encoder, contextlib.closing(prefetch(self.reader)) as frames:
            for frame in frames:
                self.sheet.before(frame)
                rows = self.cast.render(frame)
                self.sheet.after(frame, main_row(rows))
                encoder.put(frame)
                for row in rows:
                    self.tracks.write(row)
                counts[_status(rows)] += 1
                self.on_progress(Progress("splice", frame.index + 1, self.total))
        self._check_total(counts.total())
        return counts

    def _in_segments(self, segments: Segments) -> tuple[Counter[str], int]:
        """Make the segments that are missing, and join them."""
        maker = SegmentMaker(self.writer, segments, self.cast, self.memory, self.sheet)
        self._check_total(maker.make(self.reader, self.on_progress))
        return Counter(map(_status, maker.join(self.tracks))), len(maker.found)

    def _check_total(self, count: int) -> None:
        if count != self.total:
            raise InputError(
                f"{self.reader.path}: {self.total} frames at the first reading, {count} at the second: "
                "is it still being written?"
            )


def _status(rows: list[TrackRow]) -> str:
    found = {row.status for row in rows}
    return str(next(status for status in FaceStatus if status in found))
