"""Visitors without a login who send floods: memory, descriptors and log stay bounded, and alerts go on."""

import contextlib
import fcntl
import gzip
import os
import socket
import threading
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

from edge.serving.passwords import hash_password

pytestmark = pytest.mark.security

CONNECTIONS = 160
MORE_MB = 100
"""Megabytes that a flood may take."""
LOG_BYTES = 4000
FEW = after("import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (1024, 1024))")
FORM = "Content-Type: application/x-www-form-urlencoded\r\n"


def head(line: str, *headers: str) -> bytes:
    return f"{line} HTTP/1.1\r\nHost: 127.0.0.1\r\n{''.join(headers)}\r\n".encode()


BOMB = gzip.compress(bytes(3_000_000))[:4000]
FILES = b'--x\r\nContent-Disposition: form-data; name="a"; filename="b"\r\n\r\nq\r\n' * 55
FLOODS = {
    "after a login": head("POST /login", FORM, "Content-Length: 4000\r\n"),
    "after a body": head("POST /api/settings", "Content-Length: 10\r\n"),
    "after a request": head("GET /healthz"),
    "after an upgrade": head("GET /healthz", "Upgrade: websocket\r\nConnection: upgrade\r\n"),
    "no request": b"",
    "compressed login": head("POST /login", FORM, "Content-Encoding: gzip\r\n", "Content-Length: 4000\r\n") + BOMB,
    "files": head("POST /login", "Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 4096\r\n") + FILES,
}


@pytest.fixture
def door(maskwatch: Callable[..., Any], mosquitto: Any, tmp_path: Path) -> Iterator[Watched]:
    """A door with a password at a broker; it may open 1024 descriptors."""
    text = f'password_hash = "{hash_password("correct horse")}"\n'
    broker = mosquitto().start()
    with closing(Watched(partial(maskwatch, program=FEW), tmp_path, text, "--broker", broker.address)) as door:
        door.broker = broker  # type: ignore[attr-defined]
        yield door


def resident_mb(door: Watched) -> float:
    statm = Path(f"/proc/{door.process.popen.pid}/statm").read_text("ascii")
    return int(statm.split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def flood(door: Watched, number: int, begin: bytes) -> None:
    """Sends the beginning of a request, and then nothing that belongs to it, for a second."""
    with (
        contextlib.suppress(OSError),
        socket.create_connection(("127.0.0.1", door.port), 10, (f"127.0.1.{number + 1}", 0)) as connection,
    ):
        connection.settimeout(1)
        connection.sendall(begin)
        end = time.monotonic() + 1
        while time.monotonic() < end:
            connection.sendall(bytes(1 << 18))


@pytest.mark.parametrize("begin", FLOODS.values(), ids=FLOODS.keys())
def test_a_flood_takes_no_memory(door: Watched, begin: bytes) -> None:
    before = resident_mb(door)
    threads = [threading.Thread(target=flood, args=(door, number, begin)) for number in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    most = before
    while any(thread.is_alive() for thread in threads):
        most = max(most, resident_mb(door))
        time.sleep(0.05)
    assert most - before < MORE_MB, f"{before:.0f} -> {most:.0f} MB"
    assert len(door.process.err) < LOG_BYTES, door.process.err
    until(lambda: door.client.ask("/healthz").status in (200, 503), "the page answers")


def moved(connection: socket.socket) -> socket.socket:
    """Gives a connection a descriptor above those that the test's MQTT client can wait for (select(2))."""
    with connection:
        return socket.socket(fileno=fcntl.fcntl(connection.fileno(), fcntl.F_DUPFD_CLOEXEC, 1024))


def test_alerts_go_on_after_a_restart_of_the_broker(door: Watched, subscriber: Any) -> None:
    broker = door.broker  # type: ignore[attr-defined]
    halves = (b"", b"GET / HT", head("GET /login")[:-2], FLOODS["after a login"] + b"passw", FLOODS["files"])
    with ExitStack() as stack:
        broker.kill()
        for number in range(2000):
            source = ("127.0.0.1" if number % 2 else f"127.0.1.{number % 200 + 1}", 0)
            connection = stack.enter_context(moved(socket.create_connection(("127.0.0.1", door.port), 20, source)))
            with contextlib.suppress(OSError):
                connection.sendall(halves[number % len(halves)])
        broker.start()
        subscriber(broker.port).wait_for("maskwatch/entrance/alert", timeout=60)
        assert door.process.popen.poll() is None
        assert len(door.process.err) < LOG_BYTES, door.process.err
