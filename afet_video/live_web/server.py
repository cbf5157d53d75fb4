"""Listen, until it is time to stop.

in: a way to make a session -> out: an address that answers.  Must not: know what a page says.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

from aiohttp import web

from afet_video.errors import SettingsError
from afet_video.live_web.access import add_headers, guard, is_loopback, new_token
from afet_video.live_web.engine import Engine, SteppedSession
from afet_video.live_web.preview import Preview

MAX_LINE = 8190
"""Bytes of a request line and of all headers' lines, each: those of the page are far shorter."""

NOT_LOCAL = (
    "{host} can be reached from other computers: whoever has the address sees the preview, and pictures travel "
    "unencrypted. Browsers open a camera only for pages of their own computer or over https"
)


async def run(
    make_session: Callable[[], SteppedSession],
    *,
    on_ready: Callable[[str], None],
    on_warning: Callable[[str], None],
    port: int,
    host: str,
    record: Path | None = None,
    stop: asyncio.Event | None = None,
) -> None:
    """Serve until a signal comes or `stop` is set; see `afet_video.live_web.serve`.

    Raises
    ------
    SettingsError
        If the address cannot be used.
    OutputError
        If the recording cannot be written.
    """
    stop = stop or asyncio.Event()
    failures: list[BaseException] = []

    def fail(error: BaseException) -> None:
        failures.append(error)
        stop.set()

    async with _opened(make_session, record) as engine:
        preview, token = Preview(engine, fail), new_token()
        async with _listening(preview, token, host, port) as address:
            if not is_loopback(host):
                on_warning(NOT_LOCAL.format(host=host))
            on_ready(f"http://{address}/{token}/")
            with _signals(stop):
                await stop.wait()
    if failures:
        raise failures[0]


@contextlib.asynccontextmanager
async def _opened(make_session: Callable[[], SteppedSession], record: Path | None) -> AsyncIterator[Engine]:
    engine = Engine(make_session, record)
    try:
        await engine.open()
        yield engine
    finally:
        await engine.close()


@contextlib.asynccontextmanager
async def _listening(preview: Preview, token: str, host: str, port: int) -> AsyncIterator[str]:
    """Listen, and give the host and port that a browser must be given."""
    app = web.Application(middlewares=[guard(token, host)], client_max_size=MAX_LINE)
    app.on_response_prepare.append(add_headers)
    app.add_routes(preview.routes(token))
    runner = web.AppRunner(
        app, access_log=None, max_line_size=MAX_LINE, max_field_size=MAX_LINE, shutdown_timeout=1, handle_signals=False
    )
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except (OSError, OverflowError) as error:
            why = getattr(error, "strerror", None) or error
            raise SettingsError(
                f"cannot listen on {host}, port {port} ({why}): choose another port, or 0 for any free one"
            ) from error
        yield _to_open(host, runner.addresses[0][1])
        await preview.send_away()
    finally:
        await runner.cleanup()


def _to_open(host: str, port: int) -> str:
    """Return host and port as a browser takes them; "any address" is none that can be opened."""
    name = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
    return f"{name}:{port}"


@contextlib.contextmanager
def _signals(stop: asyncio.Event) -> Iterator[None]:
    """Let Ctrl-C and SIGTERM end the preview; where a loop takes no signals, Python's own KeyboardInterrupt does."""
    loop = asyncio.get_running_loop()
    numbers = []
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):  # Windows; not the main thread
            loop.add_signal_handler(number, stop.set)
            numbers.append(number)
    try:
        yield
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)
