"""edge.serving.listener and edge.serving.connection: connections that send nothing, or read nothing, harm nobody."""

import contextlib
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from support import until
from support.browsing import Watched
from support.processes import after

from edge.serving.connection import BODY_PATIENCE_S, HEAD_S, SHORT_STALL_S
from edge.serving.listener import MAX_CONNECTIONS, MAX_DROPPED_BYTES, SHARE_PER_ADDRESS
from edge.serving.passwords import hash_password

PER_ADDRESS = int(MAX_CONNECTIONS * SHARE_PER_ADDRESS)
HALF_HEAD = b"GET /api/now HTTP/1.1\r\nHost: 127.0.0.1\r\n"
HALF_LOGIN = (
    b"POST /login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    b"Content-Length: 30\r\n\r\npassw"
)
HALF_CHECK = b"POST /api/check HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 300000\r\n\r\nxxx"


@pytest.fixture
def door(maskwatch: Callable[..., Any], tmp_path: Path) -> Iterator[Watched]:
    with closing(Watched(maskwatch, tmp_path, "", "--print")) as door:
        yield door


def connect(door: Watched, sent: bytes = b"", address: str = "127.0.0.1") -> socket.socket:
    """Opens a connection from an address of this machine, and sends something."""
    connection = socket.create_connection(("127.0.0.1", door.port), 60, (address, 0))
    with contextlib.suppress(OSError):  # it may have given way already
        connection.sendall(sent)
    return connection


def descriptors(door: Watched) -> int:
    return len(os.listdir(f"/proc/{door.process.popen.pid}/fd"))


def is_closed(connection: socket.socket) -> bool:
    """Reads what has come; returns whether the other end has closed."""
    connection.setblocking(False)
    try:
        while connection.recv(1 << 20):
            pass
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


@pytest.mark.parametrize(
    "sent", [b"", b"G", HALF_HEAD, HALF_LOGIN, HALF_CHECK], ids=["none", "byte", "head", "login", "body"]
)
def test_two_thousand_connections_that_do_nothing(door: Watched, sent: bytes) -> None:
    before = descriptors(door)
    with ExitStack() as stack:
        most = 0
        for number in range(2000):
            stack.enter_context(connect(door, sent))
            if number % 50 == 0:
                most = max(most, descriptors(door) - before)
                assert door.client.ask("/healthz").status in (200, 503), "from the same address"
        assert most <= PER_ADDRESS + 10, most
        count = len(door.process.alerts)
        until(lambda: len(door.process.alerts) > count, "alerts go on")
        assert door.process.err.count("\n") < 200, "the log is not flooded"


def test_connections_from_many_addresses_leave_descriptors_for_the_door(door: Watched) -> None:
    before = descriptors(door)
    with ExitStack() as stack:
        for number in range(600):
            stack.enter_context(connect(door, b"", f"127.0.1.{number % 200 + 1}"))
        assert descriptors(door) - before <= MAX_CONNECTIONS + 10
        assert door.client.ask("/api/now").status == 200
    until(lambda: descriptors(door) <= before + 2, "all of them are closed")


def test_a_broker_comes_back_while_connections_take_all_that_they_can(
    maskwatch: Callable[..., Any], mosquitto: Any, subscriber: Any, tmp_path: Path
) -> None:
    broker = mosquitto().start()
    few = after("import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))")
    start = partial(maskwatch, program=few)
    with closing(Watched(start, tmp_path, "", "--broker", broker.address)) as door, ExitStack() as stack:
        broker.kill()
        for number in range(800):
            stack.enter_context(connect(door, HALF_HEAD if number % 2 else b"", f"127.0.1.{number % 200 + 1}"))
        assert descriptors(door) < 200
        broker.start()
        received = subscriber(broker.port)
        received.wait_for("maskwatch/entrance/alert")
        assert door.process.err.count("\n") < 200


def test_what_is_not_complete_in_time_is_closed(door: Watched) -> None:
    begun = time.monotonic()
    with ExitStack() as stack:
        kinds = (b"", HALF_HEAD, HALF_LOGIN, HALF_CHECK)
        idle = [stack.enter_context(connect(door, sent)) for sent in kinds]
        dripping = stack.enter_context(connect(door, HALF_HEAD))
        waiting = set(idle)
        while waiting and time.monotonic() - begun < BODY_PATIENCE_S + HEAD_S:
            waiting = {one for one in waiting if not is_closed(one)}
            with contextlib.suppress(OSError):
                dripping.send(b"X")
            time.sleep(0.5)
        assert not waiting, [idle.index(one) for one in waiting]
        assert time.monotonic() - begun >= HEAD_S - 10
        until(lambda: is_closed(dripping), "a head that comes byte by byte has no more time")


def test_a_head_without_end_is_closed_at_once(door: Watched) -> None:
    with connect(door, HALF_HEAD) as connection:
        begun = time.monotonic()
        with contextlib.suppress(OSError):
            for number in range(100):
                connection.sendall(f"X-{number}: {'y' * 4000}\r\n".encode())
        until(lambda: is_closed(connection), "closed")
        assert time.monotonic() - begun < HEAD_S / 2


def test_a_slow_upload_is_not_cut_off(door: Watched) -> None:
    """200 kB at 8 kB/s take longer than a body may stall."""
    body = b"{}".ljust(200_000)
    head = f"POST /api/settings HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    begun = time.monotonic()
    with connect(door, head.encode()) as connection:
        for start in range(0, len(body), 4000):
            connection.sendall(body[start : start + 4000])
            time.sleep(0.5)
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    assert b"send sections" in answer and time.monotonic() - begun > BODY_PATIENCE_S


def test_the_answer_to_a_body_that_is_refused_is_not_lost(door: Watched) -> None:
    """At 2 MB/s, as a phone sends it. It would take a connection that ends before for a fault of the network."""
    size = 6_000_000
    head = f"POST /api/check HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {size}\r\nConnection: close\r\n\r\n"
    with connect(door, head.encode()) as connection:
        for _ in range(0, size, 200_000):
            connection.sendall(bytes(200_000))
            time.sleep(0.1)
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    assert answer.startswith(b"HTTP/1.1 4") and b'"error"' in answer, answer


@pytest.mark.parametrize("path", ["/api/settings", "/nope"])
def test_a_connection_goes_on_after_a_body_that_is_longer_than_what_is_read(door: Watched, path: str) -> None:
    """The rest of the body is no head of the next request."""
    size = MAX_DROPPED_BYTES + 3_000_000
    with connect(
        door, f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {size}\r\n\r\n".encode()
    ) as sending:
        for _ in range(0, size, 1_000_000):
            sending.sendall(bytes(min(1_000_000, size)))
            size -= 1_000_000
        sending.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        answer = b""
        while piece := sending.recv(65536):
            answer += piece
    assert answer.startswith(b"HTTP/1.1 4") and answer.count(b"HTTP/1.1 ") == 2, answer


def test_a_viewer_that_reads_nothing_makes_room(door: Watched) -> None:
    door.until(lambda: door.client.ask("/live.jpg").status == 200, "an image")
    with ExitStack() as stack:
        for _ in range(4):
            stack.enter_context(connect(door, b"GET /live.mjpeg HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"))

        def status() -> bool:
            with door.client.stream("/live.mjpeg") as stream:
                return stream.status == 200

        until(status, "a place for a viewer", SHORT_STALL_S * 5)


def test_a_page_with_connections_is_closed_in_time(maskwatch: Callable[..., Any], tmp_path: Path) -> None:
    text = f'password_hash = "{hash_password("correct horse")}"\n'
    with closing(Watched(maskwatch, tmp_path, text, "--print")) as door, ExitStack() as stack:
        for sent in (b"", HALF_HEAD, HALF_LOGIN, HALF_CHECK):
            stack.enter_context(connect(door, sent))
        begun = time.monotonic()
        assert door.process.end(15) == 0
        assert time.monotonic() - begun < 5
        assert "Traceback" not in door.process.err
