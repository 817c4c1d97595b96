"""Brokers that hang up on one kind of message: it is left out and named, and everything else is delivered."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from chaos.strict_door import DISCOVERY, PICTURE, ROOT, STATS, on, open_door
from support import until
from support.strict_broker import PUBLISH, SUBSCRIBE, Packet

from edge.mqtt.client import V5, V311

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(200)]
__all__ = ["open_door"]

KINDS: list[Any] = [
    pytest.param(on(DISCOVERY), DISCOVERY, id="discovery"),
    pytest.param(on(f"{ROOT}/state"), f"{ROOT}/state", id="state"),
    pytest.param(on(f"{ROOT}/health"), f"{ROOT}/health", id="health"),
    pytest.param(on(f"{ROOT}/status"), f"{ROOT}/status", id="online"),
    pytest.param(on(f"{ROOT}/enabled/state"), f"{ROOT}/enabled/state", id="enabled"),
    pytest.param(on(f"{ROOT}/stats"), f"{ROOT}/stats", id="stats"),
    pytest.param(lambda packet: packet.topic.startswith(f"{ROOT}/counts/"), f"{ROOT}/counts/+", id="counts"),
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
