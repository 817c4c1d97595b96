"""Tells under which host names the page may be called, and whether a request comes from the page itself."""

import re
import socket
from collections.abc import Iterable
from urllib.parse import urlsplit

from aiohttp import web

from .proxies import parse_address

HOST = re.compile(r"(\[[0-9a-fA-F:.]+(?:%[\w.-]+)?\]|[^\[\]:/@?#\\\s,]+)(?::(\d{1,5}))?")
"""A host name or address, and a port (RFC 9112, 3.2)."""
PORTS = {"http": 80, "https": 443}


class Hosts:
    """The names under which a browser may ask for the page: those of this machine, and ``allowed``.

    Any IP address is one too. Other names are refused, because another site could lead its own name to this address
    (DNS rebinding).
    """

    def __init__(self, host: str, allowed: Iterable[str]) -> None:
        name = socket.gethostname().lower()
        short = name.partition(".")[0]
        given = [entry.lower().rstrip(".") for entry in allowed]
        self.names = {"localhost", name, short, f"{short}.local", host.lower()} - {""}
        self.names |= {entry.strip("[]") for entry in given if not entry.startswith("*.")}
        self._endings = tuple(entry[1:] for entry in given if entry.startswith("*."))

    def refusal(self, request: web.Request) -> web.Response | None:
        """Returns the response to a request for another host, or without one."""
        headers = request.headers.getall("Host", [])
        named = [*headers, request.host] if len(headers) == 1 else [""]
        for name in map(name_of, named):  # both: the host that a proxy names may be the visitor's invention
            if name is None:
                return web.Response(status=400, text="the request names no valid host; open the page in a browser")
            if not self._allows(name):
                names = ", ".join(sorted(self.names))
                text = (
                    f"this page is not served under the host name {name!r}; use its IP address or one of: {names}; "
                    "or add the name to allowed_hosts in [web]"
                )
                return web.Response(status=421, text=text)
        return None

    def _allows(self, name: str) -> bool:
        return name in self.names or parse_address(name) is not None or name.endswith(self._endings or ("\0",))


def name_of(host: str) -> str | None:
    """Returns the name or address in a Host header, without port and brackets; None if it is malformed."""
    found = HOST.fullmatch(host)
    return found[1].strip("[]").lower().rstrip(".") if found else None


def is_from_another_site(request: web.Request) -> bool:
    """Returns whether another site's page has sent a request, or loads something from here.

    It cannot see what it loads, an image for example, but it would hold the places of viewers. A link to the page is no
    such load.

    What the browser says counts first: no script can write ``Sec-Fetch-Site``, and no proxy changes it. Older
    browsers, and all of them over plain HTTP, send ``Origin`` only; it must be the host that was asked for.
    """
    is_read = request.method in ("GET", "HEAD")
    if site := request.headers.get("Sec-Fetch-Site"):
        is_link = is_read and request.headers.get("Sec-Fetch-Mode") == "navigate"
        return site not in ("same-origin", "none") and not is_link
    # with GET, browsers send Origin for what a script of another site asks for: fetch, EventSource, WebSocket
    origins = request.headers.getall("Origin", [])
    return bool(origins) and not (len(origins) == 1 and _is_origin(request, origins[0]))


def _is_origin(request: web.Request, origin: str) -> bool:
    """Compares scheme, host and port. Behind a proxy that is not trusted, the visitor's scheme is not known."""
    try:
        parts = urlsplit(origin)
        asked = urlsplit(f"{parts.scheme}://{request.host}")
        port = PORTS.get(parts.scheme)
        same = (parts.hostname, parts.port or port) == (asked.hostname, asked.port or port)
    except ValueError:
        return False
    return bool(parts.hostname) and same and parts.scheme in ("https", request.scheme)
