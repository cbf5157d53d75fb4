"""What is served, and to whom.

in: requests that have passed the guard -> out: the page, its answers, snapshots.  Must not: listen on a port.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from importlib import resources
from typing import Any

from aiohttp import WSCloseCode, WSMsgType, web

from afet_video.live_web.engine import Engine
from afet_video.live_web.messages import MAX_FRAME_BYTES, MessageError, read_control
from afet_video.live_web.viewer import Viewer

BUSY = 4001
"""Close code of ours: another page is connected."""

HELLO_S = 5.0
"""A page that has not said which one it is by then is none."""

FAREWELL_S = 1.0
"""How long a page that is sent away may take to say goodbye."""

LEAVING_S = 1.5
"""A page that is loaded anew may come before the server has seen the old one go."""

HEARTBEAT_S = 5.0
"""A page that does not answer a ping in half of that time has gone, and makes room for another."""

_TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript"}


class Preview:
    """Serves one session to one page at a time; a page that comes back goes on where it was.

    Parameters
    ----------
    engine : already open.
    on_failure : called when the session raises, which ends the preview.
    """

    def __init__(self, engine: Engine, on_failure: Callable[[BaseException], None]) -> None:
        self._engine = engine
        self._on_failure = on_failure
        self._seat = asyncio.Lock()
        self._viewer: Viewer | None = None
        self._page: str | None = None

    async def send_away(self) -> None:
        """Tell the page that there will be no more, and wait until it knows, if it listens at all."""
        if self._viewer is not None:
            self._viewer.send_away()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._seat.acquire(), HEARTBEAT_S)  # nobody comes after that

    def routes(self, token: str) -> list[web.RouteDef]:
        """Return what is served, all of it below the token."""
        return [
            web.get(f"/{token}/", self._send_page),
            web.get(f"/{token}/socket", self._connect),
            web.get(f"/{token}/snapshot.png", self._send_snapshot),
            web.get(f"/{token}/{{name:[a-z]+\\.(?:css|js)}}", self._send_page),
        ]

    async def _send_page(self, request: web.Request) -> web.Response:
        name = request.match_info.get("name", "index.html")
        file = resources.files("afet_video.live_web") / "page" / name
        if not file.is_file():
            raise web.HTTPNotFound
        return web.Response(body=file.read_bytes(), content_type=_TYPES[name.rpartition(".")[2]], charset="utf-8")

    async def _send_snapshot(self, _: web.Request) -> web.Response:
        body = await self._engine.snapshot()
        if body is None:
            raise web.HTTPConflict(text="there is no picture yet\n")
        name = time.strftime("afet-live-%Y%m%d-%H%M%S.png")
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return web.Response(body=body, content_type="image/png", headers=headers)

    async def _connect(self, request: web.Request) -> web.WebSocketResponse:
        # Frames are raw and stay on this computer: compressing them would only take time.
        socket = web.WebSocketResponse(
            timeout=FAREWELL_S, max_msg_size=MAX_FRAME_BYTES, compress=False, heartbeat=HEARTBEAT_S
        )
        await socket.prepare(request)
        try:
            page = await _hello(socket)
            if page is None:
                await socket.close(code=WSCloseCode.POLICY_VIOLATION, message=b"refused: no page of the preview")
            elif await self._is_seated(page):
                try:
                    await self._serve(socket, page)
                finally:
                    self._viewer = None
                    self._seat.release()
            else:
                await socket.close(code=BUSY, message=b"another page shows the preview")
        except ConnectionError:
            pass  # the page has gone
        except Exception as error:  # noqa: BLE001 - whatever it is, `run` raises it
            await socket.close(code=WSCloseCode.INTERNAL_ERROR, message=b"the preview failed")
            self._on_failure(error)
        return socket

    async def _is_seated(self, page: str) -> bool:
        """Take the one seat there is, if it is free or about to be."""
        if page == self._page and self._viewer is not None:  # it came back before its old connection was missed
            self._viewer.send_away()
        try:
            await asyncio.wait_for(self._seat.acquire(), LEAVING_S)
        except TimeoutError:
            return False
        return True

    async def _serve(self, socket: web.WebSocketResponse, page: str) -> None:
        is_new, self._page = page != self._page, page
        self._viewer = Viewer(socket, self._engine)
        await self._viewer.run(is_new=is_new)


async def _hello(socket: web.WebSocketResponse) -> str | None:
    """Return what the page calls itself in its first message, None if it does not."""
    try:
        message = await socket.receive(timeout=HELLO_S)
        hello: dict[str, Any] = read_control(message.data) if message.type is WSMsgType.TEXT else {}
    except (TimeoutError, MessageError):
        return None
    page = hello.get("page")
    return page if hello.get("type") == "hello" and isinstance(page, str) else None
