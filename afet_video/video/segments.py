"""Write a video in segments: each encoded by itself into a file of its own, joined without encoding again.

in: `StoredFrame`s in order, where a segment begins and ends -> out: files of packets, then a finished video.
Must not: decide where a segment begins, or look for finished ones.

Every segment begins with an encoder of its own, and so with a keyframe; nothing in it refers to another one. Whether it
was encoded in this run or an earlier one does not matter.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterable, Iterator
from pathlib import Path

import av
from av.container import OutputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from afet_video.errors import EncodeError
from afet_video.video.encode import VideoWriter, flushed
from afet_video.video.frame import StoredFrame
from afet_video.video.packets import PacketWriter, read_packets


class SegmentedVideoWriter(VideoWriter):
    """Writer of one video whose frames go into segments; parameters, attributes and errors are `VideoWriter`'s.

    Every frame is given once, in order, either to `write`, after `start`, or to `skip`, if it lies in a segment that is
    there already; at the end `join` puts all segments together, and `close` finishes the file. Where `start` was never
    called frames go straight into the video.
    """

    _segment_path: Path | None = None
    _segment: PacketWriter | None = None
    _scratch: tuple[OutputContainer, VideoStream] | None = None

    def start(self, path: Path) -> None:
        """Begin a segment in a file at `path`; it is written with the first frame."""
        self._segment_path = path

    def write(self, frame: StoredFrame) -> None:
        """Encode the next frame. Its pixels must not be changed afterwards."""
        if self._segment_path is None:
            super().write(frame)
            return
        with self._guarded():
            self._begin(frame)
            if self._segment is None:
                self._scratch = self._new_encoder()
                self._segment = PacketWriter(self._segment_path, self._tick)
                self._pictures = 0
            assert self._scratch is not None
            self._pictures += 1
            self._segment.write(self._scratch[1].encode(self._picture(frame)))

    def finish(self) -> None:
        """End the segment: everything that was given since `start` is in its file."""
        with self._guarded():
            assert self._scratch is not None
            assert self._segment is not None
            container, stream = self._scratch
            self._segment.write(flushed(stream, self._pictures))
            self._segment.close()
            container.close()
        self._segment = self._scratch = None

    def skip(self, frame: StoredFrame) -> None:
        """Take note of a frame that lies in a segment which is there already."""
        with self._guarded():
            self._begin(frame)
            self._next_pts(frame)

    def join(self, segments: Iterable[Path]) -> None:
        """Put all segments, in order, into the video, together with the sound.

        Raises
        ------
        EncodeError
            If no frame was given, or a segment is damaged.
        """
        if self._container is None:
            raise EncodeError(f"{self.path}: no frame was written, so there is no video to finish")
        with self._guarded():
            self._mux(self._joined(segments))

    def _joined(self, segments: Iterable[Path]) -> Iterator[Packet[VideoStream]]:
        """Yield all packets.

        An encoder that reorders pictures begins to count decoding times before its first picture's time, which may lie
        before the last decoding times of the segment before. They are moved up, and stay at or before the packet's own
        pts: of n pictures that are held back there are n ticks at least between.
        """
        last: int | None = None
        for path in segments:
            try:
                for one in read_packets(path):
                    last = one.dts if last is None else max(one.dts, last + 1)
                    yield one.to_packet(self._stream, last)
            except ValueError as error:
                raise EncodeError(f"{self._name}: {error}") from error

    def _new_encoder(self) -> tuple[OutputContainer, VideoStream]:
        """Return an encoder like the video's own, and the container that it belongs to, which is never written."""
        assert self._container is not None
        scratch = av.open(io.BytesIO(), "w", format=self._container.format.name)
        return scratch, self._video_stream(scratch)

    def _abandon(self) -> None:
        if self._segment is not None:
            with contextlib.suppress(OSError):
                self._segment.close()
        super()._abandon()
