"""Restricts who may use the page: password, host names, origin of requests, and headers for browsers."""

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

SESSION_COOKIE = "maskwatch"
MAX_LOGIN_BYTES = 4096
"""Bytes of a login request; anyone can send one."""
PUBLIC_PATHS = ("/healthz", "/login", "/style.css", "/icon.svg", "/js/login.js", "/js/common.js")
"""Paths that need no password."""
SECURITY_HEADERS = {
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
    """Refuses requests before they reach a handler (aiohttp middleware), and handles login and logout.

    Runs in the page's thread; passwords are hashed in the executor. With an empty ``password_hash`` no login is needed
    (the configuration allows that on loopback only).
    """

    def __init__(self, host: str, password_hash: str) -> None:
        self._password_hash = password_hash
        self._limiter = Limiter()
        self._sessions = Sessions()
        self._accepted_headers: set[bytes] = set()
        self._hashing = asyncio.Lock()  # one at a time: each takes 16 MB
        name = socket.gethostname().lower()
        self._host_names = {"localhost", name, f"{name.partition('.')[0]}.local", host.lower()}

    def middleware(self) -> Any:
        """Makes the middleware for ``web.Application``."""

        @web.middleware
        async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
            return self._refuse_foreign(request) or await self._require_login(request) or await handler(request)

        return guard

    def _refuse_foreign(self, request: web.Request) -> web.Response | None:
        """Refuses requests from another site's page, and requests to another host name (DNS rebinding)."""
        name = (urlsplit(f"//{request.headers.get('Host', '')}").hostname or "").lower()
        if name not in self._host_names and not _is_ip_address(name):
            names = ", ".join(sorted(self._host_names))
            text = f"this page is not served under the host name {name!r}; use its IP address or one of: {names}"
            return web.Response(status=421, text=text)
        if request.method in ("GET", "HEAD"):
            return None
        origin = request.headers.get("Origin")
        site = request.headers.get("Sec-Fetch-Site", "same-origin")
        if (origin and urlsplit(origin).netloc != request.headers["Host"]) or site not in ("same-origin", "none"):
            return web.Response(status=403, text="the request comes from another site's page; open this page itself")
        return None

    async def _require_login(self, request: web.Request) -> web.StreamResponse | None:
        if not self._password_hash or request.path in PUBLIC_PATHS:
            return None
        if self._sessions.is_valid(request.cookies.get(SESSION_COOKIE, "")):
            return None
        if "Authorization" in request.headers:
            return await self._basic_authentication(request)
        if request.path == "/" and request.method == "GET":
            raise web.HTTPSeeOther("login")
        challenge = {"WWW-Authenticate": 'Basic realm="maskwatch"'} if request.path == "/metrics" else None
        return web.Response(status=401, text="log in first", headers=challenge)

    async def _basic_authentication(self, request: web.Request) -> web.StreamResponse | None:
        """Checks basic authentication, for programs such as Prometheus: any user name, and the page's password."""
        header = request.headers["Authorization"].encode("utf-8", "surrogateescape")
        digest = hashlib.sha256(header).digest()
        if digest in self._accepted_headers:
            return None
        try:
            password = base64.b64decode(header.partition(b" ")[2], validate=True).decode().partition(":")[2]
        except (binascii.Error, UnicodeDecodeError):
            password = ""
        refusal = await self._check_password(request, password)
        if not refusal:
            self._accepted_headers.add(digest)
        return refusal

    async def _check_password(self, request: web.Request, password: str) -> web.Response | None:
        """Returns None for the right password, else the response that refuses it."""
        address = request.remote or ""
        if (seconds := self._limiter.seconds_to_wait(address)) > 0:
            text = f"too many wrong passwords; try again in {seconds:.0f} s"
            return web.Response(status=429, text=text, headers={"Retry-After": f"{seconds:.0f}"})
        self._limiter.count_wrong(address)  # before the check, so that guesses sent at once are all counted
        async with self._hashing:
            loop = asyncio.get_running_loop()
            right = await loop.run_in_executor(None, matches, password, self._password_hash)
        if right:
            self._limiter.uncount(address)
            return None
        return web.Response(status=401, text="wrong password")

    async def login(self, request: web.Request) -> web.Response:
        """Checks the password of a form and sets the session cookie."""
        if (request.content_length or MAX_LOGIN_BYTES + 1) > MAX_LOGIN_BYTES:
            return web.Response(status=413, text=f"a login has at most {MAX_LOGIN_BYTES} bytes")
        form = await request.post()
        if refusal := await self._check_password(request, str(form.get("password", ""))):
            return refusal
        response = web.Response(text="logged in")
        response.set_cookie(
            SESSION_COOKIE,
            self._sessions.create(),
            httponly=True,
            samesite="Strict",
            path="/",
            secure=request.headers.get("X-Forwarded-Proto") == "https",
        )
        return response

    async def logout(self, request: web.Request) -> web.Response:
        """Ends the session."""
        self._sessions.end(request.cookies.get(SESSION_COOKIE, ""))
        response = web.Response(text="logged out")
        response.del_cookie(SESSION_COOKIE)
        return response


async def add_security_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Adds the headers to every response, streams and errors included (aiohttp's ``on_response_prepare``)."""
    response.headers.update(SECURITY_HEADERS)


def _is_ip_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
