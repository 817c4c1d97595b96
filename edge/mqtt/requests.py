"""What other threads ask of the publisher's thread."""

from dataclasses import dataclass

from ..outbox.sql import OutboxMessage


@dataclass(frozen=True, slots=True)
class NewAlert:
    """An alert that was just raised."""

    message: OutboxMessage


@dataclass(frozen=True, slots=True)
class RestoredAlerts:
    """Alerts of an earlier run; they go first."""

    messages: list[OutboxMessage]


@dataclass(frozen=True, slots=True)
class Retain:
    """To be published retained, now and on every connection from now on."""

    topic: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class SendOnce:
    """To be published if there is a connection."""

    topic: str
    payload: bytes
    qos: int


@dataclass(frozen=True, slots=True)
class OutboxWritten:
    """Alerts that were acknowledged are deleted: more may be in flight."""


@dataclass(frozen=True, slots=True)
class Stop:
    """The publisher is to end, by ``deadline`` (monotonic seconds)."""

    deadline: float


Request = NewAlert | RestoredAlerts | Retain | SendOnce | OutboxWritten | Stop
