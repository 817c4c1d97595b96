"""Brokers that hang up on one kind of message: it is left out and named, and everything else is delivered."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from chaos.raiser import alert
from support import until
from support.strict_broker import PUBLISH, SUBSCRIBE, Packet, StrictBroker

from edge.config.schema import MqttConfig
from edge.mqtt.client import V5, V311
from edge.mqtt.homeassistant import Discovery
from edge.mqtt.messages import Health, State, Stats
from edge.mqtt.publisher import MqttPublisher
from edge.outbox.reading import peek

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(200)]

ROOT = "maskwatch/door"
DISCOVERY = "homeassistant/device/maskwatch_door/config"
STATS = Stats(10.0, 100, 0, 1.0, 1.0, 1.0, None, None, 80.0, 0, 5)
PICTURE = b"\xff" * 40_000


class Door:
    """A publisher before a broker with rules, what a subscriber of the real broker gets, and what was reported."""

    def __init__(self, mosquitto: Any, subscriber: Any, folder: Path, rule: Callable[[Packet], Any], protocol: Any):
        port = mosquitto("allow_anonymous true\nmax_queued_messages 0").start().port
        self.received = subscriber(port)
        self.broker = StrictBroker(port, rule)
        self.folder = folder
        self.reports: dict[str, list[str | None]] = {}
        self.raised: list[str] = []
        self.publisher = MqttPublisher(
            MqttConfig(host="127.0.0.1", port=self.broker.port),
            "door",
            folder / "outbox.db",
            protocol,
            lambda part, text: self.reports.setdefault(part, []).append(text),
            Discovery(DISCOVERY, b"{}", "homeassistant/status"),
        )
        for message in (State(), Health("ok", "m")):
            self.publisher.show(message)

    def alert(self, picture: bytes | None = None) -> str:
        message = alert("door")
        self.publisher.publish(message, picture)
        self.raised.append(message.id)
        return message.id

    @property
    def delivered(self) -> list[str]:
        """The ids of the alerts that the subscriber has got, in the order of their first arrival."""
        return list(dict.fromkeys(json.loads(payload)["id"] for payload in self.received.on(f"{ROOT}/alert")))

    @property
    def dead(self) -> list[str]:
        return [id for id, _ in peek(self.folder / "outbox.db")[1]]

    @property
    def named(self) -> str | None:
        """What the broker does not take, as reported last."""
        return (self.reports.get("messages") or [None])[-1]

    def wait_for_alerts(self, ids: list[str], timeout: float) -> float:
        return until(lambda: set(ids) <= set(self.delivered), lambda: f"{len(ids)} alerts; {self}", timeout)

    def wait_until_named(self, *texts: str, timeout: float = 90) -> None:
        until(lambda: all(text in (self.named or "") for text in texts), lambda: f"{texts} in {self}", timeout)

    def stays_connected(self, seconds: float = 12) -> None:
        until(lambda: self.reports["broker"][-1] is None, "a connection")
        before = self.broker.connections
        time.sleep(seconds)
        assert self.broker.connections == before, "no further connection was ended"

    def __str__(self) -> str:
        arrived = sorted({topic for topic, _, _ in self.received.messages})
        refused = [(p.topic, round(p.age, 1), p.number) for p in self.broker.refused]
        return f"{len(self.delivered)} of {len(self.raised)}; {arrived}; refused {refused}; {self.reports}"


@pytest.fixture
def open_door(mosquitto: Any, subscriber: Any, tmp_path: Path) -> Iterator[Any]:
    doors: list[Door] = []

    def make(rule: Callable[[Packet], Any], protocol: Any = V5) -> Door:
        doors.append(Door(mosquitto, subscriber, tmp_path, rule, protocol))
        return doors[-1]

    yield make
    for door in doors:
        door.publisher.close(0.5)
        door.broker.close()
        print(door)


def on(topic: str, kind: int = PUBLISH) -> Callable[[Packet], bool]:
    return lambda packet: packet.kind == kind and packet.topic == topic


KINDS: list[Any] = [
    pytest.param(on(DISCOVERY), DISCOVERY, id="discovery"),
    pytest.param(on(f"{ROOT}/state"), f"{ROOT}/state", id="state"),
    pytest.param(on(f"{ROOT}/health"), f"{ROOT}/health", id="health"),
    pytest.param(on(f"{ROOT}/status"), f"{ROOT}/status", id="online"),
    pytest.param(on(f"{ROOT}/enabled/state"), f"{ROOT}/enabled/state", id="enabled"),
    pytest.param(on(f"{ROOT}/stats"), f"{ROOT}/stats", id="stats"),
    pytest.param(on(f"{ROOT}/snapshot"), f"{ROOT}/snapshot", id="snapshot"),
    pytest.param(on(f"{ROOT}/enabled/set", SUBSCRIBE), f"subscription to {ROOT}/enabled/set", id="subscription"),
]


@pytest.mark.parametrize("protocol", [V5, V311], ids=["5", "3.1.1"])
@pytest.mark.parametrize(("rule", "name"), KINDS)
def test_a_message_on_which_the_broker_hangs_up_is_left_out_and_named_once(
    rule: Callable[[Packet], bool], name: str, protocol: Any, open_door: Any, caplog: pytest.LogCaptureFixture
) -> None:
    door = open_door(rule, protocol)
    door.publisher.show(STATS)
    waited = door.wait_for_alerts([door.alert(PICTURE) for _ in range(30)], 30)
    print(f"30 alerts after {waited:.1f} s")
    until(lambda: f"{name}" in (door.named or ""), lambda: f"{name} in {door}", 90, 1)
    while "left out" not in (door.named or ""):
        door.publisher.show(STATS)
        door.alert(PICTURE)
        time.sleep(2)
    print(f"{len(door.broker.refused)} connections ended")
    assert "closes the connection" in str(door.named)
    door.stays_connected()
    assert not door.dead and door.wait_for_alerts(door.raised, 5) is not None
    assert "another client" not in caplog.text


EVERYTHING: list[Any] = [
    pytest.param(lambda packet: packet.kind == PUBLISH, None, id="at every publish"),
    pytest.param(lambda packet: packet.number == 1, None, id="after CONNACK"),
    pytest.param(lambda packet: packet.number >= 4, None, id="after three packets"),
    pytest.param(lambda packet: packet.number >= 9, None, id="after eight packets"),
    pytest.param(lambda packet: packet.number >= 1 and packet.age > 4.9, None, id="after five seconds"),
    pytest.param(lambda packet: False, 1.5, id="every other second"),
    pytest.param(lambda packet: False, 0.1, id="ten times a second"),
]


@pytest.mark.parametrize("protocol", [V5, V311], ids=["5", "3.1.1"])
@pytest.mark.parametrize(("rule", "cut"), EVERYTHING)
def test_a_broker_that_ends_every_connection_sets_nothing_aside(
    rule: Callable[[Packet], bool], cut: float | None, protocol: Any, open_door: Any
) -> None:
    door = open_door(rule, protocol)
    end = time.monotonic() + 40
    while time.monotonic() < end:
        door.publisher.show(STATS)
        door.alert(PICTURE)
        time.sleep(cut or 2.0)
        if cut:
            door.broker.cut()
    print(len(door.broker.refused), "connections ended;", len(door.delivered), "alerts so far")
    assert not door.dead
    assert not any("left out" in text or "retained" in text for text in door.reports.get("messages", []) if text)
    door.broker.rule = lambda packet: False
    door.wait_for_alerts(door.raised, 60)
    until(lambda: door.named is None and door.publisher.waiting == 0, lambda: str(door))
    assert not door.dead


def test_an_alert_on_which_the_broker_hangs_up_becomes_a_dead_letter_although_it_is_the_only_one(
    open_door: Any,
) -> None:
    """Whether it is this alert or its topic is known only when another one is taken."""
    poison: list[bytes] = []
    door = open_door(lambda packet: packet.kind == PUBLISH and any(id in packet.body for id in poison))
    first = alert("door")
    poison.append(first.id.encode())
    door.publisher.publish(first)
    door.wait_until_named("when it gets maskwatch/door/alert; alerts wait")
    assert not door.dead
    door.stays_connected()
    waited = door.wait_for_alerts([door.alert() for _ in range(5)], 30)
    print(f"5 alerts after {waited:.1f} s")
    until(lambda: door.dead == [first.id], lambda: str(door), 60)
    until(lambda: door.named is None, lambda: str(door))


def test_several_poison_alerts_do_not_hold_up_the_others(open_door: Any) -> None:
    poison: list[bytes] = []
    door = open_door(lambda packet: packet.kind == PUBLISH and any(id in packet.body for id in poison))
    alerts = [alert("door") for _ in range(40)]
    bad = {alerts[number].id for number in (5, 6, 7, 20, 39)}
    poison += [id.encode() for id in bad]
    for one in alerts:
        door.publisher.publish(one)
    door.wait_for_alerts([one.id for one in alerts if one.id not in bad], 60)
    until(lambda: set(door.dead) == bad, lambda: str(door), 120)


@pytest.mark.parametrize("protocol", [V5, V311], ids=["5", "3.1.1"])
def test_alerts_wait_while_the_broker_hangs_up_on_all_of_them(protocol: Any, open_door: Any) -> None:
    door = open_door(on(f"{ROOT}/alert"), protocol)
    for _ in range(30):
        door.alert()
    door.wait_until_named("when it gets maskwatch/door/alert", "alerts wait", timeout=120)
    print(len(door.broker.refused), "connections ended")
    door.alert()
    door.stays_connected()
    assert not door.dead and door.publisher.waiting == 31
    assert door.received.on(f"{ROOT}/status")[-1] == b"online"


def test_snapshots_that_are_too_large_are_left_out_and_the_door_stays_online(open_door: Any) -> None:
    door = open_door(lambda packet: packet.size > 30_000)
    door.alert(b"\xff" * 1_200_000)
    door.wait_until_named(f"{ROOT}/snapshot of 1.2 MB")
    until(lambda: door.reports["broker"][-1] is None, "a connection")
    connections = door.broker.connections
    for size in (1_200_000, 900_000, 20_000, 1_200_000):
        door.alert(b"\xff" * size)
    door.stays_connected()
    assert door.broker.connections == connections
    assert [len(picture) for picture in door.received.on(f"{ROOT}/snapshot")] == [20_000]
    door.wait_for_alerts(door.raised, 5)
