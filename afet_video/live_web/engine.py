"""The session in threads of its own, with its recording.

in: frames and wishes of the page -> out: answers, one frame found while the one before it is changed.
Must not: know a socket.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol, TypeVar, cast

from afet_video.datatypes import ByteArray, Timestamp
from afet_video.draw.png import png_bytes
from afet_video.live.controls import Controls as Desk
from afet_video.live.controls import View
from afet_video.live.results import LiveResult, Session
from afet_video.live.session import LiveSession
from afet_video.live_web.controls import Controls
from afet_video.live_web.messages import CameraFrame, write_result

MICROSECONDS = Fraction(1, 1_000_000)

T = TypeVar("T")


class SteppedSession(Session, Protocol):
    """A session whose `process` can be done in two steps, each in a thread of its own; see `LiveSession`."""

    def see(self, rgb: ByteArray, timestamp: Timestamp) -> Any:
        """Find the face."""

    def show(self, seen: Any) -> LiveResult:
        """Change it."""


class Engine:
    """Runs one session as long as the server lives.

    Parameters
    ----------
    make_session : called once, in the thread that will find faces.
    record : recording to start at once, and where the page records to; None = a name made of the time.
    """

    def __init__(self, make_session: Callable[[], SteppedSession], record: Path | None) -> None:
        self._make_session, self._record = make_session, record
        self._seeing = ThreadPoolExecutor(1, "afet-see")
        self._showing = ThreadPoolExecutor(1, "afet-show")
        self._clock = FrameClock()
        self._session: SteppedSession | None = None
        self._latest: LiveResult | None = None

    async def open(self) -> None:
        """Make the session and start the recording that was asked for; raises what these raise."""
        session = self._session = await self._in(self._seeing, self._make_session)
        # The desk is written for a `LiveSession`; it asks no more of it than every session here has.
        self._desk = Desk(cast(LiveSession, session), View(), record=self._record, source="camera of a browser")
        self._controls = Controls(session, self._desk)
        if self._record is not None:
            await self._in(self._showing, self._desk.start_recording)

    async def close(self) -> None:
        """Finish the recording and close the session, once the last frames are done."""
        if self._session is not None:
            try:
                await self._in(self._showing, lambda: self._desk.stop_recording())
            finally:
                await self._in(self._seeing, self._session.close)
        self._seeing.shutdown()
        self._showing.shutdown()

    async def welcome(self, *, is_new: bool) -> dict[str, Any]:
        """Return what a page must know; a new one may have somebody new before it, so the neutral is learnt anew."""
        return await self._in(self._showing, lambda: self._controls.welcome(is_new=is_new))

    async def obey(self, message: dict[str, Any]) -> dict[str, Any]:
        """Do what a control message asks for and return the answer; raises MessageError as `Controls.apply` does."""
        return await self._in(self._showing, lambda: self._controls.apply(message))

    async def see(self, frame: CameraFrame) -> Any:
        """Find the face of the next frame."""
        return await self._in(self._seeing, lambda: self._see(frame))

    async def show(self, frame: CameraFrame, seen: Any) -> bytes:
        """Change a frame that was seen and return the answer for the page."""
        return await self._in(self._showing, lambda: self._show(frame, seen))

    async def snapshot(self) -> bytes | None:
        """Return the last result as a PNG marked as synthetic, None before there is one."""
        latest = self._latest
        return None if latest is None else await asyncio.to_thread(png_bytes, latest.result)

    def _see(self, frame: CameraFrame) -> Any:
        assert self._session is not None
        return self._session.see(frame.rgb(), self._clock.timestamp(frame.capture_ms))

    def _show(self, frame: CameraFrame, seen: Any) -> bytes:
        assert self._session is not None
        result = self._session.show(seen)
        self._latest = result
        self._desk.take(result)
        recording = self._controls.recording()
        return write_result(frame, result, recording=recording, with_points=self._controls.shows_points)

    async def _in(self, thread: ThreadPoolExecutor, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(thread, work)


class FrameClock:
    """Makes the page's capture times a strictly growing count of microseconds from the first frame on."""

    def __init__(self) -> None:
        self._first_ms: float | None = None
        self._last = -1

    def timestamp(self, capture_ms: float) -> Timestamp:
        """Return when a frame was captured; one that claims to be no later than the last is taken for 1 ms later.

        A page that is loaded anew counts on from the same epoch, so the clock goes on over it.
        """
        if self._first_ms is None:
            self._first_ms = capture_ms
        pts = round((capture_ms - self._first_ms) * 1000)
        self._last = pts if pts > self._last else self._last + 1000
        return Timestamp(self._last, MICROSECONDS)
