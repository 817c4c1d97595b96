"""Brokers of the older protocol, and two doors with one name; refusals and outages have files of their own."""

import signal
import time
from pathlib import Path
from typing import Any

import pytest
from chaos.raiser import alert
from chaos.raising import TOPIC, ids, raise_alerts, raised
from support import until
from support.brokers import free_port

from edge.config.schema import MqttConfig
from edge.mqtt.client import V5, V311
from edge.mqtt.events import Connected
from edge.mqtt.link import Link
from edge.mqtt.mailbox import Mailbox
from edge.mqtt.publisher import MqttPublisher
from edge.outbox.reading import peek

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(300)]


@pytest.mark.parametrize("will", [True, False], ids=["hangs up on MQTT 5", "is silent to MQTT 5"])
def test_a_broker_of_the_older_protocol_is_spoken_to_in_it(will: bool) -> None:
    """amqtt takes our MQTT 5 greeting for the first part of a longer one."""
    pytest.importorskip("amqtt", reason="needs the broker extra (amqtt)")
    from edge.mqtt.embedded_broker import EmbeddedBroker

    used: list[int] = []

    def prepare(client: Any) -> None:
        used.append(client.protocol)
        if will:
            client.will_set("status", b"offline", qos=1, retain=True)

    broker, started = EmbeddedBroker(free_port()).start(), time.monotonic()
    mailbox = Mailbox[None]()
    link = Link(MqttConfig(host="127.0.0.1", port=broker.port), "test", mailbox.put, prepare)
    try:
        until(lambda: mailbox.next(link, 0.1) == Connected(), timeout=90)
        print(f"connected after {time.monotonic() - started:.1f} s by {used}")
        assert used == [V5, V311, V5, V311], "5 is tried once more: 3.1.1 hides what an ACL refuses"
        assert time.monotonic() - started <= 60
    finally:
        link.close()
        broker.close()


def test_two_doors_with_one_name_are_told_and_lose_nothing(
    maskwatch: Any, mosquitto: Any, subscriber: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """On one machine the state folder refuses the second; here it is as if it ran on another."""
    broker = mosquitto().start()
    heard = subscriber(broker.port)
    first = raise_alerts(maskwatch, broker.port, tmp_path / "first", 100, "--pace", "0.3", "--stay")
    first.wait_for("well broker")
    second = MqttPublisher(MqttConfig(host="127.0.0.1", port=broker.port), "door", tmp_path / "second" / "outbox.db")
    alerts = [alert("door") for _ in range(100)]
    started = time.monotonic()
    for each in alerts:
        second.publish(each)
        time.sleep(0.3)
    hint = "another client calls itself maskwatch-door? give each camera its own name"
    until(lambda: hint in first.err or hint in caplog.text, timeout=60)
    print(f"told within {time.monotonic() - started:.0f} s")
    until(lambda: len(ids(heard.on(TOPIC))) == 200, 150)
    print(f"all delivered after {time.monotonic() - started:.0f} s, {first.err.count('broker lost')} times thrown off")
    assert (first.err + caplog.text).count(hint) <= 2, "said once by each"
    for own in (raised(first), [each.id for each in alerts]):
        assert [one for one in ids(heard.on(TOPIC)) if one in set(own)] == own, "each in its own order"
    assert second.close() and first.end(signal.SIGTERM) == 0
    assert [peek(tmp_path / name / "outbox.db") for name in ("first", "second")] == [([], [])] * 2, "none is blamed"


@pytest.mark.parametrize("seen", [150, 700, 1200])
def test_a_kill_in_the_midst_of_a_backlog_sends_one_window_twice_at_most(
    seen: int, maskwatch: Any, mosquitto: Any, subscriber: Any, tmp_path: Path
) -> None:
    """What is acknowledged and not yet off the disk counts too, however slow the disk is."""
    broker = mosquitto("allow_anonymous true\nmax_queued_messages 0")
    first = raise_alerts(maskwatch, broker.port, tmp_path / "state", 1500, "--stay")
    until(lambda: len(raised(first)) == 1500, timeout=60)
    first.end(signal.SIGTERM)
    broker.start()
    heard = subscriber(broker.port)
    second = raise_alerts(maskwatch, broker.port, tmp_path / "state", 0, "--stay")
    while len(heard.messages) < seen:
        assert second.popen.poll() is None
    second.end(signal.SIGKILL)
    third = raise_alerts(maskwatch, broker.port, tmp_path / "state", 0, "--stay")
    third.wait_for("well broker")
    until(lambda: len(ids(heard.on(TOPIC))) == 1500, 60)
    assert ids(heard.on(TOPIC)) == raised(first)
    print(f"{len(heard.on(TOPIC)) - 1500} duplicates")
    assert len(heard.on(TOPIC)) - 1500 <= 20
    assert third.end(signal.SIGTERM) == 0
