"""The publisher with real brokers: order of topics, pause, refusals, a full queue, network threads that end."""

import gc
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support import until

from edge.config.schema import MqttConfig
from edge.mqtt.alert_queue import CAPACITY
from edge.mqtt.client import Client
from edge.mqtt.messages import AlertMessage, Health, State, Stats
from edge.mqtt.publisher import MqttPublisher
from edge.outbox.reading import peek, resend

ROOT = "maskwatch/door"
ALERT, STATUS = f"{ROOT}/alert", f"{ROOT}/status"
STATS = Stats(10.0, 100, 0, 1.0, 1.0, 1.0, None, None, 80.0, 0, 5)


def alert(number: int, model: str = "m") -> AlertMessage:
    return AlertMessage(
        "no_mask", f"{number:08}", "door", "2026-01-01T00:00:00.000Z", 0.9, 6, 0.4, "t-1", (0, 0, 9, 9), (640, 480),
        True, model,
    )  # fmt: skip


def ids(payloads: list[bytes]) -> list[int]:
    return [int(json.loads(payload)["id"]) for payload in payloads]


def clients() -> list[Client]:
    """The connected clients of all publishers of this process."""
    made = [thing for thing in gc.get_objects() if isinstance(thing, Client)]
    return [client for client in made if client.socket() and not client.finished.is_set()]


@pytest.fixture
def publisher(tmp_path: Path) -> Iterator[Any]:
    """Makes publishers of the device ``door``, which add their reports to the list ``reports``."""
    made: list[MqttPublisher] = []

    def make(port: int, reports: list[tuple[str, str | None]] | None = None, **more: Any) -> MqttPublisher:
        def report(part: str, text: str | None) -> None:
            if reports is not None:
                reports.append((part, text))

        settings = MqttConfig(host="127.0.0.1", port=port, **more)
        made.append(MqttPublisher(settings, "door", tmp_path / "outbox.db", report=report))
        return made[-1]

    yield make
    for one in made:
        one.close(0.5)


def dead_letters(folder: Path) -> list[tuple[str, str]]:
    return peek(folder / "outbox.db")[1]


def test_online_is_published_after_all_states_and_offline_at_the_end(
    mosquitto: Any, subscriber: Any, publisher: Any
) -> None:
    broker = mosquitto().start()
    received = subscriber(broker.port)
    door = publisher(broker.port)
    for message in (STATS, State(people=1), Health("ok", "m")):  # an answer to the others tells that stats was taken
        door.show(message)
    received.wait_for(f"{ROOT}/stats")
    received.wait_for(f"{ROOT}/health")
    late = subscriber(broker.port)
    kept = {f"{ROOT}/state", f"{ROOT}/health", f"{ROOT}/enabled/state", STATUS}
    until(lambda: {topic for topic, _, retained in late.messages if retained} == kept)
    received.messages.clear()
    clients()[0].socket().shutdown(socket.SHUT_RDWR)  # type: ignore[union-attr]
    received.wait_for(STATUS, 2)
    topics = [topic for topic, _, _ in received.messages]
    assert topics[0] == STATUS and received.on(STATUS) == [b"offline", b"online"], "the will, then the new connection"
    assert set(topics[1:-1]) == kept - {STATUS} and topics[-1] == STATUS
    assert door.close()
    assert received.wait_for(STATUS, 3)[-1] == b"offline"
    again = subscriber(broker.port)
    assert again.wait_for(STATUS) == [b"offline"]


def test_a_pause_is_confirmed_and_survives_a_restart(
    mosquitto: Any, subscriber: Any, publisher: Any, tmp_path: Path
) -> None:
    broker = mosquitto().start()
    received = subscriber(broker.port)
    door = publisher(broker.port)
    assert door.enabled and received.wait_for(f"{ROOT}/enabled/state") == [b"ON"]
    received.publish(f"{ROOT}/enabled/set", b"OFF", retain=True)
    until(lambda: not door.enabled)
    door.close()
    second = publisher(broker.port)
    assert not second.enabled, "the pause comes from the outbox, not from a retained command"
    assert received.wait_for(f"{ROOT}/enabled/state", 3) == [b"ON", b"OFF", b"OFF"]
    received.publish(f"{ROOT}/enabled/set", b"ON")
    until(lambda: second.enabled)
    second.close()
    third = publisher(broker.port)
    received.wait_for(STATUS, 5)
    assert third.enabled, "a command OFF is still retained at the broker, and is ignored"


def test_an_alert_too_large_for_the_broker_is_refused_and_the_next_are_delivered(
    mosquitto: Any, subscriber: Any, publisher: Any, tmp_path: Path
) -> None:
    broker = mosquitto("allow_anonymous true\nmax_packet_size 400").start()
    received, reports = subscriber(broker.port), []
    door = publisher(broker.port, reports)
    received.wait_for(STATUS)
    for number, model in enumerate(["m", "m" * 500, "m", "m"]):
        door.publish(alert(number, model), b"\xff" * 5000)
    assert ids(received.wait_for(ALERT, 3)) == [0, 2, 3]
    until(lambda: dead_letters(tmp_path))
    assert dead_letters(tmp_path) == [("00000001", "larger than the 400 bytes that the broker takes")]
    until(lambda: [text for part, text in reports if part == "alerts" and text and text.startswith("1 alerts")])
    assert received.on(STATUS) == [b"online"], "the snapshots, which are too large as well, did not end the connection"
    assert not received.on(f"{ROOT}/snapshot")


def test_alerts_that_an_acl_refuses_are_kept_and_delivered_once_it_allows_them(
    mosquitto: Any, subscriber: Any, publisher: Any, tmp_path: Path
) -> None:
    acl, reports = tmp_path / "acl", []
    acl.write_text(f"topic readwrite #\ntopic deny {ALERT}\n")
    acl.chmod(0o644)
    broker = mosquitto(f"allow_anonymous true\nacl_file {acl}\nuser root").start()
    door = publisher(broker.port, reports)
    for number in range(3):
        door.publish(alert(number))
    until(lambda: len(dead_letters(tmp_path)) == 3)
    assert {reason for _, reason in dead_letters(tmp_path)} == {f"the broker refuses it on {ALERT}: Not authorized"}
    until(lambda: ("alerts", "3 alerts refused") in [(p, t and t.split(",")[0]) for p, t in reports])
    assert door.waiting == 0 and door.close()
    broker.kill()
    acl.write_text("topic readwrite #\n")
    broker.start()
    received = subscriber(broker.port)
    assert resend(tmp_path / "outbox.db") == 3 and not dead_letters(tmp_path)
    second = publisher(broker.port, reports)
    assert ids(received.wait_for(ALERT, 3)) == [0, 1, 2]
    until(lambda: second.waiting == 0)


def test_a_network_thread_that_ends_is_replaced(mosquitto: Any, subscriber: Any, publisher: Any) -> None:
    broker = mosquitto().start()
    received, reports = subscriber(broker.port), []
    door = publisher(broker.port, reports)
    received.wait_for(STATUS)
    for number in range(3):
        (client,) = clients()
        client.socket().shutdown(socket.SHUT_RDWR)  # type: ignore[union-attr]
        assert client.finished.wait(10)
        door.publish(alert(number))
        assert ids(received.wait_for(ALERT, number + 1)) == list(range(number + 1))
        until(lambda: door.waiting == 0)  # an alert without acknowledgement would be sent again
    assert [text is None for part, text in reports if part == "broker"] == [True] + [False, True] * 3
    assert door.alive


def test_beyond_the_capacity_the_oldest_alerts_become_dead_letters(
    publisher: Any, mosquitto: Any, tmp_path: Path
) -> None:
    door = publisher(mosquitto().port)
    for number in range(CAPACITY + 5):
        door.publish(alert(number))
    until(lambda: door.waiting == CAPACITY)
    until(lambda: len(dead_letters(tmp_path)) == 5)
    assert [int(id) for id, _ in dead_letters(tmp_path)] == list(range(5))
    assert {reason for _, reason in dead_letters(tmp_path)} == {f"more than {CAPACITY} alerts waited"}
    assert door.close(), "all other alerts are on disk"
    assert len(peek(tmp_path / "outbox.db")[0]) == CAPACITY
