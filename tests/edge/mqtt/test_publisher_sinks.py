"""The publisher beside sinks: alerts leave for the broker once they are on disk, and are not held up by a disk."""

import json
import sqlite3
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

from support import until
from support.outboxes import RecordingSink

from edge.config.schema import MqttConfig
from edge.mqtt.client import V5
from edge.mqtt.messages import AlertMessage
from edge.mqtt.publisher import MqttPublisher
from edge.outbox.reading import peek

ALERT = "maskwatch/door/alert"


def alert(number: int) -> AlertMessage:
    return AlertMessage(
        "no_mask", f"{number:08}", "door", "2026-01-01T00:00:00.000Z", 0.9, 6, 0.4, "t-1", (0, 0, 9, 9), (640, 480),
        True, "m",
    )  # fmt: skip


def test_a_disk_that_hangs_holds_up_neither_broker_nor_sink(mosquitto: Any, subscriber: Any, tmp_path: Path) -> None:
    broker, sink, works = mosquitto().start(), RecordingSink(), threading.Event()
    received = subscriber(broker.port)

    def report(part: str, text: str | None) -> None:
        if part == "disk" and threading.current_thread().name == "outbox":
            works.wait(60)

    settings = MqttConfig(host="127.0.0.1", port=broker.port)
    publisher = MqttPublisher(settings, "door", tmp_path / "outbox.db", V5, report, sinks=[sink])
    for number in range(30):
        publisher.publish(alert(number))
    payloads = received.wait_for(ALERT, 30)
    assert [int(json.loads(payload)["id"]) for payload in payloads] == list(range(30))
    assert [copy.payload for copy in sink.taken] == payloads and not works.is_set()
    works.set()
    publisher.close()


def test_the_broker_s_acknowledgement_leaves_the_copy(mosquitto: Any, tmp_path: Path) -> None:
    path, sink = tmp_path / "outbox.db", RecordingSink()
    settings = MqttConfig(host="127.0.0.1", port=mosquitto().start().port)
    publisher = MqttPublisher(settings, "door", path, V5, sinks=[sink])
    publisher.publish(alert(1))
    until(lambda: path.exists() and [message.id for message in peek(path)[0]] == ["00000001@hook"])
    assert publisher.waiting == 0 and publisher.close(), "what waits for the sink waits on disk"
    assert sink.ended


def test_alerts_that_only_a_sink_lacks_are_lost_if_they_could_not_be_stored(mosquitto: Any, tmp_path: Path) -> None:
    path, problems = tmp_path / "outbox.db", list[str]()
    settings = MqttConfig(host="127.0.0.1", port=mosquitto().start().port)
    publisher = MqttPublisher(
        settings, "door", path, V5, lambda part, text: problems.append(f"{part} {text}"), sinks=[RecordingSink()]
    )
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        publisher.publish(alert(1))
        until(lambda: any("cannot be saved" in problem for problem in problems))
        until(lambda: publisher.waiting == 0)
        assert not publisher.close()
