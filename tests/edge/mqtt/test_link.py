"""The connection to the broker: its protocol, the messages in flight, faults of callbacks, and missing files."""

import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from paho.mqtt.enums import MQTTProtocolVersion
from support import until

from edge.config.schema import MqttConfig
from edge.errors import ConfigError
from edge.mqtt.client import FORGOTTEN, V5, V311, Client, Session, force_close
from edge.mqtt.events import Acknowledged, Connected, Disconnected, LinkEvent, Received
from edge.mqtt.link import Link
from edge.mqtt.mailbox import Mailbox
from edge.mqtt.terms import WINDOW


class Owner:
    """A link and the thread that owns it.

    ``events`` is what the thread has received, ``problems`` what the link has reported, ``clients`` all that it made.
    """

    def __init__(
        self,
        port: int,
        prepare: Callable[[Any], None] = lambda client: None,
        protocol: MQTTProtocolVersion = V5,
        session: Session = FORGOTTEN,
        **more: Any,
    ) -> None:
        self.events: list[LinkEvent] = []
        self.mailbox = Mailbox[None]()
        self.problems: list[str | None] = []
        self.clients: list[Client] = []
        self.subscribed = False

        def note(client: Any) -> None:
            self.clients.append(client)
            client.on_subscribe = lambda *_: setattr(self, "subscribed", True)
            prepare(client)

        settings = MqttConfig(host="127.0.0.1", port=port, **more)
        self.link = Link(settings, "test", self.mailbox, note, protocol, self.problems.append, session=session)
        self._running = True
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while self._running:
            if (event := self.mailbox.next(self.link, 0.05)) is not None:
                self.events.append(event)

    def count(self, kind: type[LinkEvent]) -> int:
        """The number of events of this type."""
        return sum(isinstance(event, kind) for event in self.events)

    def cut_connection(self) -> None:
        """Ends the present TCP connection."""
        connection = self.clients[-1].socket()
        assert connection is not None
        connection.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._running = False
        self._thread.join(30)
        self.link.close()


@pytest.fixture
def make_owner() -> Iterator[Any]:
    made: list[Owner] = []

    def make(port: int, *args: Any, **more: Any) -> Owner:
        made.append(Owner(port, *args, **more))
        return made[-1]

    yield make
    for owner in made:
        owner.close()


def test_a_broker_that_hangs_up_while_it_starts_is_still_connected_to_with_mqtt_5(
    mosquitto: Any, make_owner: Any
) -> None:
    """With 3.1.1, messages that an ACL refuses look delivered. Docker's proxy hangs up while its broker starts."""
    broker = mosquitto()
    with socket.create_server(("127.0.0.1", broker.port)) as proxy:
        proxy.settimeout(30)
        owner = make_owner(broker.port)
        proxy.accept()[0].close()
    broker.start()
    until(lambda: owner.count(Connected) == 1, timeout=60)
    assert owner.clients[-1].protocol == V5


def test_no_more_messages_are_in_flight_than_the_broker_allows(mosquitto: Any, make_owner: Any) -> None:
    owner = make_owner(mosquitto("allow_anonymous true\nmax_inflight_messages 3").start().port)
    until(lambda: owner.count(Connected) == 1)
    assert owner.clients[-1].max_inflight_messages == 3 < WINDOW
    for _ in range(50):
        owner.link.send("a", b"b", qos=1)
    until(lambda: owner.count(Acknowledged) == 50)
    assert owner.count(Disconnected) == 0 and len(owner.clients) == 2


def test_a_message_larger_than_the_broker_accepts_is_never_sent(mosquitto: Any, make_owner: Any) -> None:
    owner = make_owner(mosquitto("allow_anonymous true\nmax_packet_size 100").start().port)
    until(lambda: owner.count(Connected) == 1)
    with pytest.raises(ValueError, match="larger than the 100 bytes"):
        owner.link.send("a", b"x" * 100, qos=1)
    owner.link.send(
        "a", b"x" * 89, qos=1
    )  # the largest accepted: its packet has 97 bytes, and the estimate is a little higher
    until(lambda: owner.count(Acknowledged) == 1)
    assert owner.count(Disconnected) == 0


@pytest.mark.parametrize("protocol", [V5, V311])
def test_a_session_keeps_what_arrives_while_the_client_is_away_and_what_it_has_not_acknowledged(
    protocol: MQTTProtocolVersion, mosquitto: Any, subscriber: Any, make_owner: Any
) -> None:
    port, session = mosquitto().start().port, Session(expiry=3600, manual_ack=True)
    other = subscriber(port)
    first = make_owner(port, protocol=protocol, session=session)
    until(lambda: first.count(Connected) == 1)
    first.link.subscribe("a")
    until(lambda: first.subscribed)
    other.publish("a", b"acknowledged")
    other.publish("a", b"only received")
    until(lambda: first.count(Received) == 2)
    first.link.acknowledge(next(event for event in first.events if isinstance(event, Received)))
    first.close()
    other.publish("a", b"while away")
    second = make_owner(port, protocol=protocol, session=session)
    until(lambda: second.count(Received) == 2)
    assert [e.payload for e in second.events if isinstance(e, Received)] == [b"only received", b"while away"]


def test_a_callback_that_raises_does_not_end_the_network_thread(
    mosquitto: Any, subscriber: Any, make_owner: Any
) -> None:
    broker = mosquitto().start()
    received, raised = subscriber(broker.port), []

    def fail(*_: Any) -> None:
        raised.append(1)
        raise RuntimeError("a fault of the callback")

    owner = make_owner(broker.port, lambda client: setattr(client, "on_subscribe", fail))
    until(lambda: owner.count(Connected) == 1)
    owner.link.subscribe("x")
    until(lambda: raised)
    owner.link.send("y", b"still here", qos=1)
    assert received.wait_for("y") == [b"still here"]
    until(lambda: owner.count(Acknowledged) == 1)
    assert owner.link.connected and owner.link.alive
    assert len(owner.clients) == 1 and not owner.clients[0].finished.is_set()


def test_a_client_that_is_abandoned_during_the_name_lookup_never_connects(mosquitto: Any) -> None:
    """With a slow name server, the abandoned client would otherwise make the broker disconnect its successor."""
    broker = mosquitto().start()
    connected, looking_up, address_known = threading.Event(), threading.Event(), threading.Event()
    client = Client("test", V5, lambda client: None)
    client.on_connect = lambda *_: connected.set()
    client.on_pre_connect = lambda *_: (looking_up.set(), address_known.wait(30))
    client.start_connecting(MqttConfig(host="127.0.0.1", port=broker.port), WINDOW)
    assert looking_up.wait(30)
    force_close(client)
    address_known.set()
    assert client.finished.wait(30) and not connected.is_set()


def test_a_password_file_that_disappears_is_reported_once_until_it_returns(
    mosquitto: Any, make_owner: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    broker, file = mosquitto().start(), tmp_path / "password"

    def write(text: str) -> None:
        with suppress(FileNotFoundError):
            file.unlink()
        file.touch(0o600)
        file.write_text(text)

    write("canary-31337")
    with caplog.at_level(logging.DEBUG):
        owner = make_owner(broker.port, user="door", password_file=str(file))
        until(lambda: owner.problems == [None])
        file.unlink()
        owner.cut_connection()
        until(lambda: owner.problems[-1] is not None and "password_file" in owner.problems[-1])
        time.sleep(3)  # several attempts
        assert len([text for text in owner.problems if text and "cannot be read" in text]) == 1
        write("canary-31337")
        until(lambda: owner.count(Connected) == 2, timeout=60)
    assert owner.problems[-1] is None and "canary" not in caplog.text + str(owner.problems)


def test_files_that_cannot_be_used_are_refused_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    with pytest.raises(ConfigError, match="ca.pem cannot be used"):
        Link(MqttConfig(host="127.0.0.1", port=1, tls=True, ca_file=str(tmp_path / "ca.pem")), "test", print)
    (tmp_path / "open").write_text("secret")
    (tmp_path / "open").chmod(0o644)
    with pytest.raises(ConfigError, match="chmod 640"):
        Link(MqttConfig(host="127.0.0.1", port=1, user="u", password_file=str(tmp_path / "open")), "test", print)
