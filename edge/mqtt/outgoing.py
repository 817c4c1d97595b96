"""Defines what a publisher sends: an alert, another message, or a subscription."""

from dataclasses import dataclass

from ..outbox.sql import OutboxMessage


@dataclass(frozen=True, slots=True)
class Outgoing:
    """Something to send. ``alert`` is set for an alert; ``last`` waits until nothing else is to be sent."""

    topic: str
    payload: bytes = b""
    qos: int = 1
    retain: bool = False
    alert: OutboxMessage | None = None
    subscribes: bool = False
    last: bool = False

    @property
    def key(self) -> str:
        """Returns what is suspected and left out: one alert, or everything else of one topic."""
        if self.alert is not None:
            return self.alert.id
        return f"subscription to {self.topic}" if self.subscribes else self.topic


def of_alert(message: OutboxMessage) -> Outgoing:
    """Returns what is sent for an alert."""
    return Outgoing(message.topic, message.payload, alert=message)
