"""One page that is connected: its pictures to the session, the results back.

in: an open WebSocket -> out: an answer to every frame, the newest first.  Must not: process on the event loop.

One frame is seen while the one before it is shown; one more waits in a slot, and a newer one takes its place: delay
cannot build up.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from aiohttp import WSCloseCode, WSMsgType, web

from afet_video.live_web.engine import Engine
from afet_video.live_web.messages import CameraFrame, MessageError, read_control, read_frame
from afet_video.live_web.slot import LatestSlot


class Viewer:
    """Serves one page until it leaves.

    Parameters
    ----------
    socket : already open.
    engine : what its frames and wishes go to.
    """

    def __init__(self, socket: web.WebSocketResponse, engine: Engine) -> None:
        self._socket = socket
        self._engine = engine
        self._slot: LatestSlot[CameraFrame] = LatestSlot()
        self._is_over = asyncio.Event()

    def send_away(self) -> None:
        """Let `run` end."""
        self._is_over.set()

    async def run(self, *, is_new: bool) -> None:
        """Answer the page; return when it has gone or was sent away, raise what the session raises."""
        await self._socket.send_json({"type": "welcome", **await self._engine.welcome(is_new=is_new)})
        tasks = [asyncio.create_task(work) for work in (self._listen(), self._answer(), self._leave())]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, BaseException) and not isinstance(outcome, asyncio.CancelledError | ConnectionError):
                raise outcome
        if self._is_over.is_set():
            # Said in words too: a page that is slow to close in turn would take the end for a lost connection.
            with contextlib.suppress(ConnectionError):
                await self._socket.send_json({"type": "end"})
        # Here, and not in `send_away`: while somebody else reads, the page's own farewell would be lost to it.
        await self._socket.close(code=WSCloseCode.GOING_AWAY, message=b"stopped")

    async def _listen(self) -> None:
        async for message in self._socket:
            try:
                if message.type is WSMsgType.BINARY:
                    await self._receive(read_frame(message.data))
                elif message.type is WSMsgType.TEXT:
                    await self._socket.send_json(await self._engine.obey(read_control(message.data)))
            except MessageError as error:
                reason = f"refused: {error}".encode()
                await self._socket.close(code=WSCloseCode.POLICY_VIOLATION, message=reason)
                return

    async def _receive(self, frame: CameraFrame) -> None:
        displaced = self._slot.put(frame)
        if displaced is not None:
            await self._socket.send_json({"type": "dropped", "number": displaced.number})

    async def _answer(self) -> None:
        showing: asyncio.Task[None] | None = None
        try:
            while True:
                frame = await self._slot.take()
                seen = await self._engine.see(frame)
                if showing is not None:
                    await showing
                showing = asyncio.create_task(self._show(frame, seen))
        finally:
            if showing is not None:
                showing.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await showing

    async def _leave(self) -> None:
        await self._is_over.wait()

    async def _show(self, frame: CameraFrame, seen: Any) -> None:
        await self._socket.send_bytes(await self._engine.show(frame, seen))
