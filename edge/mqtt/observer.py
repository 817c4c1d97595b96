"""Hears everything that every door says at a broker, and answers nothing: for the overview of all doors."""

import logging
import threading
from collections import deque
from typing import Any, Protocol

from paho.mqtt.reasoncodes import ReasonCode

from ..config.schema import Config
from .client import V311
from .events import Connected, Disconnected, Received
from .link import Link
from .mailbox import Mailbox

log = logging.getLogger(__name__)

KINDS = ("status", "state", "health", "stats", "alert", "enabled/state")
"""What a door says, by the end of the topic."""
LONGEST = 65_536
"""Bytes of a message that is looked at; Home Assistant's discovery has about 8,000."""
TICK_S = 0.25


class DoorsListener(Protocol):
    """Takes what the observer hears, in the observer's thread."""

    def heard(self, device: str, kind: str, payload: bytes, retained: bool) -> None:
        """Takes a message of a door; ``kind`` is one of ``KINDS``, or ``discovery`` (then ``device`` is empty)."""

    def connected(self) -> None:
        """Takes that the broker has accepted the connection; all that is retained there follows."""

    def disconnected(self) -> None:
        """Takes that there is no connection to the broker."""

    def tick(self) -> None:
        """Does what is due; called at least every ``TICK_S`` seconds while nothing is heard."""


class _Stop:
    """A request to stop the observer."""


class Observer:
    """Subscribes to every door of a broker. The broker keeps nothing for it: only what is true now is of use.

    Runs in the thread ``mqtt-observer``, which calls the ``listener``. Raises like ``Link``.
    """

    def __init__(self, config: Config, listener: DoorsListener) -> None:
        self._prefix = config.mqtt.prefix
        self._topics = [f"{self._prefix}/+/{kind}" for kind in KINDS] + [
            f"{config.homeassistant.prefix}/device/+/config"
        ]
        self._listener = listener
        self._asked: deque[list[str]] = deque()
        self._mailbox = Mailbox[_Stop]()
        self._link = Link(
            config.mqtt,
            "",
            self._mailbox.put,
            self._prepare,
            V311,
            name="overview",
            explains_end=lambda: bool(self._asked),  # a broker may hang up on a subscription that it forbids
        )
        self._thread = threading.Thread(target=self._run, name="mqtt-observer", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Disconnects and ends the thread."""
        self._mailbox.put(_Stop())
        self._thread.join(5)

    def _prepare(self, client: Any) -> None:
        client.on_subscribe = lambda c, u, mid, reasons, p: self._on_subscribed(reasons)

    def _on_subscribed(self, reasons: list[ReasonCode]) -> None:
        for topic, reason in zip(self._asked.popleft() if self._asked else [], reasons, strict=False):
            if reason.is_failure:
                log.error("the broker refuses the subscription to %s: %s; check the ACL of this user", topic, reason)

    # Everything below runs in the observer's thread.

    def _run(self) -> None:
        while True:
            try:
                match self._mailbox.next(self._link, TICK_S):
                    case Received() as message:
                        self._on_message(message)
                    case Connected():
                        self._listener.connected()
                        self._asked = deque([self._topics])
                        self._link.subscribe(*self._topics)
                    case Disconnected():
                        self._listener.disconnected()
                    case _Stop():
                        break
                self._listener.tick()
            except Exception:  # one odd message must not end the overview
                log.exception("the overview: an event could not be handled")
        self._link.close()

    def _on_message(self, message: Received) -> None:
        if len(message.payload) > LONGEST:
            return
        if not message.topic.startswith(f"{self._prefix}/"):
            return self._listener.heard("", "discovery", message.payload, message.retained)
        device, _, kind = message.topic.removeprefix(f"{self._prefix}/").partition("/")
        self._listener.heard(device, kind, message.payload, message.retained)
