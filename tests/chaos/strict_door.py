"""A publisher before a broker with rules, and the fixture that opens it."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from chaos.raiser import alert
from support import until
from support.strict_broker import PUBLISH, Packet, StrictBroker

from edge.config.schema import MqttConfig
from edge.mqtt.client import V5
from edge.mqtt.day_counts import KEPT_DAYS, DayCounts
from edge.mqtt.homeassistant import Discovery
from edge.mqtt.messages import Health, State, Stats
from edge.mqtt.publisher import MqttPublisher
from edge.outbox.reading import peek

ROOT = "maskwatch/door"
DISCOVERY = "homeassistant/device/maskwatch_door/config"
DAYS = [f"2026-11-{day}" for day in range(20, 20 + KEPT_DAYS)]
STATS = Stats(10.0, 100, 0, 1.0, 1.0, 1.0, None, None, 80.0, 0, 5)
PICTURE = b"\xff" * 40_000


class Door:
    """A publisher before a broker with rules, what a subscriber of the real broker gets, and what was reported."""

    def __init__(self, mosquitto: Any, subscriber: Any, folder: Path, rule: Callable[[Packet], Any], protocol: Any):
        self.real = mosquitto("allow_anonymous true\nmax_queued_messages 0").start()
        port = self.real.port
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
        for day in DAYS:
            self.publisher.keep_day(DayCounts(day, "yunet", "m", "c", [], []))

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
