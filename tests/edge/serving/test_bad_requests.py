"""Requests that no browser sends: each gets a sentence, never an error 500, and nothing in the log."""

import socket
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from support.browsing import Watched


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    from support.processes import Process

    folder: Path = tmp_path_factory.mktemp("door")
    started: list[Process] = []

    def maskwatch(*args: Any) -> Process:
        started.append(Process(*map(str, args), cwd=folder))
        return started[-1]

    with closing(Watched(maskwatch, folder, "", "--print")) as door:
        yield door
    started[0].end(15)


def raw(door: Watched, *lines: str, body: bytes = b"") -> str:
    """Sends a request as it is; returns the answer."""
    with closing(socket.create_connection(("127.0.0.1", door.port), 60)) as connection:
        connection.sendall("\r\n".join([*lines, "Connection: close", "", ""]).encode("utf-8", "surrogateescape") + body)
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    return answer.decode()


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("[::1", 400),
        ("[::1]]:80", 400),
        ("[zz]", 400),
        ("a b", 400),
        ("a/b", 400),
        ("user@127.0.0.1", 400),
        ("127.0.0.1:port", 400),
        ("127.0.0.1:999999", 400),
        ("127.0.0.1, evil.example", 400),
        ("", 400),
        ("\udcff\udcfe", 421),
        ("x" * 4000, 421),
        ("evil.example", 421),
        ("127.0.0.1.evil.example", 421),
    ],
)
def test_a_host_that_is_malformed_or_of_another_site(door: Watched, host: str, status: int) -> None:
    answer = raw(door, "GET /api/now HTTP/1.1", f"Host: {host}")
    assert answer.startswith(f"HTTP/1.1 {status} "), answer
    assert "host" in answer.partition("\r\n\r\n")[2]


@pytest.mark.parametrize("target", ["http://xn--a/", "http://[x/", "http://[::1]:80:80/", "http://127.0.0.1:port/"])
def test_an_address_whose_host_is_none(door: Watched, target: str) -> None:
    """The first one ended the task of the connection: no answer, and 60 lines in the log for each request."""
    for _ in range(3):
        assert " 400 " in raw(door, f"GET {target} HTTP/1.1", "Host: 127.0.0.1").splitlines()[0]
    assert "Traceback" not in door.process.err


def test_no_host_and_two_hosts(door: Watched) -> None:
    for hosts in ([], ["Host: 127.0.0.1", "Host: evil.example"]):
        assert " 400 " in raw(door, "GET /api/now HTTP/1.1", *hosts).splitlines()[0]


@pytest.mark.parametrize(
    "origin", ["http://[x", "http://[::1", "http://127.0.0.1:port", "http://", "null", "\udcff", "x"]
)
def test_an_origin_that_is_malformed(door: Watched, origin: str) -> None:
    answer = raw(
        door, "POST /api/settings HTTP/1.1", f"Host: 127.0.0.1:{door.port}", f"Origin: {origin}", "Content-Length: 0"
    )
    assert answer.startswith("HTTP/1.1 403 ") and "another site" in answer, answer


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"[" * 100_000, "nested too deeply"),
        (b'{"detect":' * 20_000, "nested too deeply"),
        (b"{", "this is no JSON"),
        (b"\xff\xfe\xfd", "this is no JSON"),
        (b"1" * 5000, "this is no JSON"),
        (b'{"detect": {"min_face": NaN}}', "NaN is no number"),
        (b" " * 300_000, "at most 262144 bytes"),
        (b"", "this is no JSON"),
        (b'{"detect": [[]]}', "send sections"),
        (b'{"detect": {"min_face": 1e999}}', "whole number"),
    ],
)
def test_json_that_is_none(door: Watched, body: bytes, text: str) -> None:
    answer = door.client.ask("/api/settings", "POST", body, Content_Type="application/json; charset=nonsense")
    assert answer.status == 400 and text in answer.json["error"], answer.text


@pytest.mark.parametrize("path", ["/api/settings", "/api/check", "/login"])
@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_a_body_that_is_compressed_is_refused_before_anything_decompresses_it(
    door: Watched, path: str, encoding: str
) -> None:
    headers = ["Host: 127.0.0.1", f"Content-Encoding: {encoding}", "Content-Length: 5"]
    if path == "/login":
        headers.append("Content-Type: application/x-www-form-urlencoded")
    answer = raw(door, f"POST {path} HTTP/1.1", *headers, body=b"abcde")
    assert answer.startswith("HTTP/1.1 415 ") and "the body of the request is compressed" in answer, answer


@pytest.mark.parametrize("path", ["/api/settings", "/api/check", "/login"])
def test_a_visitor_who_leaves_in_the_middle_of_a_body(door: Watched, path: str) -> None:
    before = door.process.err.count("Error handling")
    with closing(socket.create_connection(("127.0.0.1", door.port), 60)) as connection:
        head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 3000\r\n\r\nabc"
        connection.sendall(head.encode())
        raw(door, "GET /api/now HTTP/1.1", "Host: 127.0.0.1")  # the server has the first request by now
    raw(door, "GET /api/now HTTP/1.1", "Host: 127.0.0.1")
    assert door.process.err.count("Error handling") == before


def test_a_very_long_text_is_refused_at_once(door: Watched) -> None:
    """It held up the whole process, the loop too: for 4 s with 100,000 characters."""
    began = time.monotonic()
    answer = door.client.post("/api/name", {"name": "x" * 200_000})
    assert answer.status == 400 and "allowed: 1 to 64 of a-z" in answer.json["error"], answer.text
    assert time.monotonic() - began < 5


def test_nothing_of_it_reaches_the_log(door: Watched) -> None:
    for line in ("GET", "\x16\x03\x01", "GET / HTTP/9.9", "GET /" + "x" * 10_000 + " HTTP/1.1", "OPTIONS * HTTP/1.1"):
        raw(door, line, "Host: 127.0.0.1", "Content-Length: -1")
    raw(door, "GET / HTTP/1.1", "Host: 127.0.0.1", *(f"X-{number}: {'y' * 8000}" for number in range(8)))
    assert "Traceback" not in door.process.err and door.process.err.count("\n") < 6, door.process.err
