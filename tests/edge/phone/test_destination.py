"""What becomes of one POST at a real HTTP server: redirects, refusals, and the pause that a server asks for."""

import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from support.phone import Server, SilentServer

from edge.phone.destination import LONGEST_RETRY_AFTER, MAX_REDIRECTS, Destination

HEADERS = {"Title": "door"}


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server.start()
    server.stop()


@pytest.fixture
def other() -> Iterator[Server]:
    other = Server()
    yield other.start()
    other.stop()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("where", ["/new/door?a=1", "new", "{origin}/new"])
def test_a_redirect_to_the_same_server_is_posted_again_whole(server: Server, status: int, where: str) -> None:
    origin = f"http://127.0.0.1:{server.port}"
    server.answers = [(status, {"Location": where.format(origin=origin)})]
    assert Destination(server.url.replace("//", "//u:p@")).post(HEADERS, b"text") is None
    first, second = server.requests
    assert (second.method, second.body, second.headers["Title"]) == ("POST", b"text", "door")
    assert second.path == "/" + where.format(origin="").lstrip("/")
    assert first.headers["Authorization"] == second.headers["Authorization"]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.0.0.1:{port}@localhost"])
def test_a_redirect_to_another_server_or_port_gets_nothing(server: Server, other: Server, host: str) -> None:
    server.headers = {"Location": f"http://{host.format(port=server.port)}:{other.port}/door"}
    server.code = 302
    failure = Destination(server.url.replace("//", "//u:p@")).post(HEADERS, b"text")
    assert failure and failure.retry and "redirects to" in failure.reason and "--post" in failure.reason
    assert other.requests == [] and len(server.requests) == 1 and "door" not in failure.reason


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("", "nowhere"),
        ("https://127.0.0.1:1/x", "https on port 1"),
        ("ftp://127.0.0.1/x", "no web address"),
        ("javascript:alert(1)", "no web address"),
        ("http://[::1/x", "cannot be read"),
        ("http://127.0.0.1:x/", "cannot be read"),
        ("//example.com/x", "another server, example.com"),
    ],
)
def test_other_redirects_are_refused_with_the_reason(server: Server, location: str, reason: str) -> None:
    server.code, server.headers = 301, {"Location": location}
    failure = Destination(server.url).post(HEADERS, b"text")
    assert failure and failure.retry and reason in failure.reason


@pytest.mark.parametrize(
    ("location", "path"), [("/a door", "/a%20door"), ("/t\u00fcr", "/t%FCr"), ("/%C3%BC", "/%C3%BC")]
)
def test_a_redirect_may_have_characters_that_an_address_may_not(server: Server, location: str, path: str) -> None:
    server.answers = [(301, {"Location": location})]
    assert Destination(server.url).post(HEADERS, b"text") is None
    assert server.requests[1].path == path


def test_https_on_the_same_server_may_follow_http(server: Server) -> None:
    server.code, server.headers = 308, {"Location": f"https://127.0.0.1:{server.port}/door"}
    failure = Destination(server.url).post(HEADERS, b"text")
    assert failure and "cannot be reached" in failure.reason, "it was tried: this server speaks no TLS"


def test_redirects_in_a_circle_end(server: Server) -> None:
    server.code, server.headers = 307, {"Location": server.url}
    failure = Destination(server.url).post(HEADERS, b"text")
    assert failure and failure.retry and len(server.requests) == MAX_REDIRECTS + 1


@pytest.mark.parametrize(
    ("status", "retry"),
    [(200, None), (204, None), (300, True), (304, True), (400, False), (401, True), (403, True), (404, False),
     (408, True), (413, False), (425, True), (429, True), (500, True), (503, True)],
)  # fmt: skip
def test_a_status_decides_whether_a_text_is_posted_again(server: Server, status: int, retry: bool | None) -> None:
    server.code = status
    failure = Destination(server.url).post(HEADERS, b"text")
    assert (failure and failure.retry) is retry
    assert failure is None or f"answers {status}" in failure.reason


def test_retry_after_is_a_number_or_a_date_by_the_server_s_clock_and_has_a_limit(server: Server) -> None:
    wrong = datetime.now(UTC) - timedelta(days=800)  # the clock of a Pi without a battery, seen from the server
    server.code = 429
    for value, pause in {
        "7": 7, "100000": LONGEST_RETRY_AFTER, "soon": None, "-1": None, "": None,
        format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True): 90,
        format_datetime(datetime.now(UTC) - timedelta(seconds=90), usegmt=True): 0,
    }.items():  # fmt: skip
        server.headers = {"Retry-After": value}
        failure = Destination(server.url).post(HEADERS, b"text")
        assert failure is not None and (failure.pause is None) == (pause is None), value
        assert pause is None or abs(float(failure.pause or 0) - pause) <= 5, value
    server.headers = {"Retry-After": format_datetime(wrong + timedelta(seconds=40), usegmt=True)}
    server.headers["Date"] = format_datetime(wrong, usegmt=True)
    failure = Destination(server.url).post(HEADERS, b"text")
    assert failure and failure.pause and abs(failure.pause - 40) <= 1


def test_an_answer_that_is_not_http_is_a_failure_to_repeat() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(b"SSH-2.0-OpenSSH\r\n")

        threading.Thread(target=answer, daemon=True).start()
        failure = Destination(f"http://127.0.0.1:{listener.getsockname()[1]}/x").post(HEADERS, b"text")
    assert failure and failure.retry and "no HTTP answer" in failure.reason


def test_a_server_that_never_comes_to_an_end_is_left_after_a_while() -> None:
    server = SilentServer(drips=True)
    failure = Destination(server.url, limit=0.3).post(HEADERS, b"text")
    assert failure and failure.retry
    server.close()
