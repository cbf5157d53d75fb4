"""Who may talk to the server: the page it served itself, and nobody else.

in: a request -> out: the request passed on, or 403; headers that bind the page to its own origin.
Must not: know what is served.

A page of another site can make a browser send requests to 127.0.0.1. Three things keep it out: a random token in the
path, the `Host` header (a foreign name that was made to point here, "DNS rebinding"), and the `Origin` of a WebSocket.
"""

from __future__ import annotations

import hmac
import ipaddress
import secrets
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
"""No outside asset, no framing, and the token does not leave the page."""


def new_token() -> str:
    """Return a token that cannot be guessed."""
    return secrets.token_urlsafe(24)


def is_loopback(host: str) -> bool:
    """Whether a host name or address can be reached from this computer only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def guard(token: str, host: str) -> Middleware:
    """Return the middleware that lets through only requests with the token, to this host, from its own page.

    Parameters
    ----------
    token : must be the first part of every path.
    host : where the server listens.
    """

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not _is_own_name(_host_of(f"//{request.host}"), host):
            raise web.HTTPForbidden(text="403: this name is not that of the preview; open the address it printed\n")
        given = request.path.split("/")[1]
        if not hmac.compare_digest(given.encode(), token.encode()):
            raise web.HTTPForbidden(text="403: wrong or missing token; open the whole address that was printed\n")
        origin = request.headers.get("Origin")
        is_foreign = urlsplit(origin).netloc != request.host if origin is not None else _is_websocket(request)
        if is_foreign:
            raise web.HTTPForbidden(text="403: requests from other sites are refused\n")
        return await handler(request)

    return check


def _is_websocket(request: web.Request) -> bool:
    """Whether this opens a WebSocket, for which every browser names an origin."""
    return request.headers.get("Upgrade", "").lower() == "websocket"


async def add_headers(_: web.Request, response: web.StreamResponse) -> None:
    """Put `HEADERS` on every response (a signal handler of aiohttp)."""
    response.headers.update(HEADERS)


def _host_of(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


def _is_own_name(name: str | None, host: str) -> bool:
    """Whether a request's host is ours. An address is never a foreign name made to point here, so it passes."""
    if name is None:
        return False
    if name in (host, "localhost"):
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
