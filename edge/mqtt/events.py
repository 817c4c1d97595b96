"""What a connection reports: signals from paho's network thread, and the events that follow from them."""

from dataclasses import dataclass
from typing import Any

from paho.mqtt.reasoncodes import ReasonCode

from .client import Client


@dataclass(frozen=True, slots=True)
class Connected:
    """The broker has accepted the connection."""


@dataclass(frozen=True, slots=True)
class Disconnected:
    """The connection has ended; everything in flight is unacknowledged."""

    reason: str | ReasonCode


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """The broker has answered the publish with this message id; ``reason`` tells whether it took the message."""

    mid: int
    reason: ReasonCode


@dataclass(frozen=True, slots=True)
class Received:
    """A message has arrived on a subscription."""

    topic: str
    payload: bytes
    retained: bool


LinkEvent = Connected | Disconnected | Acknowledged | Received
"""What ``Link.handle`` and ``Link.tick`` return to the thread that owns the link."""


@dataclass(frozen=True, slots=True)
class ConnAck:
    """The broker's answer to CONNECT."""

    reason: ReasonCode
    properties: Any


@dataclass(frozen=True, slots=True)
class ThreadEnded:
    """paho's network thread has ended, whatever ended it."""


@dataclass(frozen=True, slots=True)
class Signal:
    """Something that paho's network thread reports, and of which connection."""

    client: Client
    what: ConnAck | ThreadEnded | Acknowledged | Received
