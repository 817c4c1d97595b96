"""One connection kept up: which protocol, how much at once, what a fault of ours or a file that goes may do to it."""

import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from support import until

from edge.config.schema import MqttConfig
from edge.errors import ConfigError
from edge.mqtt.client import V5, Client, cut
from edge.mqtt.events import Acknowledged, Connected, Disconnected, LinkEvent
from edge.mqtt.link import WINDOW, Link
from edge.mqtt.mailbox import Mailbox


class Owner:
    """A link and the thread that owns it. ``events`` is what it took, ``clients`` all that the link ever made."""

    def __init__(self, port: int, prepare: Callable[[Any], None] = lambda client: None, **more: Any) -> None:
        self.events: list[LinkEvent] = []
        self.mailbox = Mailbox[None]()
        self.told: list[str | None] = []
        self.clients: list[Client] = []

        def note(client: Any) -> None:
            self.clients.append(client)
            prepare(client)

        settings = MqttConfig(host="127.0.0.1", port=port, **more)
        self.link = Link(settings, "test", self.mailbox.put, note, trouble=self.told.append)
        self._on = True
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while self._on:
            if (event := self.mailbox.next(self.link, 0.05)) is not None:
                self.events.append(event)

    def got(self, kind: type[LinkEvent]) -> int:
        return sum(isinstance(event, kind) for event in self.events)

    def cut(self) -> None:
        """The line of the present connection."""
        connection = self.clients[-1].socket()
        assert connection is not None
        connection.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._on = False
        self._thread.join(30)
        self.link.close()


@pytest.fixture
def owner() -> Iterator[Any]:
    made: list[Owner] = []

    def make(port: int, *args: Any, **more: Any) -> Owner:
        made.append(Owner(port, *args, **more))
        return made[-1]

    yield make
    for each in made:
        each.close()


def test_a_broker_that_hung_up_while_it_started_is_still_spoken_to_in_mqtt_5(mosquitto: Any, owner: Any) -> None:
    """Under 3.1.1 what an ACL refuses would look delivered. Docker's proxy hangs up so while its broker starts."""
    broker = mosquitto()
    with socket.create_server(("127.0.0.1", broker.port)) as door_only:
        door_only.settimeout(30)
        own = owner(broker.port)
        door_only.accept()[0].close()
    broker.start()
    until(lambda: own.got(Connected) == 1, timeout=60)
    assert own.clients[-1].protocol == V5


def test_no_more_is_in_flight_than_the_broker_allows(mosquitto: Any, owner: Any) -> None:
    own = owner(mosquitto("allow_anonymous true\nmax_inflight_messages 3").start().port)
    until(lambda: own.got(Connected) == 1)
    assert own.clients[-1].max_inflight_messages == 3 < WINDOW
    for _ in range(50):
        own.link.send("a", b"b", qos=1)
    until(lambda: own.got(Acknowledged) == 50)
    assert own.got(Disconnected) == 0 and len(own.clients) == 2


def test_a_message_larger_than_the_broker_takes_is_never_sent(mosquitto: Any, owner: Any) -> None:
    own = owner(mosquitto("allow_anonymous true\nmax_packet_size 100").start().port)
    until(lambda: own.got(Connected) == 1)
    with pytest.raises(ValueError, match="larger than the 100 bytes"):
        own.link.send("a", b"x" * 100, qos=1)
    own.link.send("a", b"x" * 89, qos=1)  # the most: its packet has 97 bytes, and the estimate errs upwards
    until(lambda: own.got(Acknowledged) == 1)
    assert own.got(Disconnected) == 0


def test_a_callback_that_raises_does_not_end_the_network_thread(mosquitto: Any, subscriber: Any, owner: Any) -> None:
    broker = mosquitto().start()
    heard, raised = subscriber(broker.port), []

    def fail(*_: Any) -> None:
        raised.append(1)
        raise RuntimeError("a fault of ours")

    own = owner(broker.port, lambda client: setattr(client, "on_subscribe", fail))
    until(lambda: own.got(Connected) == 1)
    own.link.subscribe("x")
    until(lambda: raised)
    own.link.send("y", b"still here", qos=1)
    assert heard.wait_for("y") == [b"still here"]
    until(lambda: own.got(Acknowledged) == 1)
    assert own.link.connected and own.link.alive and len(own.clients) == 1 and not own.clients[0].over.is_set()


def test_a_client_given_up_while_it_still_looks_for_its_broker_never_connects(mosquitto: Any) -> None:
    """A slow name server: the client that was given up must not come back and throw its successor off the broker."""
    broker = mosquitto().start()
    connected = threading.Event()
    client = Client("test", V5, lambda client: None)
    client.on_connect = lambda *_: connected.set()
    client.on_pre_connect = lambda *_: time.sleep(1)
    client.begin(MqttConfig(host="127.0.0.1", port=broker.port), WINDOW)
    time.sleep(0.3)
    cut(client)
    assert client.over.wait(30) and not connected.is_set()


def test_a_password_file_that_goes_and_comes_is_complained_of_once(
    mosquitto: Any, owner: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    broker, file = mosquitto().start(), tmp_path / "password"

    def write(text: str) -> None:
        with suppress(FileNotFoundError):
            file.unlink()
        file.touch(0o600)
        file.write_text(text)

    write("canary-31337")
    with caplog.at_level(logging.DEBUG):
        own = owner(broker.port, user="door", password_file=str(file))
        until(lambda: own.told == [None])
        file.unlink()
        own.cut()
        until(lambda: own.told[-1] is not None and "password_file" in own.told[-1])
        time.sleep(3)  # several attempts
        assert len([text for text in own.told if text and "cannot be read" in text]) == 1
        write("canary-31337")
        until(lambda: own.got(Connected) == 2, timeout=60)
    assert own.told[-1] is None and "canary" not in caplog.text + str(own.told)


def test_files_that_cannot_be_used_are_told_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    with pytest.raises(ConfigError, match="ca.pem cannot be used"):
        Link(MqttConfig(host="127.0.0.1", port=1, tls=True, ca_file=str(tmp_path / "ca.pem")), "test", print)
    (tmp_path / "open").write_text("secret")
    (tmp_path / "open").chmod(0o644)
    with pytest.raises(ConfigError, match="chmod 640"):
        Link(MqttConfig(host="127.0.0.1", port=1, user="u", password_file=str(tmp_path / "open")), "test", print)
