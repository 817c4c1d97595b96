"""The page behind real reverse proxies, with the examples that systemd/ has for nginx and Caddy."""

import http.client
import json
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
from support.browsing import Answer, Watched, events_of, pictures_of
from support.proxies import NAME, Proxy

from edge.serving.limiter import MAX_TRIES
from edge.serving.passwords import hash_password

PASSWORD = "correct horse"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
Change = Callable[[str], str]


def as_it_is(text: str) -> str:
    return text


def base_path_removed(text: str) -> str:
    """The same example of a proxy that removes the base path."""
    return text.replace("proxy_pass http://127.0.0.1:", "proxy_pass http://127.0.0.1:").replace(
        ";\n        proxy_http_version", "/;\n        proxy_http_version"
    ).replace("handle /door/*", "handle_path /door/*")  # fmt: skip


def buffered(text: str) -> str:
    """The same example of somebody who left out how streams are sent."""
    return text.replace("proxy_buffering off;", "").replace("flush_interval -1", "")


@pytest.fixture
def door(maskwatch: Callable[..., Any], tmp_path: Path) -> Iterator[Watched]:
    text = (
        f'password_hash = "{hash_password(PASSWORD)}"\ntrusted_proxies = ["127.0.0.1"]\nbase_path = "/door"\n'
        'allowed_hosts = ["door.example.org"]\n'
    )
    with closing(Watched(maskwatch, tmp_path, text, "--print")) as door:
        yield door


@pytest.fixture(
    params=[(kind, change) for kind in ("nginx", "caddy") for change in (as_it_is, base_path_removed, buffered)],
    ids=lambda made: f"{made[0]}-{made[1].__name__}",
)
def proxy(request: pytest.FixtureRequest, door: Watched, tmp_path: Path) -> Iterator[Proxy]:
    kind, change = request.param
    with closing(Proxy(kind, tmp_path, door.port, change)) as started:
        yield started


class Visitor:
    """Asks the proxy over https, from an address of this machine."""

    def __init__(self, proxy: Proxy, address: str = "127.0.0.2") -> None:
        self._proxy = proxy
        self._address = address
        self._context = ssl.create_default_context(cafile=str(proxy.certificate))
        self.origin = f"https://{NAME}:{proxy.port}"
        self.headers: dict[str, str] = {}

    def open(
        self, path: str, method: str = "GET", body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[http.client.HTTPSConnection, http.client.HTTPResponse]:
        connection = http.client.HTTPSConnection(
            NAME, self._proxy.port, timeout=60, context=self._context, source_address=(self._address, 0)
        )
        connection.request(method, path, body, {**self.headers, **(headers or {})})
        return connection, connection.getresponse()

    def ask(
        self, path: str, method: str = "GET", body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> Answer:
        connection, answer = self.open(path, method, body, headers)
        with closing(connection):
            return Answer(answer.status, answer.headers, answer.read())

    def log_in(self, password: str = PASSWORD, **headers: str) -> Answer:
        given = {"Origin": self.origin, **FORM, **{name.replace("_", "-"): value for name, value in headers.items()}}
        answer = self.ask("/door/login", "POST", f"password={password}".encode(), given)
        if answer.status == 200:
            self.headers["Cookie"] = answer.headers["Set-Cookie"].partition(";")[0]
        return answer


def test_the_page_behind_the_examples(proxy: Proxy, door: Watched) -> None:
    visitor = Visitor(proxy)
    bare = visitor.ask("/door")
    assert bare.status == 308 and bare.headers["Location"] in ("/door/", f"{visitor.origin}/door/")
    to_login = visitor.ask("/door/", headers={"Accept": "text/html"})
    assert to_login.status == 303 and to_login.headers["Location"] == "login"
    logged_in = visitor.log_in()
    assert logged_in.status == 200, logged_in.text
    for cookie in logged_in.headers.get_all("Set-Cookie"):
        assert "Path=/door" in cookie and "Secure" in cookie
    assert visitor.ask("/door/api/now").json["device"] == "entrance"
    assert visitor.ask("/door/js/page.js").status == 200
    foreign = {"Origin": "https://evil.example", "Content-Type": "application/json"}
    assert visitor.ask("/door/api/settings", "POST", b"{}", foreign).status == 403
    _events_and_images_arrive_at_once(visitor, door)
    _a_large_upload_reaches_the_door(visitor)
    assert "passes requests on" not in door.process.err


def _events_and_images_arrive_at_once(visitor: Visitor, door: Watched) -> None:
    connection, stream = visitor.open("/door/events")
    begun = time.monotonic()
    with closing(connection):
        kind, _ = next(events_of(stream))
        assert kind and time.monotonic() - begun < 5, "the first event"
        visitor.ask(
            "/door/api/settings",
            "POST",
            json.dumps({"detect": {"min_face": 51}}).encode(),
            {"Origin": visitor.origin, "Content-Type": "application/json"},
        )
        assert any(kind for kind, _ in events_of(stream)), "events go on"
    connection, live = visitor.open("/door/live.mjpeg")
    with closing(connection):
        pictures, begun = pictures_of(live), time.monotonic()
        assert all(next(pictures)[:2] == b"\xff\xd8" for _ in range(5)) and time.monotonic() - begun < 20


def _a_large_upload_reaches_the_door(visitor: Visitor) -> None:
    """20 MB that are no image: what answers is the page, whatever it allows, and not the proxy."""
    body = b"\xff\xd8" + bytes(20_000_000)
    answer = visitor.ask("/door/api/check", "POST", body, {"Origin": visitor.origin})
    assert 400 <= answer.status < 500 and answer.json["error"], answer.text


def test_only_the_guesser_is_locked_out(proxy: Proxy, door: Watched) -> None:
    visitor = Visitor(proxy, "127.0.0.2")
    for number in range(MAX_TRIES):
        invented = {"X_Forwarded_For": f"198.51.100.{number}", "Forwarded": f"for=198.51.100.{number}"}
        assert visitor.log_in("guess", **invented).status == 401
    assert visitor.log_in("guess", X_Forwarded_For="198.51.100.77").status == 429, "a header does not help the guesser"
    assert Visitor(proxy, "127.0.0.3").log_in().status == 200, "somebody else is not locked out"


@pytest.mark.parametrize("kind", ["nginx", "caddy"])
def test_without_its_options_the_page_says_what_is_missing(
    maskwatch: Callable[..., Any], tmp_path: Path, kind: str
) -> None:
    text = f'password_hash = "{hash_password(PASSWORD)}"\n'
    with closing(Watched(maskwatch, tmp_path, text, "--print")) as door:
        with closing(Proxy(kind, tmp_path, door.port, base_path_removed)) as proxy:
            visitor = Visitor(proxy)
            assert visitor.log_in().status == 200, "it works all the same"
            with suppress(OSError):
                visitor.log_in()
        assert door.process.err.count("trusted_proxies in [web] does not name it") == 1
