"""Hears topics of a broker: one connection that subscribes, and the thread that owns it."""

import logging
import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import Any

from paho.mqtt.enums import MQTTProtocolVersion
from paho.mqtt.reasoncodes import ReasonCode

from ..config.schema import MqttConfig
from ..timing import running
from .client import FORGOTTEN, V311, Session, force_close
from .ends import SHORT_CONNECTION, SHORT_CONNECTIONS_WARNED, TAKEN_OVER
from .events import Connected, Disconnected, LinkEvent, Received
from .link import Link
from .mailbox import Mailbox

log = logging.getLogger(__name__)

RETRY = 1.0
"""Seconds between attempts to connect with a kept session: sooner than a camera sends what waited
(delivery.HEAD_START)."""
KEPT = Session(expiry=14 * 86400, manual_ack=True)
"""What the broker keeps of a subscriber that is away: for two weeks, every message that it has not taken."""
TICK_S = 0.25
HELD_BACK_S = 15.0
"""Seconds after which a connection is made anew whose broker was not read for a while: mosquitto drops what finds its
queue for a client full, alerts too, and sends those again at the next connection, before all others."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """Topics that are subscribed to with one QoS. A kept session keeps the messages of QoS 1 alone."""

    topics: list[str]
    qos: int = 1


@dataclass(frozen=True, slots=True)
class _Stop:
    """A request to end."""


class Hearing:
    """Subscribes at each connection, and hands on what it hears; a subclass says to whom.

    Owns the thread ``name``, in which ``_received`` and the like are called. The fields that they need must be there
    before ``__init__``. With a kept session, the broker forgets a message when ``_received`` has returned True.
    ``ready`` is set once the broker has answered every subscription. Raises like ``Link``.
    """

    def __init__(
        self,
        name: str,
        settings: MqttConfig,
        subscriptions: list[Subscription],
        *,
        label: str,
        client_id: str = "",
        session: Session = FORGOTTEN,
        protocol: MQTTProtocolVersion = V311,
    ) -> None:
        self.ready = threading.Event()
        self._label = label
        self._subscriptions = subscriptions
        self._is_kept = session.expiry > 0
        self._asked: deque[Subscription] = deque()
        self._short_connections = 0
        self._connected_at = 0.0
        self._stopping = threading.Event()
        self._mailbox = Mailbox[_Stop]()
        self._link = Link(
            settings,
            client_id,
            self._mailbox,
            self._prepare,
            protocol,
            name=label,
            session=session,
            explains_end=lambda: bool(self._asked),  # a broker may hang up on a subscription that it forbids
        )
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Disconnects and ends the thread."""
        self._stopping.set()
        self._mailbox.put(_Stop())
        self._thread.join(5)

    def _prepare(self, client: Any) -> None:
        self._client = client
        client.on_subscribe = lambda c, u, mid, reasons, p: self._on_subscribed(reasons)

    def _on_subscribed(self, reasons: list[ReasonCode]) -> None:
        topics = self._asked.popleft().topics if self._asked else []
        for topic, reason in zip(topics, reasons, strict=False):
            if reason.is_failure:
                log.error("the broker refuses the subscription to %s: %s; check the ACL of this user", topic, reason)
        if not self._asked:
            self.ready.set()

    # Everything below runs in the owned thread.

    def _received(self, message: Received) -> bool:
        """Takes a message; returns whether the broker may forget it now."""
        raise NotImplementedError

    def _connected(self, protocol: MQTTProtocolVersion) -> None:
        """Takes that there is a connection to the broker, and its MQTT version; all that is retained follows."""

    def _disconnected(self) -> None:
        """Takes that there is no connection to the broker."""

    def _tick(self) -> None:
        """Does what is due; called after each event, at least every ``TICK_S`` seconds, and at the end."""

    def _run(self) -> None:
        while self._go_on():
            pass
        self._link.close()

    def _go_on(self) -> bool:
        """Handles the next event, also what was heard before ``close``; returns whether to go on."""
        event: LinkEvent | _Stop | None = None
        try:
            if self._hurries:
                self._link.retry_within(RETRY)
            event = self._mailbox.next(self._link, TICK_S)
            if not isinstance(event, _Stop):
                self._take(event)
            self._tick()
            self._catch_up()
        except Exception:  # one odd message must not end the thread
            log.exception("%s: an event could not be handled", self._label)
        return not isinstance(event, _Stop)

    def _take(self, event: LinkEvent | None) -> None:
        match event:
            case Received() as message:
                if self._received(message):
                    self._link.acknowledge(message)
            case Connected():
                self._connected_at = time.monotonic()
                self._mailbox.held_back_at = None
                self._subscribe()
                self._connected(self._link.protocol.version)
            case Disconnected(reason):
                self._note_end(reason)
                self._disconnected()

    def _subscribe(self) -> None:
        self._asked = deque(self._subscriptions)
        for subscription in self._subscriptions:
            self._link.subscribe(*subscription.topics, qos=subscription.qos)

    def _catch_up(self) -> None:
        """Connects again after a flood. What has arrived is handled first."""
        held_back_at = self._mailbox.held_back_at
        if held_back_at is not None and self._link.connected and running() - held_back_at > HELD_BACK_S:
            self._mailbox.held_back_at = None
            log.warning(
                "%s: the broker sends more than can be read; connecting again for what it may have dropped", self._label
            )
            force_close(self._client)

    @property
    def _hurries(self) -> bool:
        """Returns whether to connect soon; not against another client of this name, which each would throw out."""
        return self._is_kept and not self._link.connected and self._short_connections < SHORT_CONNECTIONS_WARNED

    def _note_end(self, reason: object) -> None:
        short = time.monotonic() - self._connected_at < SHORT_CONNECTION or getattr(reason, "value", 0) == TAKEN_OVER
        self._short_connections = self._short_connections + 1 if short else 0
