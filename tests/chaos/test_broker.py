"""Brokers of the older protocol, and two doors with one name; refusals and outages have files of their own."""

import signal
import time
from pathlib import Path
from typing import Any

import pytest
from conftest import free_port
from letters import eventually
from test_refusals import TOPIC, ids, raise_alerts, raised

from edge.client import V5, V311
from edge.config import Mqtt
from edge.link import Link
from edge.outbox import peek

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(300)]


@pytest.mark.parametrize("will", [True, False], ids=["hangs up on MQTT 5", "is silent to MQTT 5"])
def test_a_broker_of_the_older_protocol_is_spoken_to_in_it(will: bool) -> None:
    """amqtt takes our MQTT 5 greeting for the first part of a longer one."""
    pytest.importorskip("amqtt", reason="needs the broker extra (amqtt)")
    from edge.broker import EmbeddedBroker

    used: list[int] = []

    def prepare(client: Any) -> None:
        used.append(client.protocol)
        if will:
            client.will_set("status", b"offline", qos=1, retain=True)

    broker, started = EmbeddedBroker(free_port()).start(), time.monotonic()
    link = Link(Mqtt(host="127.0.0.1", port=broker.port), "test", prepare)
    try:
        eventually(lambda: link.wait(0.1) == ("up",), 90)
        print(f"connected after {time.monotonic() - started:.1f} s by {used}")
        assert used == [V5, V311, V5, V311], "5 is tried once more: 3.1.1 hides what an ACL refuses"
        assert time.monotonic() - started <= 60
    finally:
        link.close()
        broker.close()


def test_two_doors_with_one_name_are_told_and_lose_nothing(
    maskwatch: Any, mosquitto: Any, subscriber: Any, tmp_path: Path
) -> None:
    broker = mosquitto().start()
    heard = subscriber(broker.port)
    doors = [raise_alerts(maskwatch, broker.port, tmp_path / name, 100, "--pace", "0.3", "--stay") for name in "ab"]
    hint = "another client calls itself maskwatch-door? give each camera its own name"
    started = time.monotonic()
    eventually(lambda: any(hint in door.err for door in doors), 60)
    print(f"told after {time.monotonic() - started:.1f} s")
    assert any("Session taken over" in door.err for door in doors)
    eventually(lambda: len(ids(heard.on(TOPIC))) == 200, 150)
    for door in doors:
        said = set(raised(door))
        assert [one for one in ids(heard.on(TOPIC)) if one in said] == raised(door), "each in its own order"
        print(f"{door.err.count('broker lost')} times thrown off")
        assert door.err.count("broker lost") <= 20, "the pauses grow: no duel"
        assert door.end(signal.SIGTERM) == 0
    assert [peek(tmp_path / name / "outbox.db")[1] for name in "ab"] == [[], []], "no alert is blamed for it"
