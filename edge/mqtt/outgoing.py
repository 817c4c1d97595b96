"""Defines what a publisher sends (an alert, another message, or a subscription), and from when on alerts may leave."""

import time
from dataclasses import dataclass

from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode

from ..outbox.sql import OutboxMessage

IN_FLIGHT = 20
"""Alerts sent and not yet acknowledged, at most: a kill at the wrong moment sends so many twice."""
ACK_TIMEOUT = 30.0
"""Seconds without acknowledgement after which the connection is closed, and the alert is sent on a new one."""
SUCCESS = ReasonCode(PacketTypes.PUBACK)
HEAD_START = 3.0
"""Seconds for which alerts that waited stay back on a new connection. Our own subscriber connects again within 2 s."""
SHORT, MAX_SHORT = HEAD_START + 1, 3
"""Seconds, and how many connections in a row may be shorter: then no head start is given, so that alerts leave through
a connection that comes and goes."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """Something to send. ``alert`` is set for an alert; ``last`` waits until nothing else is to be sent.

    ``family`` is set for one of several topics that a broker takes or refuses together. Only one message of a family
    is offered at a time. ``expiry`` is after how many seconds the broker forgets it (MQTT 5 only); 0: never.
    """

    topic: str
    payload: bytes = b""
    qos: int = 1
    retain: bool = False
    alert: OutboxMessage | None = None
    subscribes: bool = False
    last: bool = False
    family: str = ""
    expiry: int = 0

    @property
    def key(self) -> str:
        """Returns what is suspected and left out: one alert, or everything else of one topic, or of a family."""
        if self.alert is not None:
            return self.alert.id
        return f"subscription to {self.topic}" if self.subscribes else self.family or self.topic


def of_alert(message: OutboxMessage) -> Outgoing:
    """Returns what is sent for an alert."""
    return Outgoing(message.topic, message.payload, alert=message)


class HeadStart:
    """Holds back alerts that waited, so that the subscribers are there first.

    A broker that has restarted may have forgotten who has subscribed: alerts that leave at once would reach nobody.
    """

    def __init__(self) -> None:
        self._until = 0.0
        self._connected_at = float("-inf")
        self._short = 0

    @property
    def runs(self) -> bool:
        """Returns whether alerts must still wait."""
        return time.monotonic() < self._until

    def connected(self, some_wait: bool) -> None:
        """Notes a new connection, and whether alerts wait for it."""
        self._connected_at = time.monotonic()
        self._until = self._connected_at + HEAD_START if some_wait and self._short < MAX_SHORT else 0.0

    def disconnected(self) -> None:
        """Notes the end of a connection."""
        self._short = self._short + 1 if time.monotonic() - self._connected_at < SHORT else 0

    def end(self) -> None:
        """Lets alerts leave now, because there is no more time."""
        self._until = 0.0
