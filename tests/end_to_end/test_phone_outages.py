"""The phone service and real outages: kills and restarts, brokers with and without a memory. Each alert rings once."""

import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support import until
from support.phone import Server, alert, configured, waiting

from edge.config.schema import MqttConfig
from edge.mqtt.messages import AlertMessage
from edge.mqtt.publisher import MqttPublisher

PERSISTENT = "allow_anonymous true\nuser root\npersistence true\npersistence_location {folder}/"


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server.start()
    server.stop()


def test_every_alert_of_many_doors_rings_once_whatever_restarts(
    server: Server, mosquitto: Any, subscriber: Any, maskwatch: Any, tmp_path: Path
) -> None:
    """The phone is killed, alerts pass meanwhile, and the broker restarts: 40 doors ring once each."""
    broker = mosquitto(PERSISTENT.format(folder=tmp_path)).start()
    options = ("watch", "--broker", broker.address, "--post", server.url)
    alerts = {f"door{number}": alert(f"door{number}") for number in range(40)}

    def publish(first: int, last: int) -> None:
        client = subscriber(broker.port)
        for device in list(alerts)[first:last]:
            client.publish(f"maskwatch/{device}/alert", alerts[device])

    watch = maskwatch(*options)
    watch.wait_for("connected to the broker")
    publish(0, 10)
    until(lambda: len(server.texts) == 10, lambda: f"10 texts; {server.texts}")
    until(lambda: not waiting(tmp_path))  # a kill before an answer is noted would repeat that text
    watch.end(signal.SIGKILL)
    publish(10, 20)
    broker.stop()
    broker.start()
    publish(20, 30)
    watch = maskwatch(*options)
    publish(30, 40)
    publish(0, 40)  # redelivered, or raised twice: the same ids
    until(lambda: len(server.texts) >= 40, lambda: f"40 texts; {len(server.texts)}: {server.texts}")
    assert watch.end(signal.SIGTERM) == 0
    devices = [text.partition(":")[0] for text in server.messages]
    assert sorted(devices) == sorted(alerts)


def test_an_alert_is_on_disk_before_the_broker_may_forget_it(
    server: Server, mosquitto: Any, subscriber: Any, maskwatch: Any
) -> None:
    """No server answers; the phone is killed as soon as it has printed the alert. The next start rings."""
    server.stop()
    broker = mosquitto().start()
    client = subscriber(broker.port)
    options = ("watch", "--broker", broker.address, "--post", server.url)
    watch = maskwatch(*options)
    watch.wait_for("connected to the broker")
    until(lambda: client.publish("maskwatch/porch/status", b"online") or "porch  is online" in watch.out)
    client.publish("maskwatch/porch/alert", alert("porch"))
    watch.wait_for("NO MASK")
    watch.end(signal.SIGKILL)
    broker.kill()  # it has no file: what it knew is gone
    server.start()
    watch = maskwatch(*options)
    until(lambda: server.texts)
    assert [text.rpartition(",")[0] for text in server.messages] == ["porch: no mask"]
    watch.end(signal.SIGTERM)


def test_what_waits_at_the_end_is_said_and_posted_by_the_next_start(
    server: Server, mosquitto: Any, subscriber: Any, maskwatch: Any
) -> None:
    server.code = 503
    broker = mosquitto().start()
    client = subscriber(broker.port)
    options = ("watch", "--broker", broker.address, "--post", server.url)
    watch = maskwatch(*options)
    watch.wait_for("connected to the broker")
    until(lambda: client.publish("maskwatch/porch/status", b"online") or "porch  is online" in watch.out)
    for device in ("porch", "back"):
        client.publish(f"maskwatch/{device}/alert", alert(device))
    watch.wait_for("answers 503")
    until(lambda: watch.out.count("NO MASK") == 2)
    assert watch.end(signal.SIGTERM) == 0
    assert "2 alerts wait for the phone on disk" in watch.err and "secret-door" not in watch.err
    server.code = 200
    watch = maskwatch(*options)
    until(lambda: len(server.texts) == 2)
    assert watch.end(signal.SIGTERM) == 0 and "wait for the phone on disk" not in watch.err


@pytest.mark.chaos
def test_after_an_outage_the_phone_subscribes_before_the_queues_of_the_doors_leave(
    server: Server, mosquitto: Any, maskwatch: Any, tmp_path: Path
) -> None:
    """This broker keeps nothing on disk: it has forgotten the session of the phone. Each door comes back by itself."""
    broker = mosquitto().start()
    config = configured(tmp_path, burst=0)
    watch = maskwatch("watch", "--broker", broker.address, "--post", server.url, "--config", config)
    watch.wait_for("connected to the broker")
    settings = MqttConfig(host="127.0.0.1", port=broker.port)
    doors = {name: MqttPublisher(settings, name, tmp_path / f"{name}.db") for name in ("a", "b", "c", "d", "e", "f")}
    for name in doors:
        watch.wait_for(f"{name}  is online")
    for outage in (10.0, 4.0):
        broker.kill()
        watch.wait_for("broker lost")
        for name, door in doors.items():
            for _ in range(3):
                door.publish(AlertMessage.decode(alert(name)))
        time.sleep(outage)
        broker.start()
        until(lambda: not any(door.waiting for door in doors.values()), "the doors deliver", 60)
        until(lambda: len(server.texts) == 18, lambda: f"18 texts; {server.messages}", 10)
        server.accepted.clear()
    assert all(door.close() for door in doors.values()) and watch.end(signal.SIGTERM) == 0
