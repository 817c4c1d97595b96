"""What the page answers to attempts: the headers are there always, and nothing of the request is repeated."""

import socket
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from support.browsing import Watched

from edge.serving.headers import SECURITY_HEADERS

pytestmark = pytest.mark.security
MARK = "<script>alert(1)</script>"
NO_REQUESTS = {
    "no method": f"{MARK}\r\n\r\n",
    "method": f"GE<T / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: {MARK}\r\n\r\n",
    "version": f"GET /{MARK} HTTP/9.9\r\nHost: 127.0.0.1\r\n\r\n",
    "two lengths": f"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1\r\nContent-Length: 2\r\nX: {MARK}\r\n\r\n",
    "length and chunks": "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
    "chunks that are none": "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: gzip\r\n\r\n",
    "negative length": "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: -1\r\n\r\n",
    "header": f"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n{MARK}\r\n\r\n",
    "long header": f"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: {'y' * 9000}\r\n\r\n",
    "TLS": "\x16\x03\x01\x02\r\n\r\n",
}


@pytest.fixture
def door(maskwatch: Callable[..., Any], tmp_path: Path) -> Iterator[Watched]:
    with closing(Watched(maskwatch, tmp_path, "", "--print")) as door:
        yield door


def raw(door: Watched, request: str) -> str:
    with closing(socket.create_connection(("127.0.0.1", door.port), 60)) as connection:
        connection.sendall(request.encode("latin-1"))
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    return answer.decode()


def test_what_is_no_request_gets_a_sentence_with_all_headers(door: Watched) -> None:
    for name, request in NO_REQUESTS.items():
        answer = raw(door, request)
        first, _, rest = answer.partition("\r\n")
        assert first.startswith("HTTP/1.") and first.split()[1].startswith("4"), (name, answer)
        for header, value in SECURITY_HEADERS.items():
            assert f"{header}: {value}\r\n" in rest, (name, header, answer)
        assert "script>" not in answer and "aiohttp" not in answer.lower() and "Python" not in answer, (name, answer)
    assert "Traceback" not in door.process.err


def test_bodies_that_are_compressed_or_ambiguous_are_refused(door: Watched) -> None:
    for encoding in ("gzip", "deflate", "br", "zstd", "x"):
        answer = door.client.ask("/api/settings", "POST", b"abcde", Content_Encoding=encoding)
        assert answer.status == 415 and "compressed" in answer.json["error"], answer.text
    for body in (
        b'{"detect": {"min_face": 40}, "detect": {"min_face": 50}}',
        b'{"detect": {"min_face": 4, "min_face": 5}}',
    ):
        answer = door.client.ask("/api/settings", "POST", body)
        assert answer.status == 400 and "twice" in answer.json["error"], answer.text


def test_a_login_takes_a_form_without_files_only(door: Watched) -> None:
    for kind in ("multipart/form-data; boundary=x", "application/json", "text/plain", ""):
        answer = door.client.ask("/login", "POST", b"password=x", Content_Type=kind)
        assert answer.status == 400 and "form" in answer.text, (kind, answer.text)
    for body in (b"\xff", b"&".join([b"a=b"] * 50), b"password=" + b"x" * 5000):
        answer = door.client.ask("/login", "POST", body, Content_Type="application/x-www-form-urlencoded")
        assert answer.status == 400, (body[:20], answer.text)
