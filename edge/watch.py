"""A subscriber: prints alerts as they arrive at the broker, the proof that they get through."""

import logging
import sys
import threading
from collections import deque
from collections.abc import Callable
from datetime import datetime
from typing import Any

from paho.mqtt.enums import MQTTProtocolVersion

from .config import Mqtt
from .messages import AlertMessage
from .publish import UNSUPPORTED_PROTOCOL, new_client

log = logging.getLogger(__name__)
REMEMBERED = 1000
"""Alerts whose ids are kept to tell a redelivery."""
WORDS = {"no_mask": "NO MASK", "incorrect_mask": "MASK NOT RIGHT"}


class Watcher:
    """Subscribes to the alerts and the availability of every camera and says each as one line.

    ``ready`` is set once the subscription stands. Duplicates (same ``id``) are said once.
    """

    def __init__(self, settings: Mqtt, say: Callable[[str], None] = print) -> None:
        self.ready = threading.Event()
        self.alerts = 0
        self._settings, self._say = settings, say
        self._seen: deque[str] = deque(maxlen=REMEMBERED)
        self._failure: str | None = None
        self._client = self._connect(MQTTProtocolVersion.MQTTv5)

    def _connect(self, protocol: MQTTProtocolVersion) -> Any:
        client = new_client(self._settings, "", protocol)
        client.on_connect = self._on_connect
        client.on_message = self._on_message
        client.on_subscribe = lambda *_: self.ready.set()
        client.on_connect_fail = lambda c, u: self._complain(str(sys.exc_info()[1]))
        client.connect_async(self._settings.host, self._settings.port, self._settings.keepalive)
        client.loop_start()
        return client

    def _on_connect(self, client: Any, userdata: Any, flags: Any, reason: Any, properties: Any) -> None:
        if reason.is_failure:
            if reason.value == UNSUPPORTED_PROTOCOL:  # from a thread of its own: this one belongs to the old client
                threading.Thread(target=self._downgrade, args=(client,), name="downgrade", daemon=True).start()
            else:
                self._complain(str(reason))
            return
        prefix = self._settings.prefix
        client.subscribe([(f"{prefix}/+/alert", 1), (f"{prefix}/+/status", 1)])

    def _downgrade(self, old: Any) -> None:
        old.loop_stop()
        self._client = self._connect(MQTTProtocolVersion.MQTTv311)

    def _complain(self, reason: str) -> None:
        if reason != self._failure:
            self._failure = reason
            log.error("broker %s:%d: %s; trying on", self._settings.host, self._settings.port, reason)

    def _on_message(self, client: Any, userdata: Any, message: Any) -> None:
        device, kind = message.topic.split("/")[-2:]
        if kind == "status":
            self._say(f"{now()}  {device}  is {message.payload.decode('utf-8', 'replace')}")
            return
        try:
            alert = AlertMessage.decode(message.payload)
        except ValueError as error:
            log.warning("%s: %s", message.topic, error)
            return
        if alert.id not in self._seen:
            self._seen.append(alert.id)
            self.alerts += 1
            self._say(line(alert))

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


def line(alert: AlertMessage) -> str:
    """An alert for people."""
    x0, y0, x1, _ = alert.box
    word = WORDS.get(alert.event_type, alert.event_type)
    return (
        f"{now()}  {alert.device}  {word}  score {alert.score:.2f}, seen for {alert.seen_s:.1f} s in {alert.frames} "
        f"pictures, face of {x1 - x0} px at {x0},{y0}"
    )


def now() -> str:
    return datetime.now().strftime("%H:%M:%S")
