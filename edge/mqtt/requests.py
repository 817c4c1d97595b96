"""Defines the requests of other threads to the publisher's thread."""

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
    """A message to publish as retained, now and after every reconnect."""

    topic: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class KeepDay:
    """The counts of a day, to publish as retained like others, but one after the other; empty: to take back."""

    topic: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class SendOnce:
    """A message to publish once, if there is a connection."""

    topic: str
    payload: bytes
    qos: int


@dataclass(frozen=True, slots=True)
class OutboxWritten:
    """A note that acknowledged alerts are deleted, so that more may be in flight."""


@dataclass(frozen=True, slots=True)
class Stop:
    """A request to stop the publisher, by ``deadline`` (monotonic seconds)."""

    deadline: float


Request = NewAlert | RestoredAlerts | Retain | KeepDay | SendOnce | OutboxWritten | Stop
