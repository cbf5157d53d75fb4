"""One page that is connected: its pictures to the session, the results back.

in: an open WebSocket -> out: an answer to every frame, the newest first.  Must not: process on the event loop.

While one frame is processed, one more waits in a slot, and a newer one takes its place: delay cannot build up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from fractions import Fraction

from aiohttp import WSCloseCode, WSMsgType, web

from afet_video.datatypes import Timestamp
from afet_video.live_web.controls import Controls
from afet_video.live_web.messages import CameraFrame, MessageError, read_control, read_frame
from afet_video.live_web.slot import LatestSlot

MICROSECONDS = Fraction(1, 1_000_000)

Processor = Callable[[CameraFrame], Awaitable[bytes]]


class Viewer:
    """Serves one page until it leaves.

    Parameters
    ----------
    socket : already open.
    controls : what its control messages act on.
    process : makes the answer to a frame, off the event loop.
    """

    def __init__(self, socket: web.WebSocketResponse, controls: Controls, process: Processor) -> None:
        self._socket = socket
        self._controls = controls
        self._process = process
        self._slot: LatestSlot[CameraFrame] = LatestSlot()

    async def run(self) -> None:
        """Answer the page; return when it has gone or was sent away, raise what `process` raises."""
        await self._socket.send_json({"type": "welcome", **self._controls.describe()})
        tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._answer())]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, BaseException) and not isinstance(outcome, asyncio.CancelledError | ConnectionError):
                raise outcome

    async def _listen(self) -> None:
        async for message in self._socket:
            try:
                if message.type is WSMsgType.BINARY:
                    await self._receive(read_frame(message.data))
                elif message.type is WSMsgType.TEXT:
                    await self._socket.send_json(self._controls.apply(read_control(message.data)))
            except MessageError as error:
                reason = f"refused: {error}".encode()
                await self._socket.close(code=WSCloseCode.POLICY_VIOLATION, message=reason)
                return

    async def _receive(self, frame: CameraFrame) -> None:
        displaced = self._slot.put(frame)
        if displaced is not None:
            await self._socket.send_json({"type": "dropped", "number": displaced.number})

    async def _answer(self) -> None:
        while True:
            frame = await self._slot.take()
            await self._socket.send_bytes(await self._process(frame))


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
