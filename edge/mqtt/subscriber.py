"""Subscribes to the alerts of every camera, prints them, and hands them to a listener such as the phone."""

import json
import logging
import signal
from collections import deque
from collections.abc import Callable
from typing import Protocol

from paho.mqtt.enums import MQTTProtocolVersion

from ..config.schema import MqttConfig
from ..errors import FileError, ReaderGone
from .client import FORGOTTEN, V311
from .events import Received
from .hearing import KEPT, Hearing, Subscription
from .lines import clean, line, now
from .messages import AlertMessage

log = logging.getLogger(__name__)

IDS_REMEMBERED = 1000
"""Alerts whose ids are kept in memory, to recognize a redelivery."""


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


class Subscriber(Hearing):
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
        self.alerts = 0
        self._print_line = print_line
        self._listener = listener
        self._ids: deque[str] = deque(maxlen=IDS_REMEMBERED)
        super().__init__(
            name="mqtt-subscriber",
            settings=settings,
            subscriptions=_subscriptions(settings.prefix, listener),
            label="subscriber",
            client_id=client_id,
            session=KEPT if listener else FORGOTTEN,
            protocol=protocol,
        )

    # Everything below runs in the subscriber's thread.

    def _connected(self, protocol: MQTTProtocolVersion) -> None:
        if self._listener:
            self._listener.connected(protocol)

    def _disconnected(self) -> None:
        if self._listener:
            self._listener.disconnected()

    def _received(self, message: Received) -> bool:
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
        return True

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
        except ReaderGone:
            signal.raise_signal(signal.SIGTERM)
        except (FileError, OSError) as error:
            log.error("alerts are printed no longer: %s", error)
            self._print_line = lambda text: None


def _subscriptions(prefix: str, listener: AlertListener | None) -> list[Subscription]:
    """Returns the alerts with QoS 1; the rest with QoS 0, because only what is true now is of use."""
    kinds = ["status"]
    if listener:
        kinds += ["health", "test", *(["snapshot"] if listener.wants_pictures else [])]
    return [Subscription([f"{prefix}/+/alert"]), Subscription([f"{prefix}/+/{kind}" for kind in kinds], qos=0)]


def _camera(payload: bytes) -> str:
    """Returns the camera's condition in a health message; empty if there is none."""
    try:
        return str(json.loads(payload)["camera"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
