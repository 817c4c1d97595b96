"""Hears everything that every door says at a broker, and answers nothing: for the overview of all doors."""

from typing import Protocol

from paho.mqtt.enums import MQTTProtocolVersion

from ..config.schema import Config
from .events import Received
from .hearing import Hearing, Subscription

KINDS = ("status", "state", "health", "stats", "alert", "enabled/state")
"""What a door says, by the end of the topic."""
LONGEST = 65_536
"""Bytes of a message that is looked at; Home Assistant's discovery has about 8,000."""


class DoorsListener(Protocol):
    """Takes what the observer hears, in the observer's thread."""

    def heard(self, device: str, kind: str, payload: bytes, retained: bool) -> None:
        """Takes a message of a door; ``kind`` is one of ``KINDS``, or ``discovery`` (then ``device`` is empty)."""

    def connected(self) -> None:
        """Takes that the broker has accepted the connection; all that is retained there follows."""

    def disconnected(self) -> None:
        """Takes that there is no connection to the broker."""

    def tick(self) -> None:
        """Does what is due; called at least every ``hearing.TICK_S`` seconds while nothing is heard."""


class Observer(Hearing):
    """Subscribes to every door of a broker. The broker keeps nothing for it: only what is true now is of use.

    Runs in the thread ``mqtt-observer``, which calls the ``listener``. Raises like ``Link``.
    """

    def __init__(self, config: Config, listener: DoorsListener) -> None:
        self._prefix = config.mqtt.prefix
        self._listener = listener
        topics = [f"{self._prefix}/+/{kind}" for kind in KINDS] + [f"{config.homeassistant.prefix}/device/+/config"]
        super().__init__(
            name="mqtt-observer", settings=config.mqtt, subscriptions=[Subscription(topics)], label="overview"
        )

    # Everything below runs in the observer's thread.

    def _connected(self, protocol: MQTTProtocolVersion) -> None:
        self._listener.connected()

    def _disconnected(self) -> None:
        self._listener.disconnected()

    def _tick(self) -> None:
        self._listener.tick()

    def _received(self, message: Received) -> bool:
        if len(message.payload) > LONGEST:
            return True
        if not message.topic.startswith(f"{self._prefix}/"):
            self._listener.heard("", "discovery", message.payload, message.retained)
        else:
            device, _, kind = message.topic.removeprefix(f"{self._prefix}/").partition("/")
            self._listener.heard(device, kind, message.payload, message.retained)
        return True
