"""Who may look into the browser window: one browser at a time, and only with the address."""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aiohttp import web

_TIME_TO_CONNECT_S = 10.0  # between the first request of a browser and its WebSocket
_HEADERS = {
    "Cache-Control": "no-store",
    # Vue compiles the page in the browser, hence unsafe-eval; nothing comes from elsewhere.
    "Content-Security-Policy": (
        "default-src 'self' data: blob: 'unsafe-inline' 'unsafe-eval'; frame-ancestors 'self'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>brainreg3d</title>
<body style="background:#17181b;color:#f2f2f2;font:16px sans-serif;text-align:center;
padding-top:18vh"><h1 style="font-size:24px">{title}</h1><p>{text}</p></body></html>"""


class Gate:
    """Lets one browser in: the first that brings the token, which it trades for a cookie.

    A second browser is refused while the first is there. When the first is gone, another one may
    take over with the same token, and the cookie of the first is worth nothing from then on. Of
    several tabs of one browser, the last one to connect is served.

    Attributes
    ----------
    token : str
        Part of the address; a new one for each gate.
    ever_connected : bool
        Whether a browser has been there.
    """

    def __init__(self) -> None:
        self.token = secrets.token_urlsafe(24)
        self.ever_connected = False
        self._cookie_name = f"brainreg3d-{secrets.token_hex(4)}"
        self._cookie: str | None = None
        self._claimed_at = 0.0
        self._sockets: list[web.Request] = []

    @property
    def is_connected(self) -> bool:
        """Whether a browser is there now."""
        return bool(self._sockets)

    def middleware(self) -> Callable[..., Awaitable[web.StreamResponse]]:
        """Return what a web application of aiohttp has to pass every request through.

        Returns
        -------
        callable
            A middleware.
        """
        from aiohttp import web

        @web.middleware
        async def guard(
            request: web.Request,
            handler: Callable[[web.Request], Awaitable[web.StreamResponse]],
        ) -> web.StreamResponse:
            response = await self._admit(request, handler)
            if not response.prepared:
                response.headers.update(_HEADERS)
            return response

        return guard

    async def _admit(self, request: web.Request, handler: Any) -> web.StreamResponse:
        if self._knows(request):
            if request.headers.get("Upgrade", "").lower() == "websocket":
                return await self._serve_socket(request, handler)
            return await _answer(request, handler)
        token = request.query.get("token", "")
        if not hmac.compare_digest(token.encode(), self.token.encode()):
            return _refuse(
                "This address is not enough.",
                "Open the whole address that brainreg3d has shown, with the token at its end, and "
                "let the page set its cookie.",
            )
        if request.method != "GET" or request.path not in ("/", "/index.html"):
            return _refuse("Start with the address that brainreg3d has shown.", "")
        if self._is_taken():
            return _refuse(
                "The image is being placed in another browser.",
                "Close the page there first; then load this one again.",
            )
        return self._claim()

    def _knows(self, request: web.Request) -> bool:
        """Tell whether a request comes from the page of the browser that was let in."""
        cookie = request.cookies.get(self._cookie_name, "")
        # A header may hold any bytes, which aiohttp passes on as lone surrogates.
        sent = cookie.encode(errors="surrogateescape")
        if self._cookie is None or not hmac.compare_digest(sent, self._cookie.encode()):
            return False
        origin = request.headers.get("Origin")
        return origin is None or origin.partition("://")[2] == request.host

    def _is_taken(self) -> bool:
        on_its_way = time.monotonic() - self._claimed_at < _TIME_TO_CONNECT_S
        return self.is_connected or (self._claimed_at > 0 and on_its_way)

    def _claim(self) -> web.Response:
        from aiohttp import web

        self._cookie, self._claimed_at = secrets.token_urlsafe(24), time.monotonic()
        # Without the token in the address bar it cannot be read over a shoulder.
        response = web.Response(status=303, headers={"Location": "index.html"})
        # Lax, because a link that is clicked in another page has to work.
        response.set_cookie(self._cookie_name, self._cookie, httponly=True, samesite="Lax")
        return response

    async def _serve_socket(self, request: web.Request, handler: Any) -> web.StreamResponse:
        for earlier in self._sockets:
            if earlier.transport is not None:
                earlier.transport.close()
        self._sockets.append(request)
        self.ever_connected = True
        try:
            response: web.StreamResponse = await handler(request)
        finally:
            self._sockets.remove(request)
            self._claimed_at = 0.0  # it has been there, so it is not on its way any more
        return response


async def _answer(request: web.Request, handler: Any) -> web.StreamResponse:
    """Return a handler's response, be it returned or raised."""
    from aiohttp import web

    try:
        response: web.StreamResponse = await handler(request)
    except web.HTTPException as answer:
        return answer
    return response


def _refuse(title: str, text: str) -> web.Response:
    from aiohttp import web

    page = _PAGE.format(title=title, text=text)
    return web.Response(status=403, text=page, content_type="text/html")
