"""Brokers that hang up on alerts, on retained messages, on large ones, or on several kinds at once."""

from typing import Any

import pytest
from chaos.raiser import alert
from chaos.strict_door import DISCOVERY, ROOT, on, open_door
from support import until
from support.brokers import Subscriber
from support.strict_broker import CONNECT, PUBLISH

from edge.mqtt.client import V5, V311

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(200)]
__all__ = ["open_door"]


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
    for _ in range(5):  # the last bad one may be the only one left: only others that are taken prove that it is guilty
        door.alert()
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


@pytest.mark.parametrize("protocol", [V5, V311], ids=["5", "3.1.1"])
def test_a_broker_that_hangs_up_on_retained_messages_gets_them_without_being_retained(
    protocol: Any, open_door: Any
) -> None:
    door = open_door(lambda packet: packet.kind in (CONNECT, PUBLISH) and packet.retain, protocol)
    alerts = [door.alert() for _ in range(30)]
    waited = door.wait_for_alerts(alerts, 60)
    print(f"30 alerts after {waited:.1f} s")
    expected = {f"{ROOT}/{name}" for name in ("state", "health", "status", "enabled/state")} | {DISCOVERY}
    until(lambda: expected <= {topic for topic, _, _ in door.received.messages}, lambda: str(door), 120)
    door.stays_connected()
    print(f"{len(door.broker.refused)} connections ended; {door.named}")
    assert "refuses the last will on maskwatch/door/status as a retained message" in str(door.named)
    assert "left out" not in str(door.named) and not door.dead


def test_two_messages_on_which_the_broker_hangs_up_are_left_out_and_the_others_stay_retained(open_door: Any) -> None:
    bad = {DISCOVERY, f"{ROOT}/state"}
    door = open_door(lambda packet: packet.kind == PUBLISH and packet.topic in bad)
    waited = door.wait_for_alerts([door.alert() for _ in range(30)], 30)
    print(f"30 alerts after {waited:.1f} s")
    door.wait_until_named(f"{DISCOVERY}; it is left out", f"{ROOT}/state; it is left out", timeout=120)
    door.stays_connected()
    assert "without being retained" not in str(door.named)
    late = Subscriber(door.real.port)
    until(lambda: {topic for topic, _, retained in late.messages if retained} >= {f"{ROOT}/health", f"{ROOT}/status"})
    late.close()


def test_what_was_left_out_is_tried_again_once_the_broker_was_away(open_door: Any) -> None:
    door = open_door(on(f"{ROOT}/health"))
    door.wait_until_named("health; it is left out")
    door.broker.close_listener()
    door.broker.cut()
    until(lambda: "cannot reach" in str(door.reports["broker"][-1]), lambda: str(door), 60)
    door.broker.rule = lambda packet: False
    door.broker.listen_again()
    until(lambda: door.named is None, lambda: str(door), 60)
    assert door.received.on(f"{ROOT}/health")


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
