"""MQTT client: last will, availability, retained states, and alerts until the broker has acknowledged them.

One sender thread owns the client and the queue; callbacks of paho's network thread and callers only enqueue.
Alerts wait in memory while the broker is away and leave in order. An alert counts as delivered when the broker's
acknowledgement carries no failure; paho itself repeats unacknowledged ones after a reconnection.
"""

import logging
import queue
import sys
import threading
import time
from collections import deque
from contextlib import suppress
from typing import Protocol, TextIO

import paho.mqtt.client as paho
from paho.mqtt.enums import MQTTProtocolVersion
from paho.mqtt.reasoncodes import ReasonCode

from .config import Mqtt
from .link import V5, Event, Link
from .messages import AlertMessage, Health, State, Stats, Topics, encode

log = logging.getLogger(__name__)

IN_FLIGHT = 20
"""Alerts sent and not yet acknowledged, at most."""
CAPACITY = 10_000
"""Alerts kept in memory while the broker is away; beyond it the oldest are dropped, and said to be."""


class Publisher(Protocol):
    """Where alerts and states go."""

    @property
    def waiting(self) -> int: ...

    def publish(self, alert: AlertMessage) -> None: ...

    def show(self, message: State | Health | Stats) -> None: ...

    def close(self, timeout: float = 5.0) -> bool: ...


class PrintPublisher:
    """Alerts as JSON lines on a stream, as they would be sent."""

    @property
    def waiting(self) -> int:
        return 0

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out or sys.stdout

    def publish(self, alert: AlertMessage) -> None:
        print(encode(alert).decode(), file=self._out, flush=True)

    def show(self, message: State | Health | Stats) -> None:
        """States are for subscribers."""

    def close(self, timeout: float = 5.0) -> bool:
        return True


class Both:
    """Two publishers as one."""

    def __init__(self, first: Publisher, second: Publisher) -> None:
        self._all = (first, second)

    @property
    def waiting(self) -> int:
        return sum(each.waiting for each in self._all)

    def publish(self, alert: AlertMessage) -> None:
        for each in self._all:
            each.publish(alert)

    def show(self, message: State | Health | Stats) -> None:
        for each in self._all:
            each.show(message)

    def close(self, timeout: float = 5.0) -> bool:
        return all([each.close(timeout) for each in self._all])


class MqttPublisher:
    """Publishes one camera. Connecting, reconnecting and waiting for a broker that is not up yet need no care."""

    def __init__(self, settings: Mqtt, device: str, protocol: MQTTProtocolVersion = V5) -> None:
        self._topics = Topics(settings.prefix, device)
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._alerts: deque[tuple[str, bytes]] = deque()
        self._sent: dict[int, tuple[str, bytes]] = {}
        self._retained: dict[str, bytes] = {}
        self._deadline: float | None = None
        self._link = Link(settings, f"{settings.prefix}-{device}", self._events, self._will, protocol)
        self._thread = threading.Thread(target=self._run, name="sender", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """Alerts that no broker has acknowledged yet."""
        return len(self._alerts) + len(self._sent)

    def publish(self, alert: AlertMessage) -> None:
        """Takes an alert for delivery; never blocks."""
        self._events.put(("alert", (self._topics.alert, encode(alert))))

    def show(self, message: State | Health | Stats) -> None:
        """Sends a state or health (kept by the broker, sent again on every connection) or a statistic (sent once)."""
        name = type(message).__name__.lower()
        self._events.put(("stats" if name == "stats" else "retain", getattr(self._topics, name), encode(message)))

    def close(self, timeout: float = 5.0) -> bool:
        """Waits for the last acknowledgements, says ``offline`` and disconnects. False if alerts are undelivered."""
        self._events.put(("close", time.monotonic() + timeout))
        self._thread.join(timeout + 5)
        if self.waiting:
            log.error("%d alerts were not delivered: the broker was not there in time", self.waiting)
        return not self.waiting

    def _will(self, client: paho.Client) -> None:
        client.will_set(self._topics.status, b"offline", qos=1, retain=True)

    # Everything below runs in the sender thread.

    def _run(self) -> None:
        while self._deadline is None or (self.waiting and time.monotonic() < self._deadline):
            try:
                self._take(self._events.get(timeout=0.5))
                self._drain()
            except queue.Empty:
                continue
            except Exception:  # the thread must outlive every single message
                log.exception("MQTT: an event could not be handled")
        self._farewell()

    def _take(self, event: Event) -> None:
        match event:
            case ("alert", alert):
                self._keep(alert)
            case ("retain", topic, payload):
                self._retained[topic] = payload
                if self._link.connected:
                    self._link.client.publish(topic, payload, qos=1, retain=True)
            case ("stats", topic, payload):
                if self._link.connected:
                    self._link.client.publish(topic, payload, qos=0)
            case ("acknowledged", mid, reason):
                self._acknowledged(mid, reason)
            case ("close", deadline):
                self._deadline = deadline
            case _:
                if self._link.handle(event):
                    self._introduce()

    def _introduce(self) -> None:
        for topic, payload in self._retained.items():
            self._link.client.publish(topic, payload, qos=1, retain=True)
        self._link.client.publish(self._topics.status, b"online", qos=1, retain=True)  # last: the states are true now
        if self.waiting:
            log.warning("%d alerts waited for the broker", self.waiting)

    def _acknowledged(self, mid: int, reason: ReasonCode) -> None:
        alert = self._sent.pop(mid, None)
        if alert is not None and reason.is_failure:
            log.error("the broker refuses alerts on %s: %s; check what this user may publish", alert[0], reason)

    def _keep(self, alert: tuple[str, bytes]) -> None:
        self._alerts.append(alert)
        if len(self._alerts) > CAPACITY:
            self._alerts.popleft()
            self._link.complain(f"more than {CAPACITY} alerts wait for the broker; dropping the oldest")

    def _drain(self) -> None:
        while self._link.connected and self._alerts and len(self._sent) < IN_FLIGHT:
            alert = self._alerts.popleft()
            self._sent[self._link.client.publish(*alert, qos=1).mid] = alert

    def _farewell(self) -> None:
        if self._link.connected:
            offline = self._link.client.publish(self._topics.status, b"offline", qos=1, retain=True)
            with suppress(RuntimeError, ValueError):  # the broker left just now: it publishes the will
                offline.wait_for_publish(2.0)
        self._link.close()
