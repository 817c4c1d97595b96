"""Brokers that only support MQTT 3.1.1, two doors with one name, and kills while a backlog is delivered."""

import signal
import time
from pathlib import Path
from typing import Any

import pytest
from chaos.raiser import alert
from chaos.raising import TOPIC, ids, raise_alerts, raised
from support import until
from support.strict_broker import CONNECT, Packet, StrictBroker

from edge.config.schema import MqttConfig
from edge.mqtt.client import V5, V311
from edge.mqtt.events import Connected
from edge.mqtt.link import Link
from edge.mqtt.mailbox import Mailbox
from edge.mqtt.publisher import MqttPublisher
from edge.outbox.reading import peek

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(300)]


@pytest.mark.parametrize("silence", [0.0, 10.0], ids=["hangs up on MQTT 5", "is silent to MQTT 5"])
def test_a_broker_without_mqtt_5_is_connected_to_with_mqtt_3_1_1(silence: float, mosquitto: Any) -> None:
    """Some brokers take the MQTT 5 CONNECT packet for the first part of a longer packet."""
    used: list[int] = []

    def refuse_version_5(packet: Packet) -> bool:
        if packet.kind == CONNECT and packet.version == 5:
            time.sleep(silence)
        return packet.kind == CONNECT and packet.version == 5

    broker, started = StrictBroker(mosquitto().start().port, refuse_version_5), time.monotonic()
    mailbox = Mailbox[None]()
    settings = MqttConfig(host="127.0.0.1", port=broker.port)
    link = Link(settings, "test", mailbox, lambda client: used.append(client.protocol))
    try:
        until(lambda: mailbox.next(link, 0.1) == Connected(), timeout=90)
        print(f"connected after {time.monotonic() - started:.1f} s by {used}")
        assert used == [V5, V311, V5, V311], "5 is tried once more: 3.1.1 hides what an ACL refuses"
        assert time.monotonic() - started <= 60
    finally:
        link.close()
        broker.close()


def test_two_doors_with_one_name_are_reported_and_lose_no_alert(
    maskwatch: Any, mosquitto: Any, subscriber: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """On one machine the state folder refuses the second door; this one behaves as if it ran on another machine."""
    broker = mosquitto().start()
    received = subscriber(broker.port)
    first = raise_alerts(maskwatch, broker.port, tmp_path / "first", 100, "--pace", "0.3", "--stay")
    first.wait_for("well broker")
    second = MqttPublisher(MqttConfig(host="127.0.0.1", port=broker.port), "door", tmp_path / "second" / "outbox.db")
    alerts = [alert("door") for _ in range(100)]
    started = time.monotonic()
    for one in alerts:
        second.publish(one)
        time.sleep(0.3)
    hint = "another client may use the client id maskwatch-door; give each camera its own name in [device]"
    until(lambda: hint in first.err or hint in caplog.text, "the hint at another client", timeout=60)
    print(f"reported within {time.monotonic() - started:.0f} s")
    until(lambda: len(ids(received.on(TOPIC))) == 200, "200 alerts", timeout=150)
    print(
        f"all delivered after {time.monotonic() - started:.0f} s, {first.err.count('broker lost')} times disconnected"
    )
    assert (first.err + caplog.text).count(hint) <= 2, "each door reports it once"
    for raised_ids in (raised(first), [one.id for one in alerts]):
        arrived = [id for id in ids(received.on(TOPIC)) if id in set(raised_ids)]
        assert arrived == raised_ids, "each door's alerts arrive in order"
    assert second.close() and first.end(signal.SIGTERM) == 0
    outboxes = [peek(tmp_path / name / "outbox.db") for name in ("first", "second")]
    assert outboxes == [([], [])] * 2, "no alert became a dead letter"


@pytest.mark.parametrize("count", [150, 700, 1200])
def test_a_kill_while_a_backlog_is_delivered_repeats_at_most_one_window(
    count: int, maskwatch: Any, mosquitto: Any, subscriber: Any, tmp_path: Path
) -> None:
    """An alert that is acknowledged and not yet deleted from the disk counts as well, however slow the disk is."""
    broker = mosquitto("allow_anonymous true\nmax_queued_messages 0")
    first = raise_alerts(maskwatch, broker.port, tmp_path / "state", 1500, "--stay")
    until(lambda: len(raised(first)) == 1500, "1500 raised alerts", timeout=60)
    first.end(signal.SIGTERM)
    broker.start()
    received = subscriber(broker.port)
    second = raise_alerts(maskwatch, broker.port, tmp_path / "state", 0, "--stay")

    def enough_received() -> bool:
        assert second.popen.poll() is None, second.err
        return len(received.messages) >= count

    until(enough_received, f"{count} messages", timeout=60, pause=0)
    second.end(signal.SIGKILL)
    third = raise_alerts(maskwatch, broker.port, tmp_path / "state", 0, "--stay")
    third.wait_for("well broker")
    until(lambda: len(ids(received.on(TOPIC))) == 1500, "1500 alerts", timeout=60)
    assert ids(received.on(TOPIC)) == raised(first)
    print(f"{len(received.on(TOPIC)) - 1500} duplicates")
    assert len(received.on(TOPIC)) - 1500 <= 20
    assert third.end(signal.SIGTERM) == 0
