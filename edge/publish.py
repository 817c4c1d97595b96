"""MQTT client: last will, availability, retained states, and alerts until the broker has acknowledged them.

One sender thread owns the client and the queue; callbacks of paho's network thread and callers only enqueue.
Alerts wait in memory while the broker is away and leave in order. An alert counts as delivered when the broker's
acknowledgement carries no failure; paho itself repeats unacknowledged ones after a reconnection.
"""

import logging
import queue
import ssl
import sys
import threading
import time
from collections import deque
from contextlib import suppress
from typing import Any, Protocol, TextIO

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.reasoncodes import ReasonCode

from .config import Mqtt, read_password
from .errors import ConfigError
from .messages import AlertMessage, Health, State, Stats, Topics, encode

log = logging.getLogger(__name__)

IN_FLIGHT = 20
"""Alerts sent and not yet acknowledged, at most."""
CAPACITY = 10_000
"""Alerts kept in memory while the broker is away; beyond it the oldest are dropped, and said to be."""
UNSUPPORTED_PROTOCOL = 132


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


def new_client(
    settings: Mqtt, client_id: str, protocol: MQTTProtocolVersion = MQTTProtocolVersion.MQTTv5
) -> paho.Client:
    """A paho client with login and TLS as configured, not yet connected. Raises ``ConfigError`` for unusable files."""
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id=client_id, protocol=protocol)
    client.suppress_exceptions = True  # an exception in a callback would end paho's thread without a word
    client.reconnect_delay_set(1, 30)
    if settings.user:
        client.username_pw_set(settings.user, read_password(settings.password_file) if settings.password_file else None)
    if settings.tls:
        try:
            context = ssl.create_default_context(cafile=settings.ca_file or None)
            if settings.cert_file:
                context.load_cert_chain(settings.cert_file, settings.key_file or None)
        except OSError as error:  # ssl.SSLError is one
            files = ", ".join(filter(None, (settings.ca_file, settings.cert_file, settings.key_file)))
            raise ConfigError(f"mqtt: TLS files {files} cannot be used: {error}") from error
        client.tls_set_context(context)
    return client


class MqttPublisher:
    """Publishes one camera. Connecting, reconnecting and waiting for a broker that is not up yet need no care."""

    def __init__(self, settings: Mqtt, device: str) -> None:
        self._settings = settings
        self._topics = Topics(settings.prefix, device)
        self._id = f"{settings.prefix}-{device}"
        self._events: queue.SimpleQueue[tuple[Any, ...]] = queue.SimpleQueue()
        self._alerts: deque[tuple[str, bytes]] = deque()
        self._sent: dict[int, tuple[str, bytes]] = {}
        self._retained: dict[str, bytes] = {}
        self._connected = False
        self._lost_at: float | None = None
        self._complaint: str | None = None
        self._deadline: float | None = None
        self._client = self._connect(MQTTProtocolVersion.MQTTv5)
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

    # The sender thread: everything below runs in it, apart from the callbacks, which only enqueue.

    def _connect(self, protocol: MQTTProtocolVersion) -> paho.Client:
        client = new_client(self._settings, self._id, protocol)
        client.will_set(self._topics.status, b"offline", qos=1, retain=True)
        put = self._events.put
        client.on_connect = lambda c, u, f, reason, p: put(("connected", reason))
        client.on_connect_fail = lambda c, u: put(("failed", str(sys.exc_info()[1])))
        client.on_disconnect = lambda c, u, f, reason, p: put(("disconnected", reason))
        client.on_publish = lambda c, u, mid, reason, p: put(("acknowledged", mid, reason))
        client.connect_async(self._settings.host, self._settings.port, self._settings.keepalive)
        client.loop_start()
        return client

    def _run(self) -> None:
        while self._deadline is None or (self.waiting and time.monotonic() < self._deadline):
            try:
                event = self._events.get(timeout=0.5)
                getattr(self, f"_on_{event[0]}")(*event[1:])
                self._drain()
            except queue.Empty:
                continue
            except Exception:  # the thread must outlive every single message
                log.exception("MQTT: an event could not be handled")
        self._farewell()

    def _on_close(self, deadline: float) -> None:
        self._deadline = deadline

    def _on_connected(self, reason: ReasonCode) -> None:
        if reason.is_failure:
            if reason.value == UNSUPPORTED_PROTOCOL:
                log.info("the broker does not speak MQTT 5; using 3.1.1")
                self._client.loop_stop()
                self._client = self._connect(MQTTProtocolVersion.MQTTv311)
            else:
                self._complain(f"the broker refuses the connection: {reason}")
            return
        self._connected, self._complaint = True, None
        where = f"{self._settings.host}:{self._settings.port}"
        if self._lost_at is None:
            log.info("connected to the broker at %s", where)
        else:
            log.warning("broker back after %.0f s, %d alerts waiting", time.monotonic() - self._lost_at, self.waiting)
        for topic, payload in self._retained.items():
            self._client.publish(topic, payload, qos=1, retain=True)
        self._client.publish(self._topics.status, b"online", qos=1, retain=True)  # last: the states are true by now

    def _on_failed(self, reason: str) -> None:
        self._complain(f"cannot reach the broker at {self._settings.host}:{self._settings.port}: {reason}; trying on")

    def _on_disconnected(self, reason: ReasonCode) -> None:
        if self._connected:
            self._connected, self._lost_at = False, time.monotonic()
            log.warning("broker lost (%s); alerts are kept and delivered when it is back", reason)

    def _on_acknowledged(self, mid: int, reason: ReasonCode) -> None:
        alert = self._sent.pop(mid, None)
        if alert is not None and reason.is_failure:
            log.error("the broker refuses alerts on %s: %s; check what this user may publish", alert[0], reason)

    def _on_alert(self, alert: tuple[str, bytes]) -> None:
        self._alerts.append(alert)
        if len(self._alerts) > CAPACITY:
            self._alerts.popleft()
            self._complain(f"more than {CAPACITY} alerts wait for the broker; dropping the oldest")

    def _on_retain(self, topic: str, payload: bytes) -> None:
        self._retained[topic] = payload
        if self._connected:
            self._client.publish(topic, payload, qos=1, retain=True)

    def _on_stats(self, topic: str, payload: bytes) -> None:
        if self._connected:
            self._client.publish(topic, payload, qos=0)

    def _drain(self) -> None:
        while self._connected and self._alerts and len(self._sent) < IN_FLIGHT:
            alert = self._alerts.popleft()
            self._sent[self._client.publish(*alert, qos=1).mid] = alert

    def _farewell(self) -> None:
        if self._connected:
            offline = self._client.publish(self._topics.status, b"offline", qos=1, retain=True)
            with suppress(RuntimeError, ValueError):  # the broker left just now: it publishes the will
                offline.wait_for_publish(2.0)
        self._client.disconnect()
        self._client.loop_stop()

    def _complain(self, text: str) -> None:
        """Once per change, not per attempt."""
        if text != self._complaint:
            self._complaint = text
            log.error("%s", text)
