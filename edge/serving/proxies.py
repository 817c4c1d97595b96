"""Tells who really asks behind a reverse proxy: address, scheme, host and path of the visitor.

What a request says of itself counts only if a trusted proxy has sent it. Of a chain of addresses, the rightmost counts
that is no trusted proxy: everything to the left of it may be invented by the visitor.
"""

import ipaddress
import re
from collections.abc import Iterable
from typing import Any, TypeVar

from aiohttp import web
from yarl import URL

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
R = TypeVar("R", bound=web.BaseRequest)

MAX_HOPS = 20


def _key(name: str) -> Any:
    """Returns a key for marks of a request; aiohttp 3.14 warns of plain texts, and earlier ones know nothing else."""
    return web.RequestKey(name, object) if hasattr(web, "RequestKey") else name


VIA_PROXY, BASE, AT_BASE = _key("via_proxy"), _key("base"), _key("at_base")
"""What a request is marked with: a trusted proxy has sent it; the path before the page's own paths, as the visitor sees
it; its path is exactly that, without a slash at its end."""
FORWARDED_HEADERS = ("Forwarded", "X-Forwarded-For", "X-Real-Ip")
PAIR = re.compile(r'\s*([a-zA-Z]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s;,"]*))\s*(?:[;]|$)')
ELEMENT = re.compile(r'(?:[^,"]|"(?:[^"\\]|\\.)*")+')


class Proxies:
    """The reverse proxies that are trusted, and the path under which they serve the page."""

    def __init__(self, trusted: Iterable[str], base_path: str) -> None:
        self._networks = [ipaddress.ip_network(one, strict=False) for one in trusted]
        self._base = base_path.rstrip("/")

    def trusts(self, address: str) -> bool:
        """Returns whether an address is that of a trusted proxy."""
        parsed = parse_address(address)
        return parsed is not None and any(parsed in network for network in self._networks)

    def as_seen(self, request: R) -> R:
        """Returns the request as the visitor sent it to the outermost trusted proxy."""
        via_proxy = self.trusts(request.remote or "")
        changes = self._forwarded(request) if via_proxy else {}
        path = request.rel_url.raw_path
        inside = bool(self._base) and (path == self._base or path.startswith(f"{self._base}/"))
        if inside:
            below = path.removeprefix(self._base).lstrip("/")
            query = request.rel_url.raw_query_string
            changes["rel_url"] = URL.build(path=f"/{below}", query_string=query, encoded=True)
        seen = request.clone(**changes) if changes else request  # type: ignore[arg-type]
        seen[VIA_PROXY] = via_proxy
        seen[BASE] = self._base if inside or via_proxy else ""
        seen[AT_BASE] = inside and path == self._base
        return seen  # type: ignore[return-value]

    def _forwarded(self, request: web.BaseRequest) -> dict[str, str | URL]:
        """Returns what the trusted proxies say about the visitor."""
        peer = request.remote or ""
        chain = _list(request, "X-Forwarded-For")
        standard = [_pairs(element) for element in _elements(request)]
        remote, hops = self._visitor(peer, chain)
        other, other_hops = self._visitor(peer, [pairs.get("for", "") for pairs in standard])
        if chain and standard and remote != other:
            remote = peer  # one of the two is the visitor's invention; nobody knows which
        if not chain:
            remote, hops = other, other_hops
        named = standard[-min(other_hops, len(standard))] if standard else {}
        scheme = _pick(_list(request, "X-Forwarded-Proto"), hops) or named.get("proto", "")
        host = _pick(_list(request, "X-Forwarded-Host"), hops) or named.get("host", "")
        changes: dict[str, str | URL] = {"remote": remote}
        if scheme.lower() in ("http", "https"):
            changes["scheme"] = scheme.lower()
        if host:
            changes["host"] = host
        return changes

    def _visitor(self, peer: str, chain: list[str]) -> tuple[str, int]:
        """Returns the visitor's address, and how many steps from the right of the chain it stands."""
        visitor, hops = peer, 1
        for step, entry in enumerate(reversed(chain[-MAX_HOPS:]), 1):
            address = parse_address(entry)
            if address is None:
                break
            visitor, hops = str(address), step
            if not self.trusts(visitor):
                break
        return visitor, hops


def is_forwarded(request: web.BaseRequest) -> bool:
    """Returns whether a request says that a proxy has passed it on."""
    return any(name in request.headers for name in FORWARDED_HEADERS)


def parse_address(text: str) -> Address | None:
    """Reads an IP address, also with a port or in brackets; None for anything else."""
    text = text.strip().strip('"')
    if bracketed := re.fullmatch(r"\[([^\]]*)\](?::\d+)?", text):
        text = bracketed[1]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def neighbourhood(address: str) -> str:
    """Returns the address, or the /64 network of an IPv6 address: whoever has one address there has all of them."""
    parsed = parse_address(address)
    if isinstance(parsed, ipaddress.IPv6Address) and not parsed.is_loopback:
        return str(ipaddress.ip_network((int(parsed) >> 64 << 64, 64)))
    return str(parsed or address)


def _list(request: web.BaseRequest, name: str) -> list[str]:
    return [entry.strip() for line in request.headers.getall(name, ()) for entry in line.split(",")]


def _pick(values: list[str], hops: int) -> str:
    return values[-min(hops, len(values))] if values else ""


def _elements(request: web.BaseRequest) -> list[str]:
    return [found for line in request.headers.getall("Forwarded", ()) for found in ELEMENT.findall(line)]


def _pairs(element: str) -> dict[str, str]:
    """Reads one element of a Forwarded header (RFC 7239)."""
    return {name.lower(): quoted or plain for name, quoted, plain in PAIR.findall(element)}
