"""The publisher against real brokers: order of topics, pause, refusals, a full queue, network threads that end."""

import gc
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support import until

from edge.config.schema import MqttConfig
from edge.mqtt.client import Client
from edge.mqtt.delivery import CAPACITY
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
    """Of all publishers of this process, those that have a connection now."""
    return [each for each in gc.get_objects() if isinstance(each, Client) and each.socket() and not each.over.is_set()]


@pytest.fixture
def publisher(tmp_path: Path) -> Iterator[Any]:
    """Makes publishers of the device ``door``; ``told`` of each is what it reported."""
    made: list[MqttPublisher] = []

    def make(port: int, told: list[tuple[str, str | None]] | None = None, **more: Any) -> MqttPublisher:
        def hear(part: str, text: str | None) -> None:
            if told is not None:
                told.append((part, text))

        settings = MqttConfig(host="127.0.0.1", port=port, **more)
        made.append(MqttPublisher(settings, "door", tmp_path / "outbox.db", report=hear))
        return made[-1]

    yield make
    for each in made:
        each.close(0.5)


def dead(folder: Path) -> list[tuple[str, str]]:
    return peek(folder / "outbox.db")[1]


def test_online_comes_after_all_states_and_offline_at_the_end(mosquitto: Any, subscriber: Any, publisher: Any) -> None:
    broker = mosquitto().start()
    heard = subscriber(broker.port)
    door = publisher(broker.port)
    for message in (State(people=1), Health("ok", "m"), STATS):
        door.show(message)
    heard.wait_for(f"{ROOT}/stats")
    late = subscriber(broker.port)
    kept = {f"{ROOT}/state", f"{ROOT}/health", f"{ROOT}/enabled/state", STATUS}
    until(lambda: {topic for topic, _, retained in late.messages if retained} == kept)
    heard.messages.clear()
    clients()[0].socket().shutdown(socket.SHUT_RDWR)  # type: ignore[union-attr]
    heard.wait_for(STATUS, 2)
    said = [topic for topic, _, _ in heard.messages]
    assert said[0] == STATUS and heard.on(STATUS) == [b"offline", b"online"], "the will, then the new connection"
    assert set(said[1:-1]) == kept - {STATUS} and said[-1] == STATUS
    assert door.close()
    assert heard.wait_for(STATUS, 3)[-1] == b"offline"
    again = subscriber(broker.port)
    assert again.wait_for(STATUS) == [b"offline"]


def test_a_pause_is_answered_and_outlives_the_process(
    mosquitto: Any, subscriber: Any, publisher: Any, tmp_path: Path
) -> None:
    broker = mosquitto().start()
    heard = subscriber(broker.port)
    door = publisher(broker.port)
    assert door.enabled and heard.wait_for(f"{ROOT}/enabled/state") == [b"ON"]
    heard.publish(f"{ROOT}/enabled/set", b"OFF", retain=True)
    until(lambda: not door.enabled)
    door.close()
    second = publisher(broker.port)
    assert not second.enabled, "from the start, not from a retained command"
    assert heard.wait_for(f"{ROOT}/enabled/state", 3) == [b"ON", b"OFF", b"OFF"]
    heard.publish(f"{ROOT}/enabled/set", b"ON")
    until(lambda: second.enabled)
    second.close()
    third = publisher(broker.port)
    heard.wait_for(STATUS, 5)
    assert third.enabled, "though OFF is still retained at the broker"


def test_an_alert_too_large_for_the_broker_is_refused_and_the_next_leave(
    mosquitto: Any, subscriber: Any, publisher: Any, tmp_path: Path
) -> None:
    broker = mosquitto("allow_anonymous true\nmax_packet_size 400").start()
    heard, told = subscriber(broker.port), []
    door = publisher(broker.port, told)
    heard.wait_for(STATUS)
    for number, model in enumerate(["m", "m" * 500, "m", "m"]):
        door.publish(alert(number, model), b"\xff" * 5000)
    assert ids(heard.wait_for(ALERT, 3)) == [0, 2, 3]
    until(lambda: dead(tmp_path))
    assert dead(tmp_path) == [("00000001", "larger than the 400 bytes that the broker takes")]
    until(lambda: [text for part, text in told if part == "alerts" and text and text.startswith("1 alerts")])
    assert heard.on(STATUS) == [b"online"], "the pictures, too large as well, did not end the connection either"
    assert not heard.on(f"{ROOT}/snapshot")


def test_what_an_acl_refuses_is_kept_and_leaves_once_it_may(
    mosquitto: Any, subscriber: Any, publisher: Any, tmp_path: Path
) -> None:
    acl, told = tmp_path / "acl", []
    acl.write_text(f"topic readwrite #\ntopic deny {ALERT}\n")
    acl.chmod(0o644)
    broker = mosquitto(f"allow_anonymous true\nacl_file {acl}\nuser root").start()
    door = publisher(broker.port, told)
    for number in range(3):
        door.publish(alert(number))
    until(lambda: len(dead(tmp_path)) == 3)
    assert {reason for _, reason in dead(tmp_path)} == {f"the broker refuses it on {ALERT}: Not authorized"}
    until(lambda: ("alerts", "3 alerts refused") in [(p, t and t.split(",")[0]) for p, t in told])
    assert door.waiting == 0 and door.close()
    broker.kill()
    acl.write_text("topic readwrite #\n")
    broker.start()
    heard = subscriber(broker.port)
    assert resend(tmp_path / "outbox.db") == 3 and not dead(tmp_path)
    second = publisher(broker.port, told)
    assert ids(heard.wait_for(ALERT, 3)) == [0, 1, 2]
    until(lambda: second.waiting == 0)


def test_a_network_thread_that_ends_is_noticed_and_replaced(mosquitto: Any, subscriber: Any, publisher: Any) -> None:
    broker = mosquitto().start()
    heard, told = subscriber(broker.port), []
    door = publisher(broker.port, told)
    heard.wait_for(STATUS)
    for number in range(3):
        (client,) = clients()
        client.socket().shutdown(socket.SHUT_RDWR)  # type: ignore[union-attr]
        assert client.over.wait(10)
        door.publish(alert(number))
        assert ids(heard.wait_for(ALERT, number + 1)) == list(range(number + 1))
        until(lambda: door.waiting == 0)  # or it would rightly be sent again
    assert [text is None for part, text in told if part == "broker"] == [True] + [False, True] * 3
    assert door.alive


def test_beyond_the_capacity_the_oldest_go_to_the_dead_letters(publisher: Any, mosquitto: Any, tmp_path: Path) -> None:
    door = publisher(mosquitto().port)
    for number in range(CAPACITY + 5):
        door.publish(alert(number))
    until(lambda: door.waiting == CAPACITY)
    until(lambda: len(dead(tmp_path)) == 5)
    assert [int(letter) for letter, _ in dead(tmp_path)] == list(range(5))
    assert {reason for _, reason in dead(tmp_path)} == {f"more than {CAPACITY} alerts waited"}
    assert door.close(), "all others are on disk"
    assert len(peek(tmp_path / "outbox.db")[0]) == CAPACITY
