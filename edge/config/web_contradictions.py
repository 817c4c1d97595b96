"""Finds options of the page that contradict each other, or what they name: hosts, proxies, paths."""

import ipaddress
import re
from collections.abc import Iterable

from ..addresses import is_ip, shown
from .web import WebConfig

HOST = re.compile(
    r"(\*\.)?([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?", re.IGNORECASE
)
"""A host name, or every name below one."""
BASE_PATH = re.compile(r"(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+/?")
LOOPBACK = ("127.0.0.1", "::1", "localhost")


def in_web(web: WebConfig) -> Iterable[str]:
    """Returns what is wrong with the options of the page, one line each."""
    if web.password_hash and not re.fullmatch(r"scrypt(\$[0-9]+){3}(\$[A-Za-z0-9+/=]+){2}", web.password_hash):
        yield "web.password_hash is not a valid hash; let `maskwatch set --web-password` write it"
    if web.enabled and not web.password_hash:
        yield from _without_password(web)
    if web.key and not web.certificate:
        yield "web.key needs web.certificate"
    yield from _in_names(web)


def _without_password(web: WebConfig) -> Iterable[str]:
    if web.host not in LOOPBACK:
        yield (
            f"web.host = {shown(web.host)!r}: other machines can reach this address, so the page needs a password: "
            "maskwatch set --web-password"
        )
    elif web.trusted_proxies:
        yield (
            "web.trusted_proxies: other machines can reach the page through a proxy, so it needs a password: "
            "maskwatch set --web-password"
        )


def _in_names(web: WebConfig) -> Iterable[str]:
    for name in web.allowed_hosts:
        if not is_ip(name.strip("[]")) and not HOST.fullmatch(name.rstrip(".")):
            yield (
                f"web.allowed_hosts: {shown(name)[:80]!r} must be a host name such as door.example.org, or "
                "*.example.org for every name below it, without http:// and port"
            )
    for proxy in web.trusted_proxies:
        try:
            ipaddress.ip_network(proxy, strict=False)
        except ValueError:
            yield (
                f"web.trusted_proxies: {shown(proxy)[:80]!r} must be an address such as 127.0.0.1, or a "
                "network such as 10.1.0.0/16"
            )
    if web.base_path and not BASE_PATH.fullmatch(web.base_path):
        yield f"web.base_path = {shown(web.base_path)[:80]!r}: must be a path such as /door, of letters, digits, ._~-"
