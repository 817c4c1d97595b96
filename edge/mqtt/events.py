"""What a link is doing, and what it reports: signals from paho's network thread, and the events that follow."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol

from paho.mqtt.reasoncodes import ReasonCode

from .client import Client

log = logging.getLogger(__name__)


class LinkState(Enum):
    """What the link is doing."""

    WAITING = "until the next attempt is due"
    CONNECTING = "until the broker answers"
    REFUSED = "until the refused connection ends"
    CONNECTED = "connected"
    CLOSED = "closed for good"


@dataclass(frozen=True, slots=True)
class Connected:
    """The broker has accepted the connection; ``after_outage`` tells that it could not be reached before."""

    after_outage: bool = False


@dataclass(frozen=True, slots=True)
class Disconnected:
    """The connection has ended; everything in flight is unacknowledged."""

    reason: str | ReasonCode


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """The broker has answered the message or subscription with this id; ``reason`` tells whether it took it."""

    mid: int
    reason: ReasonCode


@dataclass(frozen=True, slots=True)
class Received:
    """A message has arrived on a subscription. ``mid`` and ``qos`` are for ``Link.acknowledge``."""

    topic: str
    payload: bytes
    retained: bool
    mid: int = 0
    qos: int = 0


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


class Problem:
    """Why a link has no connection, reported once per change and not per attempt; logged if nobody takes the report."""

    def __init__(self, report: Callable[[str | None], None] | None) -> None:
        self.text: str | None = None
        self._outage = False
        self._report = report or (lambda text: log.error("%s", text) if text else None)

    def report(self, text: str, *, outage: bool = False) -> None:
        """Takes a problem; ``outage`` tells that the broker could not be reached."""
        self._outage |= outage
        if text != self.text:
            self.text = text
            self._report(text)

    def over(self) -> bool:
        """Reports that there is a connection; returns whether there was an outage before."""
        outage, self.text, self._outage = self._outage, None, False
        self._report(None)
        return outage


class Inbox(Protocol):
    """Where paho's network thread leaves its signals for the thread that owns the link."""

    def put(self, item: Signal, /) -> None:
        """Takes a signal, without waiting."""

    def wait_for_room(self, seconds: float) -> bool:
        """Waits until another message may be read from the broker; returns False if none may."""


def deliver_signals(client: Client, inbox: Inbox) -> None:
    """Sets the client's callbacks so that each only delivers a signal. They run in paho's network thread."""
    client.wait_for_room, deliver = inbox.wait_for_room, inbox.put
    client.on_connect = lambda c, u, f, reason, properties: deliver(Signal(client, ConnAck(reason, properties)))
    client.on_disconnect = lambda c, u, f, reason, p: setattr(client, "end_reason", reason)
    client.on_publish = lambda c, u, mid, reason, p: deliver(Signal(client, Acknowledged(mid, reason)))
    client.on_subscribe = lambda c, u, mid, reasons, p: deliver(Signal(client, Acknowledged(mid, reasons[0])))
    client.on_message = lambda c, u, m: deliver(
        Signal(client, Received(m.topic, bytes(m.payload), m.retain, m.mid, m.qos))
    )
