"""Restricts who may use the page: password, host names, origin of requests, and headers for browsers."""

import asyncio
import base64
import binascii
import hashlib
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from aiohttp import web

from ..config.web import WebConfig
from .answers import error_response
from .bodies import read_form, refuse_compressed
from .browsers import cookies_of, is_for_a_person
from .hosts import Hosts, is_from_another_site
from .limiter import Limiter
from .passwords import matches
from .proxies import AT_BASE, BASE, VIA_PROXY, is_forwarded, neighbourhood
from .sessions import DEVICE_IDLE, LONGEST, Sessions, hashed

log = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

WRITE_S = 600.0
"""Seconds between two times at which it is written down that sessions are in use."""
WRITE_WAIT_S = 2.0
MAX_ACCEPTED_HEADERS = 50
NO_SESSION = ""
OPEN_AGAIN_S = 2.0
METRICS = "/metrics"


class Guard:
    """Refuses requests before they reach a handler (aiohttp middleware), and handles login and logout.

    Runs in the page's thread; passwords are hashed, and sessions written, in the executor. Without a password in the
    options no login is needed (the configuration allows that on loopback only). ``file`` keeps the sessions over a
    restart; None keeps them in memory. ``is_public`` tells which requests need no password.
    """

    def __init__(self, options: WebConfig, file: Path | None, is_public: Callable[[web.Request], bool]) -> None:
        self._password_hash = options.password_hash
        self._https = bool(options.certificate)
        self._hosts = Hosts(options.host, options.allowed_hosts)
        self._sessions = Sessions(file, options.password_hash)
        self._is_public = is_public
        self._limiter = Limiter()
        self._accepted_headers: set[bytes] = set()
        # one at a time: each takes 16 MB. Who is known does not wait behind strangers
        self._hashing = {known: asyncio.Lock() for known in (False, True)}
        self._writing = asyncio.Lock()
        self._write_at = 0.0
        self._told_of_proxy = False
        self._open: dict[str, set[asyncio.Transport]] = {}
        # browsers send a cookie to every port of a host, where another door may be served
        self._session_cookie, self._device_cookie = f"maskwatch_{options.port}", f"maskwatch_device_{options.port}"

    def routes(self) -> tuple[web.RouteDef, ...]:
        """Returns the routes of login and logout."""
        return web.post("/login", self.login), web.post("/logout", self.logout)

    def middleware(self) -> Any:
        """Makes the middleware for ``web.Application``."""

        @web.middleware
        async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
            if refusal := self._refuse(request) or self._redirect(request):
                return refusal
            return await self._require_login(request) or await self._handle(request, handler)

        return guard

    def _refuse(self, request: web.Request) -> web.Response | None:
        return self._hosts.refusal(request) or self._refuse_foreign(request) or refuse_compressed(request)

    def _refuse_foreign(self, request: web.Request) -> web.Response | None:
        """Refuses requests from another site's page."""
        if not self._told_of_proxy and is_forwarded(request) and not request.get(VIA_PROXY):
            self._told_of_proxy = True
            log.warning(
                "a proxy at %s passes requests on to the page, but trusted_proxies in [web] does not name it: all its "
                "visitors count as one when wrong passwords are limited",
                request.remote,
            )
        if not is_from_another_site(request):
            return None
        return web.Response(status=403, text="the request comes from another site's page; open this page itself")

    def _redirect(self, request: web.Request) -> web.Response | None:
        """Leads to https where the page has a certificate, and from the base path to the page below it."""
        where = request.get(BASE, "") + request.rel_url.raw_path_qs
        if self._https and not request.secure and not request.get(VIA_PROXY):
            address = f"https://{request.host}{where}"
            return web.Response(status=308, headers={"Location": address}, text=f"this page is at {address}")
        if request.get(AT_BASE):
            query = request.rel_url.raw_query_string
            below = request[BASE].rpartition("/")[2] + ("/?" if query else "/") + query
            return web.Response(status=307, headers={"Location": below})
        return None

    async def _require_login(self, request: web.Request) -> web.StreamResponse | None:
        if not self._password_hash or self._is_public(request) or self._session_of(request):
            return None
        if request.path != METRICS and request.method in ("GET", "HEAD") and is_for_a_person(request):
            up = "../" * (request.rel_url.raw_path.count("/") - 1)
            return web.Response(status=303, headers={"Location": f"{up}login"})
        if "Authorization" in request.headers:
            return await self._basic_authentication(request)
        challenge = {"WWW-Authenticate": 'Basic realm="maskwatch"'} if request.path == METRICS else None
        return web.Response(status=401, text="log in first", headers=challenge)

    def _session_of(self, request: web.Request) -> str | None:
        return next(filter(self._sessions.logins.is_valid, cookies_of(request, self._session_cookie)), None)

    def _device_of(self, request: web.Request) -> str | None:
        """Returns the token of a browser that has logged in before."""
        return next(filter(self._sessions.devices.is_valid, cookies_of(request, self._device_cookie)), None)

    async def _handle(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Handles a request. What is still open when its session ends is ended with it."""
        token = self._session_of(request) if self._password_hash else None
        if request.transport is None:
            return await handler(request)
        key = hashed(token) if token else NO_SESSION
        transport, others = request.transport, self._open.setdefault(key, set())
        others.add(transport)
        try:
            if token is None:
                return await handler(request)
            self._write_at = self._write_at or asyncio.get_running_loop().time() + WRITE_S
            if asyncio.get_running_loop().time() > self._write_at:
                await self._write()
            return await handler(request)
        finally:
            others.discard(transport)
            if not others:
                self._open.pop(key, None)

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
            if len(self._accepted_headers) >= MAX_ACCEPTED_HEADERS:
                self._accepted_headers.clear()
            self._accepted_headers.add(digest)
        return refusal

    async def _check_password(
        self, request: web.Request, password: str, device: str | None = None
    ) -> web.Response | None:
        """Returns None for the right password, else the response that refuses it.

        ``device`` is the token of a browser that has logged in before. Its tries are counted apart from all others.
        """
        visitor = f"device {hashed(device)}" if device else neighbourhood(request.remote or "")
        if (seconds := self._limiter.seconds_to_wait(visitor, bool(device))) > 0:
            text = f"too many wrong passwords; try again in {seconds:.0f} s"
            return web.Response(status=429, text=text, headers={"Retry-After": f"{seconds:.0f}"})
        self._limiter.count_wrong(visitor, bool(device))  # before the check, so that guesses sent at once all count
        async with self._hashing[bool(device)]:
            loop = asyncio.get_running_loop()
            right = await loop.run_in_executor(None, matches, password, self._password_hash)
        if right:
            self._limiter.uncount(visitor)
            return None
        return web.Response(status=401, text="wrong password")

    async def login(self, request: web.Request) -> web.Response:
        """Checks the password of a form; sets the cookies of the session and of the browser."""
        try:
            form = await read_form(request)
        except TimeoutError:
            return web.Response(status=408, text="the login did not arrive in time; try again")
        except ValueError as error:
            return web.Response(status=400, text=f"this is no form with a password: {error}")
        device = self._device_of(request)
        if refusal := await self._check_password(request, form.get("password", ""), device):
            return refusal
        response = web.Response(text="logged in")
        self._set_cookie(request, response, self._session_cookie, self._sessions.logins.create(), LONGEST)
        self._set_cookie(request, response, self._device_cookie, device or self._sessions.devices.create(), DEVICE_IDLE)
        await self._write()
        return response

    def _set_cookie(self, request: web.Request, response: web.Response, name: str, token: str, seconds: float) -> None:
        path, age = request.get(BASE) or "/", int(seconds)
        response.set_cookie(name, token, httponly=True, samesite="Lax", path=path, secure=request.secure, max_age=age)

    async def logout(self, request: web.Request) -> web.Response:
        """Ends the session, and what is still open in it."""
        for token in cookies_of(request, self._session_cookie):
            self._sessions.logins.end(token)
            for other in self._open.pop(hashed(token), set()):
                if other is not request.transport:
                    other.abort()
        await self._write()
        response = web.Response(text="logged out")
        response.del_cookie(self._session_cookie, path=request.get(BASE) or "/")
        return response

    async def check_current(self, request: web.Request, password: str) -> web.Response | None:
        """Returns None if the page has no password, or this one; else the response that refuses it."""
        if not self._password_hash:
            return None
        refusal = await self._check_password(request, password, self._device_of(request) or self._session_of(request))
        # 401 means: log in; who asks has done that
        return error_response(403, "the current password is wrong") if refusal and refusal.status == 401 else refusal

    async def replace_password(self, request: web.Request, response: web.Response, password_hash: str) -> None:
        """Takes another password at once. Every session but the visitor's ends, and what is open in it."""
        self._password_hash = password_hash
        self._accepted_headers.clear()
        own = self._session_of(request)
        self._sessions.replace_password(password_hash, own)
        if own is None:
            self._set_cookie(request, response, self._session_cookie, self._sessions.logins.create(), LONGEST)
        for key in [key for key in self._open if own is None or key != hashed(own)]:
            # what the visitor has open without a session is opened again with the cookie, which must be there first
            delay = OPEN_AGAIN_S if key == NO_SESSION else 0
            for transport in self._open.pop(key) - {request.transport}:
                asyncio.get_running_loop().call_later(delay, transport.abort)
        # not awaited: until the answer has brought the cookie, the visitor's own requests are refused
        self._last_write = asyncio.ensure_future(self._write_in_turn())

    async def close(self, app: web.Application) -> None:
        """Writes the sessions (aiohttp's ``on_cleanup``)."""
        if self._password_hash:
            await self._write()

    async def _write(self) -> None:
        """Keeps the sessions on disk. Waits for a disk that is slow, but not for one that hangs."""
        await asyncio.wait({asyncio.ensure_future(self._write_in_turn())}, timeout=WRITE_WAIT_S)

    async def _write_in_turn(self) -> None:
        """Writes once at a time, so that the last one has the last state."""
        async with self._writing:
            self._write_at = 0.0
            await asyncio.get_running_loop().run_in_executor(None, self._sessions.write, self._sessions.content())
