"""Who may look: anybody on this machine, elsewhere only who brings the token.

A browser gives the token once, in the address; it is then kept in a cookie that no script can read, and the
address is answered without it, so that it stays out of bookmarks and of the browser's history of the page.
"""

from __future__ import annotations

import hmac
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qsl, urlencode

from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

COOKIE = "dymos_probe_token"
PARAMETER = "token"
LEAST_LENGTH = 16
"""Characters of a token; shorter ones can be guessed."""

_NEEDED = "This dashboard needs its token: open it as ?token=… once.\n"
_NOT_CACHED = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}


class TokenGate:
    """ASGI middleware that lets nothing through, pages, files and sockets alike, without the token."""

    def __init__(self, app: ASGIApp, *, token: str) -> None:
        """Guard ``app``."""
        self._app = app
        self._token = token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        if self._is_right(_cookie(scope)):
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            # Closed before it is accepted: the browser sees a refusal, status 403.
            await WebSocket(scope, receive, send).close(code=1008)
        elif scope["method"] == "GET" and self._is_right(_parameter(scope)):
            await self._welcome(scope, receive, send)
        else:
            await PlainTextResponse(_NEEDED, status_code=401, headers=_NOT_CACHED)(scope, receive, send)

    def _is_right(self, given: str | None) -> bool:
        return given is not None and hmac.compare_digest(given.encode(), self._token)

    async def _welcome(self, scope: Scope, receive: Receive, send: Send) -> None:
        others = [(name, value) for name, value in _query(scope) if name != PARAMETER]
        # Two slashes at the start would be another host.
        target = "/" + scope["path"].lstrip("/") + (f"?{urlencode(others)}" if others else "")
        response = RedirectResponse(target, status_code=303, headers=_NOT_CACHED)
        secure = scope.get("scheme") == "https"
        response.set_cookie(COOKIE, self._token.decode(), httponly=True, samesite="strict", secure=secure)
        await response(scope, receive, send)


def _query(scope: Scope) -> list[tuple[str, str]]:
    return parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)


def _parameter(scope: Scope) -> str | None:
    return next((value for name, value in _query(scope) if name == PARAMETER), None)


def _cookie(scope: Scope) -> str | None:
    for name, value in scope["headers"]:
        if name == b"cookie":
            try:
                found = SimpleCookie(value.decode("latin-1")).get(COOKIE)
            except CookieError:
                return None
            return found.value if found else None
    return None
