"""A broker that refuses or hangs up for a while: no good alert is set aside, and the order is kept."""

import random
import time
from typing import Any

import pytest
from chaos.strict_door import ROOT, open_door
from support import until
from support.strict_broker import PUBLISH, Packet, refuse_message

pytestmark = pytest.mark.security
__all__ = ["open_door"]
ALERT = f"{ROOT}/alert"


def is_alert(packet: Packet) -> bool:
    return packet.kind == PUBLISH and packet.topic == ALERT


@pytest.mark.parametrize("reason", [0x97, 0x89, 0x83], ids=["quota", "busy", "implementation"])
def test_a_refusal_that_passes_sets_nothing_aside_and_keeps_the_order(reason: int, open_door: Any) -> None:
    well_at = time.monotonic() + 5

    def rule(packet: Packet) -> bytes | None:
        refused = packet.kind == PUBLISH and packet.topic.startswith(ROOT) and packet.body[-1:] == b"}"
        return refuse_message(packet, reason) if refused and time.monotonic() < well_at else None

    door = open_door(rule)
    for _ in range(60):
        door.alert()
        time.sleep(0.05)
    door.wait_for_alerts(door.raised, 30)
    assert door.delivered == door.raised and not door.dead
    until(lambda: door.publisher.waiting == 0 and door.named is None, lambda: str(door))
    assert door.received.on(f"{ROOT}/state") and door.received.on(f"{ROOT}/health"), "they are sent again as well"


def test_an_alert_that_alone_is_refused_without_end_lets_the_next_leave(open_door: Any) -> None:
    bad: list[bytes] = []
    door = open_door(lambda p: refuse_message(p, 0x83) if is_alert(p) and any(id in p.body for id in bad) else None)
    until(lambda: door.received.on(f"{ROOT}/status"), "a connection")
    door.broker.rule = lambda p: refuse_message(p, 0x83) if is_alert(p) and door.raised[0].encode() in p.body else None
    first = door.alert()
    waited = door.wait_for_alerts([door.alert() for _ in range(5)], 30)
    print(f"the next alerts after {waited:.1f} s")
    until(lambda: door.dead == [first], lambda: str(door), 30)


@pytest.mark.parametrize("share", [0.5, 0.8, 1.0])
def test_a_broker_that_drops_connections_at_alerts_costs_no_good_alert(share: float, open_door: Any) -> None:
    """It has taken some before, so that each of them looks like the only one."""
    chance = random.Random(3)
    door = open_door(lambda packet: False)
    door.wait_for_alerts([door.alert() for _ in range(5)], 30)
    door.broker.rule = lambda packet: is_alert(packet) and chance.random() < share
    end = time.monotonic() + 20
    while time.monotonic() < end:
        door.alert()
        time.sleep(0.4)
    print(f"{len(door.broker.refused)} connections ended")
    assert not door.dead
    door.broker.rule = lambda packet: False
    door.wait_for_alerts(door.raised, 60)
    assert not door.dead
