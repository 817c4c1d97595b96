"""What a broker does not take is said in one sentence, and served as well as it can be."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support import until
from support.brokers import change_rights, with_rights
from support.strict_broker import CONNECT, Packet, StrictBroker, refuse_connection

from edge.config.schema import MqttConfig
from edge.mqtt.client import V5, V311
from edge.mqtt.homeassistant import Discovery
from edge.mqtt.messages import AlertMessage, Health, State, utc_now, uuid7
from edge.mqtt.publisher import MqttPublisher
from edge.outbox.reading import peek

ROOT = "maskwatch/door"
DISCOVERY = "homeassistant/device/maskwatch_door/config"


def alert() -> AlertMessage:
    return AlertMessage(
        "no_mask", str(uuid7()), "door", utc_now(), 0.9, 6, 0.4, "t-1", (0, 0, 9, 9), (640, 480), True, "m"
    )


class Door:
    """A publisher with discovery. ``named`` is what it said last about messages, ``problems`` what about the broker."""

    def __init__(self, port: int, folder: Path, protocol: Any = V5) -> None:
        self.reports: list[tuple[str, str | None]] = []
        self.folder = folder
        self.publisher = MqttPublisher(
            MqttConfig(host="127.0.0.1", port=port),
            "door",
            folder / "outbox.db",
            protocol,
            lambda part, text: self.reports.append((part, text)),
            Discovery(DISCOVERY, b"{}", "homeassistant/status"),
        )
        for message in (State(), Health("ok", "m")):
            self.publisher.show(message)

    def said(self, part: str) -> list[str | None]:
        return [text for name, text in self.reports if name == part]

    @property
    def named(self) -> str:
        return (self.said("messages") or [None])[-1] or ""

    @property
    def problems(self) -> str:
        return " ".join(text for text in self.said("broker") if text)


@pytest.fixture
def open_door(tmp_path: Path) -> Iterator[Any]:
    doors: list[Door] = []

    def make(port: int, *args: Any) -> Door:
        doors.append(Door(port, tmp_path, *args))
        return doors[-1]

    yield make
    for door in doors:
        door.publisher.close(0.5)


def test_what_the_broker_refuses_is_named_once_and_no_longer_when_it_is_allowed(
    mosquitto: Any, subscriber: Any, open_door: Any, tmp_path: Path
) -> None:
    refused = [f"{ROOT}/state", f"{ROOT}/status", f"{ROOT}/snapshot", DISCOVERY]
    broker = mosquitto(with_rights(tmp_path, publish=refused, subscribe=[f"{ROOT}/enabled/set"])).start()
    door = open_door(broker.port)
    door.publisher.publish(alert(), b"\xff" * 1000)
    until(lambda: f"{ROOT}/snapshot" in door.named, lambda: str(door.reports))
    assert all(topic in door.named for topic in refused)
    assert f"the subscription to {ROOT}/enabled/set (Not authorized)" in door.named
    assert "allow it in the broker's access rights (ACL)" in door.named and f"{ROOT}/health" not in door.named
    for people in range(20):
        door.publisher.show(State(people=people))
    until(lambda: door.publisher.waiting == 0)
    assert len(door.said("messages")) <= 2, "the answers of one connection are reported together, then the snapshot's"
    broker.kill()
    change_rights(tmp_path, publish=[f"{ROOT}/status"])
    broker.start()
    until(lambda: "state" not in door.named, lambda: str(door.reports), 60)
    door.publisher.publish(alert(), b"\xff" * 1000)
    until(lambda: "snapshot" not in door.named)
    assert door.named.startswith(f"the broker refuses {ROOT}/status (Not authorized)")
    assert not peek(door.folder / "outbox.db")[1]


@pytest.mark.parametrize(
    ("extra", "named", "retained"),
    [
        ("retain_available false", "the broker keeps no retained messages", False),
        ("max_qos 0", "the broker takes QoS 0 only", True),
        ("retain_available false\nmax_qos 0", "the broker takes QoS 0 only", False),
    ],
)
def test_a_broker_without_retained_messages_or_qos_1_is_served(
    extra: str, named: str, retained: bool, mosquitto: Any, subscriber: Any, open_door: Any
) -> None:
    broker = mosquitto(f"allow_anonymous true\n{extra}").start()
    received, door = subscriber(broker.port), open_door(broker.port)
    alerts = [alert() for _ in range(30)]
    for one in alerts:
        door.publisher.publish(one)
    assert len(received.wait_for(f"{ROOT}/alert", 30)) == 30
    until(lambda: named in door.named, lambda: str(door.reports))
    assert ("no retained" in door.named) == (not retained)
    until(lambda: door.publisher.waiting == 0)
    assert received.on(f"{ROOT}/status") == [b"online"], "one connection serves all of it"
    assert "password" not in door.problems


@pytest.mark.chaos
@pytest.mark.parametrize("protocol", [V5, V311], ids=["5", "3.1.1"])
@pytest.mark.parametrize("only_retained", [True, False], ids=["retained will", "will"])
@pytest.mark.parametrize("reason", [135, 128, None], ids=str)
def test_a_connection_is_made_without_a_will_that_the_broker_refuses(
    reason: int | None, only_retained: bool, protocol: Any, mosquitto: Any, subscriber: Any, open_door: Any
) -> None:
    def rule(packet: Packet) -> bytes | bool:
        if packet.kind != CONNECT or not packet.will or only_retained and not packet.retain:
            return False
        return True if reason is None else refuse_connection(packet, reason)

    real = mosquitto().start()
    broker, received = StrictBroker(real.port, rule), subscriber(real.port)
    door = open_door(broker.port, protocol)
    door.publisher.publish(alert())
    received.wait_for(f"{ROOT}/alert", timeout=45)
    retained = " as a retained message" if only_retained else ""
    expected = f"the broker refuses the last will on {ROOT}/status{retained} ("
    until(lambda: expected in door.named, lambda: str(door.reports))
    assert "password" not in door.problems
    until(lambda: door.publisher.waiting == 0)
    broker.cut()
    until(lambda: received.on(f"{ROOT}/status")[-1] == (b"offline" if only_retained else b"online"))
    broker.close()


def test_a_login_that_is_refused_is_no_matter_of_the_will(mosquitto: Any, open_door: Any) -> None:
    broker = StrictBroker(mosquitto().start().port, lambda packet: refuse_connection(packet, 135))
    door = open_door(broker.port)
    until(lambda: broker.connections >= 4, timeout=60)
    assert door.said("broker") == [
        f"the broker at 127.0.0.1:{broker.port} refuses the connection: Not authorized; check [mqtt] user and "
        "password_file; retrying"
    ]
    broker.rule = lambda packet: False
    until(lambda: door.said("broker")[-1] is None, timeout=60)
    assert not door.named
    broker.close()


@pytest.mark.parametrize("protocol", [V5, V311], ids=["5", "3.1.1"])
def test_a_picture_above_the_broker_s_limit_is_left_out_without_a_disconnection(
    protocol: Any, mosquitto: Any, subscriber: Any, open_door: Any
) -> None:
    """mosquitto answers a message above this limit with a reason that MQTT 5 lists for other packets only."""
    broker = mosquitto("allow_anonymous true\nmessage_size_limit 2000").start()
    received, door = subscriber(broker.port), open_door(broker.port, protocol)
    for size in (5000, 1000, 5000):
        door.publisher.publish(alert(), b"\xff" * size)
    received.wait_for(f"{ROOT}/alert", 3)
    assert [len(picture) for picture in received.wait_for(f"{ROOT}/snapshot")] == [1000]
    until(lambda: door.publisher.waiting == 0)
    if protocol == V5:  # 3.1.1 cannot tell it
        until(lambda: f"refuses {ROOT}/snapshot (Packet too large)" in door.named, lambda: str(door.reports))
    assert received.on(f"{ROOT}/status") == [b"online"]


def test_a_picture_above_the_announced_limit_is_named_and_the_limit_is_known(
    mosquitto: Any, subscriber: Any, open_door: Any
) -> None:
    broker = mosquitto("allow_anonymous true\nmax_packet_size 2000").start()
    received, door = subscriber(broker.port), open_door(broker.port)
    received.wait_for(f"{ROOT}/status")
    largest = door.publisher.largest_picture()
    assert 1900 < largest < 2000
    door.publisher.publish(alert(), b"\xff" * (largest + 50))
    until(lambda: f"{ROOT}/snapshot (2 kB) is larger" in door.named, lambda: str(door.reports))
    door.publisher.publish(alert(), b"\xff" * largest)
    assert len(received.wait_for(f"{ROOT}/snapshot")[0]) == largest
    until(lambda: not door.named)
    assert received.on(f"{ROOT}/status") == [b"online"]
