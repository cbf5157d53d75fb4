"""Pass 2 in segments, each kept as soon as it is whole; those that an earlier run kept are not made again.

in: decoded frames, a cast -> out: finished segments, then the video and the rows of all of them.  Must not: differ in
anything from a run that was not interrupted.

The video is decoded from its start in any case: that costs little beside changing and encoding, gives every frame its
number and time whatever the file is like, and notices what is wrong with it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby

import numpy as np

from afet_video.datatypes import Progress, ProgressCallback, TrackRow
from afet_video.outputs import disk_errors
from afet_video.passes.cast import Cast, main_row
from afet_video.passes.memory import RenderMemory
from afet_video.passes.segments import Segment, SegmentFiles, Segments
from afet_video.passes.sheet import SheetMaker
from afet_video.threads import Behind, prefetch, run_behind
from afet_video.tracks import TrackWriter, load_tracks, open_track_writer, track_rows
from afet_video.video.frame import StoredFrame
from afet_video.video.segments import SegmentedVideoWriter


@dataclass(slots=True, eq=False)
class SegmentMaker:
    """Changes frames segment by segment.

    Parameters
    ----------
    writer : of the video; it is used in a thread of its own.
    segments : where they are kept.
    cast, memory : what changes the frames, and what it remembers.
    sheet : takes pictures as they go by.

    Attributes
    ----------
    found : numbers of the segments that an earlier run kept.
    """

    writer: SegmentedVideoWriter
    segments: Segments
    cast: Cast
    memory: RenderMemory
    sheet: SheetMaker
    found: frozenset[int] = frozenset()
    _made: SegmentFiles | None = None
    _rows: TrackWriter | None = None
    _unfinished: list[SegmentFiles] = field(default_factory=list)

    def make(self, frames: Iterable[StoredFrame], on_progress: ProgressCallback) -> int:
        """Go through all frames, make the segments that are missing, and return how many frames there were.

        If there are more or fewer frames than the segments have, what they lie in is not kept.
        """
        self.found = frozenset(one.number for one in self.segments if self.segments.is_kept(one))
        total = self.segments[-1].stop
        count = 0
        try:
            with run_behind(_call) as behind, contextlib.closing(prefetch(frames)) as decoded:
                places = _places(self.segments)
                for frame in decoded:
                    count += 1
                    segment = next(places, None)
                    if segment is None:
                        continue
                    if segment.number in self.found:
                        behind.put(partial(self.writer.skip, frame))
                    else:
                        self._take(frame, segment, behind)
                    on_progress(Progress("splice", frame.index + 1, total))
        finally:
            if self._rows is not None:
                self._rows.abandon()
            for made in self._unfinished:
                self.segments.drop(made)
        return count

    def join(self, tracks: TrackWriter) -> Iterator[list[TrackRow]]:
        """Join the segments' pictures to the video, and write their rows; yields the rows of each frame."""
        self.writer.join(one.kept.packets for one in self.segments)
        for segment in self.segments:
            rows = track_rows(load_tracks(segment.kept.rows))
            for _, of_frame in groupby(rows, key=lambda row: row.index):
                together = list(of_frame)
                for row in together:
                    tracks.write(row)
                yield together
            with np.load(segment.kept.sheet, allow_pickle=False) as pictures:
                self.sheet.give(dict(pictures))

    def _take(self, frame: StoredFrame, segment: Segment, behind: Behind[Callable[[], None]]) -> None:
        if frame.index == segment.start:
            self._begin(segment, behind)
        assert self._rows is not None
        self.sheet.before(frame)
        rows = self.cast.render(frame)
        self.sheet.after(frame, main_row(rows))
        behind.put(partial(self.writer.write, frame))
        for row in rows:
            self._rows.write(row)
        if frame.index + 1 == segment.stop:
            self._end(segment, behind)

    def _begin(self, segment: Segment, behind: Behind[Callable[[], None]]) -> None:
        before = segment.number - 1
        if before in self.found:  # else the frame before has just been changed
            self.memory.load(self.segments[before].kept.memory)
        self._made = self.segments.new_files()
        self._unfinished.append(self._made)
        self._rows = open_track_writer(self._made.rows)
        behind.put(partial(self.writer.start, self._made.packets))

    def _end(self, segment: Segment, behind: Behind[Callable[[], None]]) -> None:
        made, rows = self._made, self._rows
        assert made is not None
        assert rows is not None
        self._made = self._rows = None
        rows.close()
        with disk_errors(made.folder):
            self.memory.save(made.memory, segment.stop)
            np.savez(made.sheet, allow_pickle=False, **self.sheet.take())
        behind.put(self.writer.finish)
        behind.put(partial(self._keep, segment, made))

    def _keep(self, segment: Segment, made: SegmentFiles) -> None:
        self.segments.keep(segment, made)
        self._unfinished.remove(made)


def _places(segments: Segments) -> Iterator[Segment]:
    """Yield for each frame the segment that it lies in."""
    for segment in segments:
        for _ in range(segment.start, segment.stop):
            yield segment


def _call(step: Callable[[], None]) -> None:
    step()
