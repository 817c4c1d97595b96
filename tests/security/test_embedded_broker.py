"""Attacks on the embedded broker of a real maskwatch, which must go on alerting: floods, hostile bytes, takeovers."""

import json
import random
import re
import socket
import struct
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import psutil
import pytest
from support import DOOR, DOOR_TRUTH, until
from support.cameras import NetworkCamera, clip_pictures

pytestmark = pytest.mark.security

CONNECT = bytes.fromhex("100d00044d5154540402003c000161")
"""A CONNECT of MQTT 3.1.1: clean session, keep alive 60 s, client id "a"."""
CONNACK = bytes.fromhex("20020000")


class Watching:
    """A maskwatch without a configured broker, and the port of its own one."""

    def __init__(self, process: Any) -> None:
        self.process = process
        process.wait_for("is online")
        found = re.search(r"serves(?: this machine at)? 127\.0\.0\.1:(\d+)", process.err)
        assert found, process.err
        self.port = int(found[1])
        self.info = psutil.Process(process.popen.pid)

    def connect(self, first: bytes = b"") -> socket.socket:
        made = socket.create_connection(("127.0.0.1", self.port), 30)
        made.sendall(first)
        return made

    def log_in(self, client_id: str = "a", clean: bool = True) -> socket.socket:
        """Connects as anyone can."""
        flags = 2 if clean else 0
        body = b"\0\4MQTT\4" + bytes((flags,)) + b"\0\x3c" + len(client_id).to_bytes(2, "big") + client_id.encode()
        made = self.connect(bytes((0x10, len(body))) + body)
        assert made.recv(4) == CONNACK
        return made

    def listens(self) -> bool:
        """Returns whether a client can still log in."""
        with suppress(OSError), self.connect(CONNECT) as made:
            return made.recv(4) == CONNACK
        return False

    def assert_alerts(self) -> None:
        """Asserts that alerts still arrive."""
        before = self.process.out.count("NO MASK")
        until(lambda: self.process.out.count("NO MASK") > before, lambda: self.process.out + self.process.err, 60)
        assert self.process.popen.poll() is None and len(self.process.err) < 20_000, self.process.err

    def settled(self, before: int, allowed: int = 2) -> None:
        """Waits until no more descriptors are open than before."""
        until(lambda: self.info.num_fds() <= before + allowed, lambda: f"{before} -> {self.info.num_fds()}", 30)


@pytest.fixture
def watching(maskwatch: Any) -> Iterator[Watching]:
    """At a camera before which the clip's people come and go without an end."""
    camera = NetworkCamera(clip_pictures(DOOR, 0, json.loads(DOOR_TRUTH.read_text())["frames"]), 1 / 12)
    yield Watching(maskwatch("run", "--source", camera.url))
    camera.close()


def is_closed(connection: socket.socket) -> bool:
    """Returns whether the broker has closed a connection, within 10 seconds."""
    connection.settimeout(10)
    with suppress(ConnectionError):
        while data := connection.recv(65536):
            assert data
    return True


def test_floods_and_hostile_bytes_leave_no_descriptor_and_alerts_go_on(watching: Watching) -> None:
    before, threads = watching.info.num_fds(), watching.info.num_threads()
    for _ in range(300):
        watching.connect().close()
    watching.settled(before)
    dice = random.Random(23)
    for _ in range(2000):
        start = dice.choice([b"", CONNECT, CONNECT, CONNECT[:9], b"\x30", b"\x82", b"\x10\xff\xff\xff\x7f"])
        with suppress(OSError), watching.connect(start + dice.randbytes(dice.randrange(60))):
            pass
    watching.settled(before)
    flood = []
    for _ in range(2000):
        with suppress(OSError):
            made = socket.socket()
            made.setblocking(False)
            flood.append(made)
            made.connect_ex(("127.0.0.1", watching.port))
    until(watching.listens, "a client gets in beside the flood", 60, 0.5)
    assert watching.info.num_fds() <= before + 40
    watching.assert_alerts()
    for made in flood:
        made.close()
    watching.settled(before)
    assert watching.info.num_threads() <= threads + 1


def test_a_large_publish_is_refused_before_it_is_buffered(watching: Watching) -> None:
    before = watching.info.memory_info().rss
    with watching.log_in() as made, suppress(OSError):
        made.sendall(b"\x30\xff\xff\xff\x7f" + bytes(100 * 2**20))
    with watching.connect(b"\x10\xff\xff\xff\x7f") as made:
        assert is_closed(made)
    with watching.log_in() as made:
        made.sendall(b"\x82\x80\x80\x40")  # a list of subscriptions of 1 MB
        assert is_closed(made)
    assert watching.info.memory_info().rss - before < 20 * 2**20
    watching.assert_alerts()


def test_nobody_else_can_publish_or_take_over_maskwatch_s_connection(watching: Watching) -> None:
    def publish(*more: str) -> int:
        words = ["mosquitto_pub", "-h", "127.0.0.1", "-p", str(watching.port), "-q", "1", *more]
        return subprocess.run(words, capture_output=True, timeout=30).returncode

    switch = ("-t", "maskwatch/entrance/enabled/set", "-m", "OFF")
    for login in ((), ("-i", "maskwatch-entrance"), ("-u", "maskwatch", "-P", "guess"), ("-u", "", "-P", "x")):
        assert publish(*switch, *login) != 0, login
        assert publish("-t", "maskwatch/entrance/alert", "-m", "{}", "-r", *login) != 0, login
    assert publish("-t", "x", "-m", "y", "--will-topic", switch[1], "--will-payload", "OFF") != 0
    heard = subprocess.run(
        ["mosquitto_sub", "-h", "127.0.0.1", "-p", str(watching.port), "-t", "maskwatch/#", "-v", "-W", "3"],
        capture_output=True, text=True, timeout=30,
    ).stdout  # fmt: skip
    assert "maskwatch/entrance/status online" in heard and "enabled/state ON" in heard and "state OFF" not in heard, (
        heard
    )
    assert "paused" not in watching.process.err and "broker lost" not in watching.process.err
    assert watching.process.err.count("refuses a message") == 1, "told once"
    watching.assert_alerts()


def test_subscriptions_places_and_unread_messages_are_bounded(watching: Watching) -> None:
    before = watching.info.memory_info().rss
    with watching.log_in("many") as made:
        for number in range(40):
            topic = f"a/{number}".encode()
            made.sendall(bytes((0x82, len(topic) + 5)) + struct.pack(">HH", number + 1, len(topic)) + topic + b"\0")
        answers = b""
        while len(answers) < 40 * 5:
            answers += made.recv(4096)
        assert [answers[at + 4] for at in range(0, 200, 5)] == [0] * 32 + [0x80] * 8
    clients = []
    for number in range(60):  # clients that ask for everything, for ever, and read nothing
        with suppress(OSError, AssertionError):
            clients.append(watching.log_in(f"kept{number}", clean=False))
            clients[-1].setblocking(False)
            with suppress(BlockingIOError):
                clients[-1].send(bytes.fromhex("820600010001") + b"#\1" + b"\xc0\0" * 50_000)
    assert len(clients) == 16
    time.sleep(3)
    assert watching.info.memory_info().rss - before < 30 * 2**20
    watching.assert_alerts()
    for made in clients:
        made.close()
    until(watching.listens, "places are free again", 30)


def test_it_listens_on_loopback_only(watching: Watching) -> None:
    listening = [one.laddr for one in watching.info.net_connections() if one.status == "LISTEN"]
    assert [(one.ip, one.port) for one in listening] == [("127.0.0.1", watching.port)]


def test_a_login_that_does_not_come_is_ended(watching: Watching) -> None:
    for sent in (b"", CONNECT[:6]):
        started = time.monotonic()
        assert is_closed(watching.connect(sent)) and 3 < time.monotonic() - started < 10
