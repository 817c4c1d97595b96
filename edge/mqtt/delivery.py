"""Alerts on their way to the broker: queued, in flight, acknowledged, or refused."""

import logging
import time
from collections import deque
from collections.abc import Sequence

from paho.mqtt.reasoncodes import ReasonCode

from ..outbox.outbox import Outbox
from ..outbox.sql import OutboxMessage
from .events import Disconnected
from .link import Link

log = logging.getLogger(__name__)

IN_FLIGHT = 20
"""Alerts sent and not yet acknowledged, at most: a kill at the wrong moment sends so many twice."""
CAPACITY = 10_000
"""Alerts that wait for a broker, at most; beyond it the oldest become dead letters."""
ACK_TIMEOUT = 30.0
"""Seconds without acknowledgement after which the connection is closed, and the alert is sent on a new one."""
MAX_DISCONNECTS = 4
"""Connections that end within ``SOON_AFTER_SEND`` seconds of one alert's sending before it is a poison message."""
SOON_AFTER_SEND = 5.0
UNRELATED = (137, 139, 141, 142, 152, 156, 157, 160)
"""MQTT 5 reasons for a disconnect that no message causes: busy, shutting down, taken over, moved ..."""


class Delivery:
    """Delivers alerts in order, at most ``IN_FLIGHT`` at a time. Belongs to the publisher's thread.

    An alert that ends one connection after the other is a poison message: it becomes a dead letter, and later alerts
    are still sent.
    """

    def __init__(self, link: Link, outbox: Outbox) -> None:
        self._link = link
        self._outbox = outbox
        self._queue: deque[OutboxMessage] = deque()
        self._in_flight: dict[int, tuple[OutboxMessage, float]] = {}
        self._suspects: set[str] = set()
        self._first_suspect = ""
        self._disconnects = 0

    @property
    def waiting(self) -> int:
        """Returns how many alerts no broker has acknowledged yet. For any thread."""
        return len(self._queue) + len(self._in_flight)

    @property
    def queued(self) -> int:
        """Returns how many alerts have not been sent on this connection."""
        return len(self._queue)

    def add(self, message: OutboxMessage) -> None:
        """Queues a new alert."""
        self._queue.append(message)
        if len(self._queue) > CAPACITY:
            self._refuse(self._queue.popleft(), f"more than {CAPACITY} alerts waited")

    def restore(self, messages: Sequence[OutboxMessage]) -> None:
        """Queues the alerts of an earlier run: they go first."""
        self._queue.extendleft(reversed(messages))

    def send(self) -> None:
        """Sends as many alerts as may be in flight; closes the connection when one stays unacknowledged."""
        window = 1 if self._suspects else IN_FLIGHT  # so that the message that breaks the connection can be identified
        window -= self._outbox.undeleted  # a kill now would send these again, although they were acknowledged
        while self._link.connected and self._queue and len(self._in_flight) < window:
            message = self._queue.popleft()
            try:
                mid = self._link.send(message.topic, message.payload, qos=1)
            except ValueError as error:
                self._refuse(message, str(error))
                continue
            self._in_flight[mid] = (message, time.monotonic())
        if self._in_flight and self._age() > ACK_TIMEOUT:
            event = self._link.drop(f"no acknowledgement for {ACK_TIMEOUT:.0f} s")
            if isinstance(event, Disconnected):
                self.disconnected(event.reason)

    def acknowledged(self, mid: int, reason: ReasonCode) -> None:
        """Takes the broker's answer: the alert is delivered, or refused for good."""
        message, _ = self._in_flight.pop(mid, (None, 0.0))
        if message is None:
            return
        self._suspects.discard(message.id)
        if reason.is_failure:
            self._refuse(message, f"the broker refuses it on {message.topic}: {reason}")
        else:
            self._outbox.delivered(message)

    def disconnected(self, reason: object) -> None:
        """Queues what was in flight, to go first on the next connection.

        If the connection ended soon after an alert was sent, all that were in flight together are suspects, and are
        sent one at a time until each is acknowledged or refused.
        """
        messages = [message for message, _ in self._in_flight.values()]
        soon = bool(messages) and self._age() < SOON_AFTER_SEND
        self._in_flight.clear()
        if soon and getattr(reason, "value", 0) not in UNRELATED:
            self._disconnects = self._disconnects + 1 if messages[0].id == self._first_suspect else 1
            self._first_suspect = messages[0].id
            self._suspects |= {message.id for message in messages}
            if self._disconnects >= MAX_DISCONNECTS:
                cause = f"the connection ended {MAX_DISCONNECTS} times right after it was sent: {reason}"
                self._refuse(messages.pop(0), cause)
        self._queue.extendleft(reversed(messages))

    def _age(self) -> float:
        """Returns the seconds since the oldest alert in flight was sent."""
        _, sent_at = next(iter(self._in_flight.values()))
        return time.monotonic() - sent_at

    def _refuse(self, message: OutboxMessage, reason: str) -> None:
        self._suspects.discard(message.id)
        log.error("alert %s is refused: %s", message.id, reason)
        self._outbox.refused(message, reason)
