"""The guard in front of all pages: who may look, and what a page may load.

Without a token only requests to this machine by its own name are answered, so that no page from elsewhere can reach the
explorer through a name of its own. With a token the first request carries it, and a cookie from then on.
"""

from __future__ import annotations

import hmac
import re
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK = ("127.0.0.1", "::1", "localhost")
COOKIE = "subnetlab_token"
HEADERS = {
    # Styles may stand in elements: the charts have them, and everything that strangers wrote is escaped.
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
READING = ("GET", "HEAD")
HOST = re.compile(r"(?:\[(?P<address>[0-9a-f:.]+)\]|(?P<name>[a-z0-9.-]+))(?::\d{1,5})?")


class Guard:
    """Refuses who may not look, and adds the headers."""

    def __init__(self, app: ASGIApp, *, token: str | None = None) -> None:
        self._app = app
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        refusal = self._refusal(scope)
        await (self._app if refusal is None else refusal)(scope, receive, with_headers)

    def _refusal(self, scope: Scope) -> PlainTextResponse | RedirectResponse | None:
        if scope["method"] not in READING:
            return PlainTextResponse("the explorer only shows things: use GET", 405, {"allow": ", ".join(READING)})
        if self._token is None:
            if _host(Headers(scope=scope).get("host", "")) in LOOPBACK:
                return None
            return PlainTextResponse("open the explorer as http://127.0.0.1:PORT", 421)
        request = Request(scope)
        given = request.query_params.get("token")
        if given is not None and self._is_token(given):
            left = [(name, value) for name, value in parse_qsl(request.url.query) if name != "token"]
            # The path is kept as it was sent, but for slashes in front, which would name another host.
            path = "/" + scope.get("raw_path", b"/").decode("latin-1").partition("?")[0].lstrip("/\\")
            response = RedirectResponse(f"{path}?{urlencode(left)}" if left else path, 303)
            response.set_cookie(COOKIE, given, httponly=True, samesite="strict")
            return response
        scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
        if self._is_token(request.cookies.get(COOKIE, "")) or (scheme.lower() == "bearer" and self._is_token(bearer)):
            return None
        return PlainTextResponse("give the token that the explorer printed: ?token=...", 401)

    def _is_token(self, given: str) -> bool:
        assert self._token is not None  # asked only where there is one
        return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), self._token.encode())


def _host(header: str) -> str:
    """Return the host of a Host header, without its port; empty if it is not one."""
    match = HOST.fullmatch(header.lower())
    return "" if match is None else match["address"] or match["name"]
