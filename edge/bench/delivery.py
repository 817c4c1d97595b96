"""Measures the time from decision to subscriber: alerts through the real publisher and a real broker on loopback."""

import json
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from ..config.schema import MqttConfig
from ..errors import BrokerError
from ..monitor.door import alert_message
from ..monitor.state import StateFiles
from ..mqtt.embedded_broker import HOST
from ..mqtt.messages import AlertMessage
from ..mqtt.publisher import MqttPublisher
from ..people.policy import Alert
from ..timing import wait_until
from .brokers import Broker
from .stopwatch import percentiles

INTERVAL = 0.05
"""Seconds between two alerts, because people do not enter within milliseconds of each other."""
TIMEOUT = 20.0


def measure_delivery(broker: Broker, alerts: int = 200) -> dict[str, Any]:
    """Publishes alerts; returns percentiles of the milliseconds from ``publish`` to the subscriber's callback."""
    with tempfile.TemporaryDirectory(prefix="maskwatch-") as folder:
        listener = AlertListener(broker)
        settings = broker.login or MqttConfig(host=HOST, port=broker.port)
        publisher = MqttPublisher(settings, "bench", StateFiles(Path(folder)).outbox, broker.protocol)
        try:
            with closing(listener):
                publisher.publish(example_alert("bench"))  # not counted, because it waits for the connection
                _wait_for(lambda: listener.received, "no alert arrives")
                listener.received.clear()
                sent = {}
                for _ in range(alerts):
                    message = example_alert("bench")
                    sent[message.id] = time.perf_counter()
                    publisher.publish(message)
                    time.sleep(INTERVAL)
                _wait_for(lambda: len(listener.received) >= len(sent), "not every alert arrived")
        finally:
            publisher.close()
    delays = [listener.received[alert_id] - moment for alert_id, moment in sent.items()]
    return {"broker": broker.name, "alerts": alerts} | percentiles(delays)


class AlertListener:
    """Subscribes to all alerts; ``received`` has the time (``perf_counter``) at which each id arrived.

    Owns paho's network thread, which adds to ``received``; other threads read it. Raises ``BrokerError`` if the broker
    does not acknowledge the subscription.
    """

    def __init__(self, broker: Broker) -> None:
        self.received: dict[str, float] = {}
        subscribed = threading.Event()
        self._client = paho.Client(CallbackAPIVersion.VERSION2, protocol=broker.protocol)
        self._client.on_connect = lambda client, *_: client.subscribe("maskwatch/+/alert", 1)
        self._client.on_subscribe = lambda *_: subscribed.set()
        self._client.on_message = lambda client, userdata, message: self._note(bytes(message.payload))
        self._client.connect(HOST, broker.port)
        self._client.loop_start()
        if not subscribed.wait(TIMEOUT):
            raise BrokerError(f"{broker.name} did not acknowledge a subscription within {TIMEOUT:.0f} s")

    def _note(self, payload: bytes) -> None:
        self.received[json.loads(payload)["id"]] = time.perf_counter()

    def close(self) -> None:
        """Disconnects and ends the thread."""
        self._client.disconnect()
        self._client.loop_stop()


def example_alert(device: str) -> AlertMessage:
    """Makes an ordinary alert with a fresh id."""
    alert = Alert("no_mask", 1, 0.0, 0.97, 4, 0.4, (10, 10, 90, 90))
    return alert_message(alert, device=device, model="mask", frame_size=(640, 480))


def _wait_for(condition: Callable[[], object], failure: str) -> None:
    """Raises ``BrokerError`` with ``failure`` if the condition is not met within ``TIMEOUT``."""
    if not wait_until(condition, TIMEOUT, pause=0.01):
        raise BrokerError(f"{failure} within {TIMEOUT:.0f} s")
