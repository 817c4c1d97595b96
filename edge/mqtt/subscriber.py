"""A subscriber: prints alerts as they arrive at the broker, the proof that they get through."""

import logging
import os
import signal
import threading
from collections import deque
from collections.abc import Callable
from datetime import datetime
from typing import Any

from paho.mqtt.enums import MQTTProtocolVersion
from paho.mqtt.reasoncodes import ReasonCode

from ..config.schema import MqttConfig
from .client import V311
from .link import Link
from .messages import AlertMessage

log = logging.getLogger(__name__)
REMEMBERED = 1000
"""Alerts whose ids are kept to tell a redelivery."""
WORDS = {"no_mask": "NO MASK", "incorrect_mask": "MASK NOT RIGHT"}


class Subscriber:
    """Subscribes to the alerts and the availability of every camera and says each as one line.

    ``post`` is given each alert as a shorter text.

    ``ready`` is set once the subscription is under way. Duplicates (same ``id``) are said once. MQTT 3.1.1, which every
    broker speaks: a subscriber needs no more, and some answer MQTT 5 with silence.
    """

    def __init__(
        self,
        settings: MqttConfig,
        say: Callable[[str], None] = print,
        protocol: MQTTProtocolVersion = V311,
        post: Callable[[str], None] | None = None,
    ) -> None:
        self.ready = threading.Event()
        self.alerts = 0
        self._prefix, self._say, self._post = settings.prefix, say, post
        self._seen: deque[str] = deque(maxlen=REMEMBERED)
        self._link = Link(settings, "", self._told_when_subscribed, protocol)
        self._thread = threading.Thread(target=self._run, name="watcher", daemon=True)
        self._thread.start()

    def _told_when_subscribed(self, client: Any) -> None:
        client.on_subscribe = lambda c, u, mid, reasons, p: self._subscribed(reasons)

    def _subscribed(self, reasons: list[ReasonCode]) -> None:
        for reason in (each for each in reasons if each.is_failure):
            log.error("the broker does not let us listen: %s; check its ACL for our user", reason)
        self.ready.set()

    def _run(self) -> None:
        while True:
            try:
                match self._link.wait(0.5):
                    case ("message", topic, payload, _):
                        self._hear(topic, payload)
                    case ("up",):
                        self._link.subscribe(f"{self._prefix}/+/alert", f"{self._prefix}/+/status")
                    case ("close",):
                        break
            except BrokenPipeError:  # who read our lines has gone: end as if asked to
                os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
                signal.raise_signal(signal.SIGTERM)
            except Exception:  # one odd message must not end the watch
                log.exception("watch: an event could not be handled")
        self._link.close()

    def _hear(self, topic: str, payload: bytes) -> None:
        device, kind = topic.split("/")[-2:]
        if kind == "status":
            self._say(clean(f"{now()}  {device}  is {payload[:40].decode('utf-8', 'replace')}"))
            return
        try:
            alert = AlertMessage.decode(payload)
        except ValueError as error:
            log.warning("%s: %s", topic, error)
            return
        if alert.id not in self._seen:
            self._seen.append(alert.id)
            self.alerts += 1
            self._say(clean(line(alert)))
            if self._post:
                self._post(clean(short(alert)))

    def close(self) -> None:
        self._link.put(("close",))
        self._thread.join(5)


def clean(text: str) -> str:
    """What somebody else wrote, fit for a terminal: no control sequences, no second line, no novel."""
    return "".join(letter if letter.isprintable() else "?" for letter in text[:300])


def line(alert: AlertMessage) -> str:
    """An alert for people."""
    x0, y0, x1, _ = alert.box
    word = WORDS.get(alert.event_type, alert.event_type)
    return (
        f"{_local(alert.time)}  {alert.device}  {word}  score {alert.score:.2f} in {alert.frames} pictures, "
        f"there for {alert.seen_s:.1f} s, face of {x1 - x0} px at {x0},{y0}"
    )


def short(alert: AlertMessage) -> str:
    """An alert for somebody's phone."""
    return f"{alert.device}: {WORDS.get(alert.event_type, alert.event_type).lower()}, {_local(alert.time)}"


def _local(time: str) -> str:
    """The alert's own time of day here: one that waited for the broker happened earlier than it arrives."""
    try:
        return datetime.fromisoformat(time).astimezone().strftime("%H:%M:%S")
    except ValueError:
        return now()


def now() -> str:
    return datetime.now().strftime("%H:%M:%S")
