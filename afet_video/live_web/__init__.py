"""The live preview in a browser: one page on this computer, with the browser's own camera.

in: settings -> out: a page under an address that nobody can guess.  Must not: detect, warp or draw; the session does.
"""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from afet_video.errors import SettingsError

if TYPE_CHECKING:
    from afet_video.live.settings import LiveSettings
    from afet_video.live_web.engine import SteppedSession

__all__ = ["serve"]


def serve(
    settings: LiveSettings,
    *,
    on_ready: Callable[[str], None],
    port: int = 0,
    host: str = "127.0.0.1",
    record: Path | None = None,
    on_warning: Callable[[str], None] = warnings.warn,
    make_session: Callable[[], SteppedSession] | None = None,
) -> None:
    """Serve the preview until Ctrl-C or SIGTERM; returns then.

    Parameters
    ----------
    settings : of the session.
    on_ready : gets the address to open, token included, once it can be opened.
    port : 0 takes any free one.
    host : where to listen; anything but this computer alone is warned of.
    record : recording to start at once, and where the page records to; None = a name made of the time.
    on_warning : gets a line on what the user should know.
    make_session : makes the session that all pages share, instead of one with these `settings`.

    Raises
    ------
    SettingsError
        If aiohttp is missing, or the address cannot be used.
    OutputError
        If the recording cannot be written.
    """
    try:
        from afet_video.live_web.server import run
    except ModuleNotFoundError as error:
        if error.name != "aiohttp":
            raise
        raise SettingsError('the preview in a browser needs aiohttp: run `pip install "afet-video[live]"`') from error
    make = make_session or (lambda: _live_session(settings))
    asyncio.run(run(make, on_ready=on_ready, on_warning=on_warning, port=port, host=host, record=record))


def _live_session(settings: LiveSettings) -> SteppedSession:
    from afet_video.live.session import LiveSession

    return LiveSession(settings)
