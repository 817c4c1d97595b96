"""edge.serving.proxies and edge.serving.hosts: what counts of a request that a proxy has passed on."""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import make_mocked_request
from support.browsing import Watched

from edge.serving.passwords import hash_password
from edge.serving.proxies import BASE, Proxies, neighbourhood

PASSWORD = "correct horse"
FORM = {"Content_Type": "application/x-www-form-urlencoded"}


class Peer:
    """A connection from an address, as far as a request asks for it."""

    def __init__(self, address: str) -> None:
        self._address = address

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return (self._address, 4711) if name == "peername" else default


def seen(headers: list[tuple[str, str]], peer: str = "127.0.0.1", path: str = "/", base: str = "") -> Any:
    """A request as it is seen behind the proxies 127.0.0.1 and 10.0.0.0/8."""
    from multidict import CIMultiDict

    made = make_mocked_request("GET", path, CIMultiDict([("Host", "pi:8080"), *headers]), transport=Peer(peer))
    return Proxies(["127.0.0.1", "10.0.0.0/8", "fd00::/8"], base).as_seen(made)


@pytest.mark.parametrize(
    ("headers", "address"),
    [
        ([], "127.0.0.1"),
        ([("X-Forwarded-For", "203.0.113.9")], "203.0.113.9"),
        ([("X-Forwarded-For", "1.1.1.1, 203.0.113.9")], "203.0.113.9"),
        ([("X-Forwarded-For", "1.1.1.1"), ("X-Forwarded-For", "203.0.113.9, 10.0.0.5")], "203.0.113.9"),
        ([("X-Forwarded-For", "10.0.0.7, 10.0.0.5")], "10.0.0.7"),
        ([("X-Forwarded-For", "203.0.113.9:4711")], "203.0.113.9"),
        ([("X-Forwarded-For", "::ffff:203.0.113.9")], "203.0.113.9"),
        ([("X-Forwarded-For", "[2001:db8::7]:4711, fd00::1")], "2001:db8::7"),
        ([("X-Forwarded-For", "203.0.113.9, unknown")], "127.0.0.1"),
        ([("X-Forwarded-For", "203.0.113.9, unknown, 10.0.0.5")], "10.0.0.5"),
        ([("X-Forwarded-For", "")], "127.0.0.1"),
        ([("X-Forwarded-For", ", " * 3000 + "203.0.113.9")], "203.0.113.9"),
        ([("Forwarded", "for=203.0.113.9;proto=https")], "203.0.113.9"),
        ([("Forwarded", 'for=1.1.1.1, For="[2001:db8::7]:4711" ; proto=https')], "2001:db8::7"),
        ([("Forwarded", 'for="_hidden"')], "127.0.0.1"),
        ([("Forwarded", 'for="203.0.113.9'), ("Forwarded", "=;,;;=,for")], "127.0.0.1"),
        ([("X-Forwarded-For", "203.0.113.9"), ("Forwarded", "for=1.1.1.1")], "127.0.0.1"),
        ([("X-Forwarded-For", "203.0.113.9"), ("Forwarded", "for=203.0.113.9")], "203.0.113.9"),
    ],
)
def test_the_rightmost_address_that_is_no_proxy_counts(headers: list[tuple[str, str]], address: str) -> None:
    assert seen(headers).remote == address


def test_from_anybody_else_nothing_of_it_counts() -> None:
    headers = [("X-Forwarded-For", "1.1.1.1"), ("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "evil.example")]
    request = seen([*headers, ("Forwarded", "for=1.1.1.1;host=evil.example;proto=https")], "203.0.113.9")
    assert (request.remote, request.scheme, request.host) == ("203.0.113.9", "http", "pi:8080")


@pytest.mark.parametrize(
    ("headers", "scheme", "host"),
    [
        ([("X-Forwarded-Proto", "https")], "https", "pi:8080"),
        ([("X-Forwarded-Proto", "http, https"), ("X-Forwarded-For", "1.1.1.1, 203.0.113.9")], "https", "pi:8080"),
        ([("X-Forwarded-Proto", "https, http"), ("X-Forwarded-For", "203.0.113.9, 10.0.0.5")], "https", "pi:8080"),
        ([("X-Forwarded-Proto", "javascript")], "http", "pi:8080"),
        ([("X-Forwarded-Host", "evil.example, door.example.org")], "http", "door.example.org"),
        ([("Forwarded", "for=203.0.113.9;proto=https;host=door.example.org")], "https", "door.example.org"),
    ],
)
def test_scheme_and_host_come_from_the_proxy(headers: list[tuple[str, str]], scheme: str, host: str) -> None:
    request = seen(headers)
    assert (request.scheme, request.host) == (scheme, host)


@pytest.mark.parametrize(
    ("path", "below", "base"),
    [
        ("/door/api/now?x=%26", "/api/now?x=%26", "/door"),
        ("/door/", "/", "/door"),
        ("/door", "/", "/door"),
        ("/door//evil.example/x", "/evil.example/x", "/door"),
        ("/doors", "/doors", ""),
        ("/api/now", "/api/now", ""),
    ],
)
def test_the_base_path_is_removed_where_the_proxy_did_not(path: str, below: str, base: str) -> None:
    request = seen([], "203.0.113.9", path, "/door/")
    assert request.rel_url.raw_path_qs == below and request[BASE] == base
    assert seen([], "127.0.0.1", "/api/now", "/door")[BASE] == "/door", "the trusted proxy has removed it"


def test_an_ipv6_visitor_is_its_network() -> None:
    assert neighbourhood("2001:db8:1:2:3::4") == "2001:db8:1:2::/64" == neighbourhood("2001:db8:1:2::")
    assert neighbourhood("203.0.113.9") == neighbourhood("::ffff:203.0.113.9") == "203.0.113.9"
    assert neighbourhood("::1") == "::1"


@pytest.fixture
def door(maskwatch: Callable[..., Any], tmp_path: Path) -> Iterator[Watched]:
    text = (
        f'password_hash = "{hash_password(PASSWORD)}"\ntrusted_proxies = ["127.0.0.1"]\nbase_path = "/door"\n'
        'allowed_hosts = ["door.example.org", "*.example.net"]\n'
    )
    with closing(Watched(maskwatch, tmp_path, text, "--print")) as door:
        yield door


def test_names_that_are_allowed(door: Watched) -> None:
    for name in ("door.example.org", "DOOR.example.org.:443", "a.b.example.net"):
        assert door.client.ask("/healthz", Host=name).status in (200, 503), name
    for name in ("example.net", "evilexample.net", "example.org", "door.example.org.evil.example"):
        assert door.client.ask("/healthz", Host=name).status == 421, name
    proxied = {"Host": "door.example.org", "X_Forwarded_Host": "evil.example"}
    assert door.client.ask("/healthz", **proxied).status == 421
    assert door.client.ask("/healthz", Host="evil.example", X_Forwarded_Host="door.example.org").status == 421


def test_login_behind_https_and_a_base_path(door: Watched) -> None:
    https = {"X_Forwarded_Proto": "https", "X_Forwarded_For": "203.0.113.9", "Host": "door.example.org"}
    client = door.client
    bare = client.ask("/door", **https)
    assert bare.status == 307 and bare.headers["Location"] == "door/"
    assert client.ask("/door?a=%2F&b", **https).headers["Location"] == "door/?a=%2F&b"
    for path, location in (("/door/", "login"), ("/door/sign", "login"), ("/door/a/b", "../login"), ("/", "login")):
        to_login = client.ask(path, Accept="text/html", **https)
        assert to_login.status == 303 and to_login.headers["Location"] == location, path
    form = f"password={PASSWORD}".encode()
    for origin in ("http://door.example.org", "https://door.example.org:8443", "https://evil.example", "null"):
        assert client.ask("/door/login", "POST", form, Origin=origin, **https, **FORM).status == 403, origin
    for origin in ("https://door.example.org", "https://door.example.org:443"):
        answer = client.ask("/door/login", "POST", form, Origin=origin, **https, **FORM)
        assert answer.status == 200
    for cookie in answer.headers.get_all("Set-Cookie"):
        assert "Path=/door" in cookie and "Secure" in cookie and "SameSite=Lax" in cookie and "HttpOnly" in cookie
    client.headers["Cookie"] = answer.headers["Set-Cookie"].partition(";")[0]
    for path in ("/door/api/now", "/api/now"):
        assert client.ask(path, **https).status == 200


def test_what_the_browser_says_of_the_site_counts_where_a_proxy_changes_the_host(door: Watched) -> None:
    form, headers = f"password={PASSWORD}".encode(), {"Origin": "https://door.example.org:8443", **FORM}
    assert door.client.ask("/login", "POST", form, Sec_Fetch_Site="same-origin", **headers).status == 200
    for site in ("cross-site", "same-site", "x"):
        assert door.client.ask("/login", "POST", form, Sec_Fetch_Site=site, **headers).status == 403


def test_doors_of_one_machine_have_cookies_of_their_own(door: Watched) -> None:
    cookie = door.client.ask("/login", "POST", f"password={PASSWORD}".encode(), **FORM).headers["Set-Cookie"]
    assert cookie.startswith(f"maskwatch_{door.port}="), "a browser sends cookies to every port of a host"
    assert "Path=/door" in cookie
