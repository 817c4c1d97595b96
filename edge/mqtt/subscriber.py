"""Subscribes to the alerts of every camera, prints them, and hands them to a listener such as the phone."""

import json
import logging
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from paho.mqtt.enums import MQTTProtocolVersion
from paho.mqtt.reasoncodes import ReasonCode

from ..config.schema import MqttConfig
from ..errors import FileError
from .client import FORGOTTEN, V311, Session
from .ends import SHORT_CONNECTION, SHORT_CONNECTIONS_WARNED, TAKEN_OVER
from .events import Connected, Disconnected, Received
from .lines import clean, line, now
from .link import Link
from .mailbox import Mailbox
from .messages import AlertMessage

log = logging.getLogger(__name__)

RETRY = 1.0
"""Seconds between attempts to connect for a listener: sooner than a camera sends what waited (delivery.HEAD_START)."""
IDS_REMEMBERED = 1000
"""Alerts whose ids are kept in memory, to recognize a redelivery."""
KEPT = Session(expiry=14 * 86400, manual_ack=True)
"""What the broker keeps of a listener that is away: for two weeks, every alert that the listener has not taken."""


class AlertListener(Protocol):
    """Takes what the subscriber receives, in the subscriber's thread."""

    wants_pictures: bool

    def alert(self, alert: AlertMessage, payload: bytes) -> bool:
        """Takes an alert for good. Returns False for one that was taken before, in this run or an earlier one."""
        ...

    def snapshot(self, device: str, jpeg: bytes) -> None:
        """Takes a snapshot of an alert."""
        ...

    def status(self, device: str, online: bool | None) -> None:
        """Takes whether a door is online; None for a door that was removed."""
        ...

    def camera(self, device: str, condition: str) -> None:
        """Takes the condition of a door's camera."""
        ...

    def test(self, device: str) -> None:
        """Takes the request for a test."""
        ...

    def connected(self, protocol: MQTTProtocolVersion) -> None:
        """Takes that there is a connection to the broker, and its MQTT version."""
        ...

    def disconnected(self) -> None:
        """Takes that there is no connection to the broker."""
        ...


@dataclass(frozen=True, slots=True)
class Stop:
    """A request to stop the subscriber."""


class Subscriber:
    """Subscribes to the alerts and the availability of every camera, and prints one line for each.

    Runs in the thread ``mqtt-subscriber``, which calls ``print_line`` with each line, and the ``listener``. ``ready``
    is set once the broker has answered the subscription. An alert that arrives again (same ``id``) is printed once.
    With a listener, the broker keeps a session under ``client_id``: an alert is acknowledged when the listener has
    taken it. MQTT 3.1.1 is enough without one: every broker speaks it, and some never answer 5.
    """

    def __init__(
        self,
        settings: MqttConfig,
        print_line: Callable[[str], None] = print,
        protocol: MQTTProtocolVersion = V311,
        listener: AlertListener | None = None,
        client_id: str = "",
    ) -> None:
        self.ready = threading.Event()
        self.alerts = 0
        self._prefix = settings.prefix
        self._print_line = print_line
        self._listener = listener
        self._ids: deque[str] = deque(maxlen=IDS_REMEMBERED)
        self._asked: deque[list[str]] = deque()
        self._short_connections = 0
        self._connected_at = 0.0
        self._mailbox = Mailbox[Stop]()
        session = KEPT if listener else FORGOTTEN
        self._link = Link(
            settings,
            client_id,
            self._mailbox.put,
            self._prepare,
            protocol,
            name="subscriber",
            session=session,
            explains_end=lambda: bool(self._asked),  # a broker may hang up on a subscription that it forbids
        )
        self._thread = threading.Thread(target=self._run, name="mqtt-subscriber", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Disconnects and ends the thread."""
        self._mailbox.put(Stop())
        self._thread.join(5)

    def _prepare(self, client: Any) -> None:
        client.on_subscribe = lambda c, u, mid, reasons, p: self._on_subscribed(reasons)

    def _on_subscribed(self, reasons: list[ReasonCode]) -> None:
        topics = self._asked.popleft() if self._asked else []
        for topic, reason in zip(topics, reasons, strict=False):
            if reason.is_failure:
                log.error("the broker refuses the subscription to %s: %s; check the ACL of this user", topic, reason)
        self.ready.set()

    # Everything below runs in the subscriber's thread.

    def _run(self) -> None:
        while True:
            try:
                if self._hurries:
                    self._link.retry_within(RETRY)
                match self._mailbox.next(self._link, 0.5):
                    case Received() as message:
                        self._on_message(message)
                        self._link.acknowledge(message)
                    case Connected():
                        self._connected_at = time.monotonic()
                        self._subscribe()
                        if self._listener:
                            self._listener.connected(self._link.protocol.version)
                    case Disconnected(reason) if self._listener:
                        self._listener.disconnected()
                        self._note_end(reason)
                    case Stop():
                        break
            except BrokenPipeError:  # the reader of our lines has gone: end as if asked to
                os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
                signal.raise_signal(signal.SIGTERM)
            except Exception:  # one odd message must not end the subscriber
                log.exception("watch: an event could not be handled")
        self._link.close()

    @property
    def _hurries(self) -> bool:
        """Returns whether to connect soon; not against another client of this name, which each would throw out."""
        return bool(self._listener) and not self._link.connected and self._short_connections < SHORT_CONNECTIONS_WARNED

    def _note_end(self, reason: object) -> None:
        short = time.monotonic() - self._connected_at < SHORT_CONNECTION or getattr(reason, "value", 0) == TAKEN_OVER
        self._short_connections = self._short_connections + 1 if short else 0

    def _subscribe(self) -> None:
        """Subscribes to the alerts with QoS 1; to the rest with QoS 0, because only what is true now is of use."""
        kinds = ["status"]
        if self._listener:
            kinds += ["health", "test", *(["snapshot"] if self._listener.wants_pictures else [])]
        alerts, others = [f"{self._prefix}/+/alert"], [f"{self._prefix}/+/{kind}" for kind in kinds]
        self._asked = deque([alerts, others])
        self._link.subscribe(*alerts)
        self._link.subscribe(*others, qos=0)

    def _on_message(self, message: Received) -> None:
        device, kind = message.topic.split("/")[-2:]
        match kind:
            case "alert":
                self._on_alert(message)
            case "status":
                self._on_status(device, message.payload)
            case "health" if self._listener:
                if camera := _camera(message.payload):
                    self._listener.camera(device, camera)
            case "snapshot" if self._listener and not message.retained:
                self._listener.snapshot(device, message.payload)
            case "test" if self._listener and not message.retained:
                self._listener.test(device)

    def _on_status(self, device: str, payload: bytes) -> None:
        if payload:
            self._print(clean(f"{now()}  {device}  is {payload[:40].decode('utf-8', 'replace')}"))
        if self._listener:
            self._listener.status(device, payload == b"online" if payload else None)

    def _on_alert(self, message: Received) -> None:
        try:
            alert = AlertMessage.decode(message.payload)
        except ValueError as error:
            log.warning("%s: %s", message.topic, error)
            return
        new = self._listener.alert(alert, message.payload) if self._listener else True
        if new and alert.id not in self._ids:
            self._ids.append(alert.id)
            self.alerts += 1
            self._print(clean(line(alert)))

    def _print(self, text: str) -> None:
        """Prints a line. A full disk under the output must not keep alerts from being acknowledged."""
        try:
            self._print_line(text)
        except BrokenPipeError:
            raise
        except (FileError, OSError) as error:
            log.error("alerts are printed no longer: %s", error)
            self._print_line = lambda text: None


def _camera(payload: bytes) -> str:
    """Returns the camera's condition in a health message; empty if there is none."""
    try:
        return str(json.loads(payload)["camera"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
