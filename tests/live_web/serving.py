"""The real server in a thread, and a client that speaks as the page does."""

from __future__ import annotations

import asyncio
import contextlib
import json
import struct
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np

from afet_video.datatypes import ByteArray
from afet_video.live_web.engine import SteppedSession
from afet_video.live_web.server import run

WAIT_S = 60.0


@dataclass
class Running:
    """A server that runs: `url` as printed, `warnings`, and what it ended with."""

    url: str = ""
    warnings: list[str] = field(default_factory=list)
    failure: BaseException | None = None
    stop: Callable[[], None] = lambda: None

    @property
    def origin(self) -> str:
        return "/".join(self.url.split("/")[:3])

    @property
    def port(self) -> int:
        return int(self.origin.rpartition(":")[2])


@contextlib.contextmanager
def serving(
    make_session: Callable[[], SteppedSession], *, host: str = "127.0.0.1", port: int = 0, record: Path | None = None
) -> Iterator[Running]:
    """Serve in a thread of its own until the block ends."""
    running = Running()
    is_ready = threading.Event()

    async def main() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()

        def ready(url: str) -> None:
            running.url = url
            running.stop = lambda: loop.call_soon_threadsafe(stop.set)
            is_ready.set()

        warn = running.warnings.append
        await run(make_session, on_ready=ready, on_warning=warn, port=port, host=host, record=record, stop=stop)

    def body() -> None:
        try:
            asyncio.run(main())
        except Exception as error:  # noqa: BLE001 - whatever it is, the test looks at it
            running.failure = error
        finally:
            is_ready.set()

    thread = threading.Thread(target=body, daemon=True)
    thread.start()
    try:
        assert is_ready.wait(WAIT_S)
        yield running
    finally:
        with contextlib.suppress(RuntimeError):  # the loop has ended by itself
            running.stop()
        thread.join(WAIT_S)
        assert not thread.is_alive()


def packed(rgb: ByteArray, number: int, capture_ms: float) -> bytes:
    """Return a frame as the page sends it."""
    height, width = rgb.shape[:2]
    rgba = np.concatenate([rgb, np.full((height, width, 1), 255, np.uint8)], axis=2)
    return struct.pack("<dIHH", capture_ms, number, width, height) + rgba.tobytes()


@dataclass
class Answer:
    """An answer to a frame."""

    about: dict[str, Any]
    patch: bytes


class Page:
    """A WebSocket client that sees results and messages."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket

    async def receive(self) -> Answer | dict[str, Any]:
        message = await self.socket.receive(timeout=WAIT_S)
        if message.type is aiohttp.WSMsgType.TEXT:
            told: dict[str, Any] = json.loads(message.data)
            return told
        assert message.type is aiohttp.WSMsgType.BINARY, (message, self.socket.close_code)
        (length,) = struct.unpack_from("<I", message.data)
        return Answer(json.loads(message.data[4 : 4 + length]), message.data[4 + length :])

    async def ask(self, kind: str, value: Any = None) -> dict[str, Any]:
        await self.socket.send_json({"type": kind, "value": value})
        answer = await self.receive()
        assert isinstance(answer, dict)
        return answer

    async def show(self, rgb: ByteArray, number: int) -> Answer:
        await self.socket.send_bytes(packed(rgb, number, time.time() * 1000))
        answer = await self.receive()
        assert isinstance(answer, Answer)
        return answer

    async def closed(self) -> tuple[int | None, str]:
        """Wait for the server to close; return its code and reason."""
        while True:
            message = await self.socket.receive(timeout=WAIT_S)
            if message.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.CLOSING):
                return self.socket.close_code, str(message.extra or "")


@contextlib.asynccontextmanager
async def open_page(running: Running, *, name: str = "page", says_hello: bool = True) -> AsyncIterator[Page]:
    """Connect as the page does; its welcome is `page.welcome`."""
    async with (
        aiohttp.ClientSession() as client,
        client.ws_connect(running.url + "socket", headers={"Origin": running.origin}, max_msg_size=0) as socket,
    ):
        page = Page(socket)
        if says_hello:
            await socket.send_json({"type": "hello", "page": name})
        yield page
