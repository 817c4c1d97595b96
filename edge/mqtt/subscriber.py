"""Subscribes to alerts and prints them as they arrive at the broker, which proves that they get through."""

import logging
import os
import signal
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from paho.mqtt.enums import MQTTProtocolVersion
from paho.mqtt.reasoncodes import ReasonCode

from ..config.schema import MqttConfig
from .client import V311
from .events import Connected, Received
from .link import Link
from .mailbox import Mailbox
from .messages import AlertMessage

log = logging.getLogger(__name__)

IDS_REMEMBERED = 1000
"""Alerts whose ids are kept, to recognize a redelivery."""
WORDS = {"no_mask": "NO MASK", "incorrect_mask": "MASK WORN INCORRECTLY"}


@dataclass(frozen=True, slots=True)
class Stop:
    """A request to stop the subscriber."""


class Subscriber:
    """Subscribes to the alerts and the availability of every camera, and prints one line for each.

    Runs in the thread ``mqtt-subscriber``, which calls ``print_line`` with each line and ``post`` with each alert as a
    shorter text. ``ready`` is set once the broker has answered the subscription. An alert that arrives again (same
    ``id``) is printed once. MQTT 3.1.1 is enough for a subscriber: every broker speaks it, and some never answer 5.
    """

    def __init__(
        self,
        settings: MqttConfig,
        print_line: Callable[[str], None] = print,
        protocol: MQTTProtocolVersion = V311,
        post: Callable[[str], None] | None = None,
    ) -> None:
        self.ready = threading.Event()
        self.alerts = 0
        self._prefix = settings.prefix
        self._print_line = print_line
        self._post = post
        self._ids: deque[str] = deque(maxlen=IDS_REMEMBERED)
        self._mailbox = Mailbox[Stop]()
        self._link = Link(settings, "", self._mailbox.put, self._prepare, protocol, name="subscriber")
        self._thread = threading.Thread(target=self._run, name="mqtt-subscriber", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Disconnects and ends the thread."""
        self._mailbox.put(Stop())
        self._thread.join(5)

    def _prepare(self, client: Any) -> None:
        client.on_subscribe = lambda c, u, mid, reasons, p: self._on_subscribed(reasons)

    def _on_subscribed(self, reasons: list[ReasonCode]) -> None:
        for reason in reasons:
            if reason.is_failure:
                log.error("the broker refuses the subscription: %s; check the ACL of this user", reason)
        self.ready.set()

    # Everything below runs in the subscriber's thread.

    def _run(self) -> None:
        while True:
            try:
                match self._mailbox.next(self._link, 0.5):
                    case Received(topic, payload, _):
                        self._on_message(topic, payload)
                    case Connected():
                        self._link.subscribe(f"{self._prefix}/+/alert", f"{self._prefix}/+/status")
                    case Stop():
                        break
            except BrokenPipeError:  # the reader of our lines has gone: end as if asked to
                os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
                signal.raise_signal(signal.SIGTERM)
            except Exception:  # one odd message must not end the subscriber
                log.exception("watch: an event could not be handled")
        self._link.close()

    def _on_message(self, topic: str, payload: bytes) -> None:
        device, kind = topic.split("/")[-2:]
        if kind == "status":
            self._print_line(clean(f"{now()}  {device}  is {payload[:40].decode('utf-8', 'replace')}"))
            return
        try:
            alert = AlertMessage.decode(payload)
        except ValueError as error:
            log.warning("%s: %s", topic, error)
            return
        if alert.id not in self._ids:
            self._ids.append(alert.id)
            self.alerts += 1
            self._print_line(clean(line(alert)))
            if self._post:
                self._post(clean(short(alert)))


def clean(text: str) -> str:
    """Makes a text from outside safe for a terminal: no control characters, one line, at most 300 characters."""
    return "".join(letter if letter.isprintable() else "?" for letter in text[:300])


def line(alert: AlertMessage) -> str:
    """Returns an alert as one line of text."""
    x0, y0, x1, _ = alert.box
    word = WORDS.get(alert.event_type, alert.event_type)
    return (
        f"{_local(alert.time)}  {alert.device}  {word}  score {alert.score:.2f} in {alert.frames} frames, "
        f"there for {alert.seen_s:.1f} s, face of {x1 - x0} px at {x0},{y0}"
    )


def short(alert: AlertMessage) -> str:
    """Returns an alert as a short text for a phone."""
    return f"{alert.device}: {WORDS.get(alert.event_type, alert.event_type).lower()}, {_local(alert.time)}"


def _local(time: str) -> str:
    """Returns the alert's time of day in this time zone. It may be before the arrival: alerts wait for the broker."""
    try:
        return datetime.fromisoformat(time).astimezone().strftime("%H:%M:%S")
    except ValueError:
        return now()


def now() -> str:
    """Returns the time of day."""
    return datetime.now().strftime("%H:%M:%S")
