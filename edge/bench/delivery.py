"""From decision to subscriber: real alerts through the real publisher and a real broker on loopback."""

import json
import tempfile
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from ..config.schema import MqttConfig
from ..errors import BrokerError
from ..monitor.door import alert_message
from ..mqtt.embedded_broker import HOST
from ..mqtt.messages import AlertMessage
from ..mqtt.publisher import MqttPublisher
from ..people.policy import Alert
from .brokers import Broker
from .stopwatch import percentiles

PAUSE = 0.05
"""Seconds between two alerts: people do not come in one a millisecond."""
PATIENCE = 20.0


def delivered(broker: Broker, alerts: int = 200) -> dict[str, Any]:
    """Milliseconds from ``publish`` to the subscriber's callback, of each of so many alerts."""
    heard: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="maskwatch-") as folder:
        listener = Listener(broker, heard)
        settings = MqttConfig(host=HOST, port=broker.port)
        publisher = MqttPublisher(settings, "bench", Path(folder) / "outbox.db", broker.protocol)
        try:
            with closing(listener):
                publisher.publish(an_alert("bench"))  # not counted: it waits for the connection
                _await(lambda: heard, "no alert arrives")
                heard.clear()
                sent = {}
                for _ in range(alerts):
                    message = an_alert("bench")
                    sent[message.id] = time.perf_counter()
                    publisher.publish(message)
                    time.sleep(PAUSE)
                _await(lambda: len(heard) >= len(sent), "not every alert arrived")
        finally:
            publisher.close()
    return {"broker": broker.name, "alerts": alerts} | percentiles([heard[name] - sent[name] for name in sent])


class Listener:
    """Notes the moment at which each alert arrives."""

    def __init__(self, broker: Broker, heard: dict[str, float]) -> None:
        ready = threading.Event()
        self._client = paho.Client(CallbackAPIVersion.VERSION2, protocol=broker.protocol)
        self._client.on_connect = lambda client, *_: client.subscribe("maskwatch/+/alert", 1)
        self._client.on_subscribe = lambda *_: ready.set()
        self._client.on_message = lambda client, user, message: heard.update(
            {json.loads(message.payload)["id"]: time.perf_counter()}
        )
        self._client.connect(HOST, broker.port)
        self._client.loop_start()
        if not ready.wait(PATIENCE):
            raise BrokerError(f"{broker.name} takes no subscription")

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


def an_alert(device: str) -> AlertMessage:
    """One like any other."""
    alert = Alert("no_mask", 1, 0.0, 0.97, 4, 0.4, (10, 10, 90, 90))
    return alert_message(alert, device=device, model="mask", frame_size=(640, 480))


def _await(holds: Any, otherwise: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        if time.monotonic() > deadline:
            raise BrokerError(otherwise)
        time.sleep(0.01)
