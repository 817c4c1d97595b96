"""Posts requests to the web address of a phone service or a webhook: login, redirects, and what an answer means.

urllib turns a POST into an empty GET at a redirect (301, 302, 303) and takes ``user:password@host`` for a host name, so
both are done here. The address is as secret as a password: only its server is ever shown.
"""

import base64
import socket
import string
import threading
import urllib.error
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import Message
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import SplitResult, quote, unquote_to_bytes, urljoin, urlsplit

from ..addresses import PORTS, is_plain, shown_server, split_post_address
from ..errors import ConfigError

REQUEST_TIMEOUT = 15.0
"""Seconds of silence after which a request has failed."""
LONGEST_REQUEST = 30.0
"""Seconds after which it has failed, however the server goes on."""
MAX_REDIRECTS = 5
LONGEST_RETRY_AFTER = 3600.0
"""Seconds of ``Retry-After`` that are obeyed at most."""
REDIRECTS = (301, 302, 303, 307, 308)
RETRIABLE_STATUSES = (408, 425, 429)
"""HTTP statuses below 500 after which the same request can succeed: timeout, too early, too many requests."""
LOGIN_STATUSES = (401, 403, 407)
"""HTTP statuses that concern every text: texts wait until somebody corrects the login."""


@dataclass(frozen=True, slots=True)
class PostFailure:
    """Why a text was not accepted, whether another attempt can succeed, and the pause that the server asks for.

    ``status`` is the HTTP status, 0 if there was none.
    """

    reason: str
    retry: bool
    pause: float | None = None
    status: int = 0


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """Leaves redirects to ``Destination``."""

    def http_error_302(self, *args: Any) -> None:
        """Returns None, so that the answer is raised as an ``HTTPError``."""

    http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302  # type: ignore[assignment]


class _Connections(urllib.request.HTTPSHandler, urllib.request.HTTPHandler):
    """Remembers the connection of the newest request, so that another thread can end it."""

    def __init__(self) -> None:
        super().__init__()
        self._newest: Any = None
        self.ended = False

    def do_open(self, http_class: Any, req: urllib.request.Request, **http_conn_args: Any) -> Any:
        if self.ended:  # between two redirects
            raise TimeoutError(f"it took longer than {LONGEST_REQUEST:.0f} s")

        def connection(host: str, **more: Any) -> Any:
            self._newest = http_class(host, **more)
            return self._newest

        return super().do_open(connection, req, **http_conn_args)

    def end(self) -> None:
        """Ends the request, once it is connected; before that, connecting has a limit of its own."""
        self.ended = True
        with suppress(OSError, AttributeError):  # it has ended meanwhile, or has not begun
            self._newest.sock.shutdown(socket.SHUT_RDWR)


class Destination:
    """A web address that takes texts, with the login that it needs.

    The login is in the address (``https://user:password@server/...``, percent-encoded) or is a ``token``. ``option``
    is what names the address in messages, and ``login_advice`` what to do when the server refuses the login. Raises
    ``ConfigError``, which never quotes the address.
    """

    def __init__(
        self,
        url: str,
        token: str = "",
        *,
        option: str = "--post",
        login_advice: str = "check the login or token, then restart",
        limit: float = LONGEST_REQUEST,
    ) -> None:
        parts = _split(url, option)
        self._option = option
        self._login_advice = login_advice
        self._limit = limit
        userinfo, _, host = parts.netloc.rpartition("@")
        self.server = shown_server(parts)
        self._url = parts._replace(netloc=host, fragment="").geturl()
        self._headers: dict[str, str] = {}
        if userinfo and token:
            raise ConfigError(f"{option}: the address has a login, and there is a token too; use one of them")
        if userinfo:
            user, _, password = userinfo.partition(":")
            login = unquote_to_bytes(user) + b":" + unquote_to_bytes(password)
            self._headers["Authorization"] = "Basic " + base64.b64encode(login).decode()
        elif token:
            if not is_plain(token):
                raise ConfigError(f"{option}-token: the file must contain the token alone, on one line")
            self._headers["Authorization"] = f"Bearer {token}"
        self._connections = _Connections()
        self._opener = urllib.request.build_opener(NoRedirect, self._connections)

    def end(self) -> None:
        """Ends a request that is under way. For any thread."""
        self._connections.end()

    def post(self, headers: Mapping[str, str], body: bytes) -> PostFailure | None:
        """Posts a request, and again where the same server redirects to; None if it was accepted."""
        self._connections.ended = False
        limit = threading.Timer(self._limit, self.end)
        limit.daemon = True
        limit.start()
        try:
            return self._post(headers, body)
        finally:
            limit.cancel()

    def _post(self, headers: Mapping[str, str], body: bytes) -> PostFailure | None:
        url = self._url
        for _ in range(MAX_REDIRECTS + 1):
            request = urllib.request.Request(url, body, {**headers, **self._headers}, method="POST")
            try:
                with self._opener.open(request, timeout=REQUEST_TIMEOUT):
                    return None
            except urllib.error.HTTPError as error:
                with error:
                    if error.code not in REDIRECTS:
                        return _refusal(error.code, error.headers, self._login_advice)
                    try:
                        url = _target(url, error.headers.get("Location", ""), self._option)
                    except ValueError as fault:
                        return PostFailure(f"answers {error.code} and redirects to {fault}", True)
            except (OSError, ValueError) as error:  # URLError is an OSError
                return PostFailure(f"cannot be reached: {getattr(error, 'reason', None) or type(error).__name__}", True)
            except Exception as error:  # http.client raises exceptions of its own for an answer that is not HTTP
                return PostFailure(f"gives no HTTP answer: {type(error).__name__}", True)
        return PostFailure(f"redirects more than {MAX_REDIRECTS} times", True)


def _split(url: str, option: str) -> SplitResult:
    try:
        return split_post_address(url)
    except ValueError as fault:
        raise ConfigError(f"{option}: {fault}") from None


def _target(url: str, location: str, option: str) -> str:
    """Returns the address of a redirect. Raises ``ValueError`` if the text must not be sent there.

    A text and its login go to the same server only, and never from https to http.
    """
    if not location or not location.isprintable():
        raise ValueError("nowhere")
    try:
        # http.client decodes headers as Latin-1; a space or another letter must be escaped to be sent
        old, new = urlsplit(url), urlsplit(urljoin(url, quote(location, string.punctuation, "latin-1")))
        new = new._replace(netloc=new.netloc.rpartition("@")[2], fragment="")
        ports = [parts.port or PORTS.get(parts.scheme) for parts in (old, new)]
    except ValueError:
        raise ValueError("an address that cannot be read") from None
    if new.scheme not in PORTS or not new.hostname:
        raise ValueError("no web address")
    if new.hostname != old.hostname:
        raise ValueError(f"another server, {new.hostname}; if it is the right one, give its address in {option}")
    upgrade = (old.scheme, new.scheme) == ("http", "https") and ports[1] in (PORTS["https"], ports[0])
    if not upgrade and (new.scheme, ports[1]) != (old.scheme, ports[0]):
        raise ValueError(f"{new.scheme} on port {ports[1]}; if that is the right one, give its address in {option}")
    return new.geturl()


def _refusal(code: int, headers: Message, login_advice: str) -> PostFailure:
    """Returns what an HTTP status means; the server's own words are not shown."""
    if code >= 500 or code in RETRIABLE_STATUSES:
        return PostFailure(f"answers {code}", True, _retry_after(headers), code)
    if code in LOGIN_STATUSES:
        return PostFailure(f"answers {code}: {login_advice}", True, None, code)
    if code < 400:
        return PostFailure(f"answers {code}, which accepts nothing", True)
    return PostFailure(f"answers {code}{'; check the path of the address' if code == 404 else ''}", False, None, code)


def _retry_after(headers: Message) -> float | None:
    """Returns the pause in seconds that the server asks for, as a number or as a date by its own clock."""
    text = str(headers.get("Retry-After", "")).strip()
    try:
        if text.isdecimal():
            return min(float(text), LONGEST_RETRY_AFTER)
        date = headers.get("Date")
        start = _utc(str(date)) if date else datetime.now(UTC)
        return max(0.0, min((_utc(text) - start).total_seconds(), LONGEST_RETRY_AFTER))
    except (ValueError, TypeError, OverflowError):
        return None


def _utc(text: str) -> datetime:
    moment = parsedate_to_datetime(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
