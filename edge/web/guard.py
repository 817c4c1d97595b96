"""Who may ask what: the password, the names this page answers to, and what browsers must not do with it."""

import asyncio
import base64
import binascii
import hashlib
import ipaddress
import socket
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from .passwords import Limiter, Sessions, matches

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

COOKIE = "maskwatch"
FORM = 4096
"""Bytes of a login, at most: strangers may send one."""
OPEN = ("/healthz", "/login", "/style.css", "/login.js")
"""Paths that need no password."""
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "media-src 'self' blob:; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Server": "maskwatch",
}


class Guard:
    """Middleware, and the login. Without a hash everybody who reaches the page may use it (loopback only)."""

    def __init__(self, host: str, password_hash: str) -> None:
        self._hash = password_hash
        self._limiter, self._sessions = Limiter(), Sessions()
        self._known: set[bytes] = set()
        self._one = asyncio.Lock()  # a guess takes 16 MB
        name = socket.gethostname().lower()
        self._names = {"localhost", name, f"{name.partition('.')[0]}.local", host.lower()}

    def middleware(self) -> Any:
        @web.middleware
        async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
            return self._foreign(request) or await self._locked(request) or await handler(request)

        return guard

    def _foreign(self, request: web.Request) -> web.Response | None:
        """Another site's page, or another name that leads here (DNS rebinding)."""
        name = (urlsplit(f"//{request.headers.get('Host', '')}").hostname or "").lower()
        if name not in self._names and not _is_address(name):
            text = f"this page answers to its address and to {', '.join(sorted(self._names))}, not to {name!r}"
            return web.Response(status=421, text=text)
        if request.method in ("GET", "HEAD"):
            return None
        origin, site = request.headers.get("Origin"), request.headers.get("Sec-Fetch-Site", "same-origin")
        if (origin and urlsplit(origin).netloc != request.headers["Host"]) or site not in ("same-origin", "none"):
            return web.Response(status=403, text="this was sent by another site's page")
        return None

    async def _locked(self, request: web.Request) -> web.StreamResponse | None:
        if not self._hash or request.path in OPEN or self._sessions.holds(request.cookies.get(COOKIE, "")):
            return None
        if "Authorization" in request.headers:
            return await self._basic(request)
        if request.path == "/" and request.method == "GET":
            raise web.HTTPSeeOther("/login")
        ask = {"WWW-Authenticate": 'Basic realm="maskwatch"'} if request.path == "/metrics" else None
        return web.Response(status=401, text="log in first", headers=ask)

    async def _basic(self, request: web.Request) -> web.StreamResponse | None:
        """For programs such as Prometheus: any user name with the page's password."""
        header = request.headers["Authorization"].encode("utf-8", "surrogateescape")
        digest = hashlib.sha256(header).digest()
        if digest in self._known:
            return None
        try:
            password = base64.b64decode(header.partition(b" ")[2], validate=True).decode().partition(":")[2]
        except (binascii.Error, UnicodeDecodeError):
            password = ""
        refused = await self._refuses(request, password)
        if not refused:
            self._known.add(digest)
        return refused

    async def _refuses(self, request: web.Request, password: str) -> web.Response | None:
        address = request.remote or ""
        if (seconds := self._limiter.wait(address)) > 0:
            text = f"too many wrong passwords; wait {seconds:.0f} s"
            return web.Response(status=429, text=text, headers={"Retry-After": f"{seconds:.0f}"})
        self._limiter.wrong(address)  # before the answer is known: many at once count as many
        async with self._one:
            right = await asyncio.get_running_loop().run_in_executor(None, matches, password, self._hash)
        if right:
            self._limiter.right(address)
            return None
        return web.Response(status=401, text="wrong password")

    async def login(self, request: web.Request) -> web.Response:
        if (request.content_length or FORM + 1) > FORM:
            return web.Response(status=413, text="a password is shorter than that")
        form = await request.post()
        if refused := await self._refuses(request, str(form.get("password", ""))):
            return refused
        response = web.Response(text="welcome")
        secure = request.headers.get("X-Forwarded-Proto") == "https"
        response.set_cookie(COOKIE, self._sessions.new(), httponly=True, samesite="Strict", path="/", secure=secure)
        return response

    async def logout(self, request: web.Request) -> web.Response:
        self._sessions.end(request.cookies.get(COOKIE, ""))
        response = web.Response(text="bye")
        response.del_cookie(COOKIE)
        return response


async def restrict(request: web.Request, response: web.StreamResponse) -> None:
    """An ``on_response_prepare`` of aiohttp: what browsers must not do, in every answer, streams and errors too."""
    response.headers.update(HEADERS)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
