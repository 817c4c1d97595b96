"""Alerts that were set aside are tried again by themselves: one as a sample, then the others in order."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support import until
from support.outboxes import RecordingOutbox
from support.strict_broker import PUBLISH, Packet, StrictBroker, refuse_message

from edge.config.schema import MqttConfig
from edge.mqtt.client import V5
from edge.mqtt.messages import AlertMessage, encode, utc_now, uuid7
from edge.mqtt.publisher import MqttPublisher
from edge.outbox.reading import peek
from edge.outbox.sql import OutboxMessage

ALERT = "maskwatch/door/alert"


def alert() -> AlertMessage:
    return AlertMessage(
        "no_mask", str(uuid7()), "door", utc_now(), 0.9, 6, 0.4, "t-1", (0, 0, 9, 9), (640, 480), True, "m"
    )


class Door:
    """A publisher with three alerts that an earlier run has set aside, before a broker with a rule."""

    def __init__(self, port: int, received: Any, folder: Path, rule: Any) -> None:
        self.path, self.received, self.broker = folder / "outbox.db", received, StrictBroker(port, rule)
        earlier, self.old = RecordingOutbox(self.path), [alert() for _ in range(3)]
        for one in self.old:
            earlier.outbox.refused(OutboxMessage(one.id, ALERT, encode(one)), "Not authorized")
        earlier.close()
        self.problems: list[str | None] = []
        self.publisher = MqttPublisher(
            MqttConfig(host="127.0.0.1", port=self.broker.port), "door", self.path, V5, self.report
        )

    def report(self, part: str, problem: str | None) -> None:
        if part == "alerts":
            self.problems.append(problem)

    @property
    def ids(self) -> list[str]:
        return [one.id for one in self.old]

    @property
    def delivered(self) -> list[str]:
        return [json.loads(payload)["id"] for payload in self.received.on(ALERT)]

    @property
    def dead(self) -> list[str]:
        return [id for id, _ in peek(self.path)[1]]


@pytest.fixture
def open_door(mosquitto: Any, subscriber: Any, tmp_path: Path) -> Iterator[Any]:
    doors: list[Door] = []

    def make(rule: Any) -> Door:
        port = mosquitto().start().port
        doors.append(Door(port, subscriber(port), tmp_path, rule))
        return doors[-1]

    yield make
    for door in doors:
        door.publisher.close(0.5)
        door.broker.close()


def is_alert(packet: Packet) -> bool:
    return packet.kind == PUBLISH and packet.topic == ALERT


def test_dead_letters_of_an_earlier_run_leave_in_order_once_the_broker_takes_them(open_door: Any) -> None:
    door = open_door(lambda packet: None)
    until(lambda: door.delivered == door.ids, lambda: str(door.delivered), 20)
    until(lambda: not door.dead and door.problems[-1] is None, lambda: str(door.problems))
    assert peek(door.path)[0] == [] and door.publisher.waiting == 0


@pytest.mark.parametrize("hangs_up", [False, True])
def test_one_sample_is_tried_and_goes_back_and_an_outage_brings_the_next(hangs_up: bool, open_door: Any) -> None:
    tried: list[str] = []
    old: list[str] = []

    def rule(packet: Packet) -> Any:
        if not is_alert(packet) or not any(id.encode() in packet.body for id in old):
            return None
        tried.append(next(id for id in old if id.encode() in packet.body))
        return True if hangs_up else refuse_message(packet, 0x97)

    door = open_door(rule)
    old += door.ids
    until(lambda: tried, "a sample", 20)
    raised = alert()
    started = time.monotonic()
    door.publisher.publish(raised)
    until(lambda: raised.id in door.delivered, "the live alert", 20)
    print(f"the live alert left after {time.monotonic() - started:.1f} s")
    until(lambda: door.dead == [*old[1:], old[0]], lambda: str(door.dead))
    time.sleep(1)
    assert tried == old[:1], "no other one is tried in this round"
    assert door.delivered == [raised.id] and door.publisher.waiting == 0
    if hangs_up:  # the sample may be what takes the broker away: the next one waits for an hour
        return
    old.clear()
    door.broker.close_listener()
    door.broker.cut()
    time.sleep(2.5)
    door.broker.listen_again()
    until(lambda: not door.dead, lambda: str(door.dead), 40)
    assert sorted(door.delivered[1:]) == sorted(door.ids)
