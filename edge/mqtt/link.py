"""One connection to an MQTT broker, kept up: login, TLS, last will, reconnection, fallback to MQTT 3.1.1.

paho's network thread only enqueues events; the one thread that owns the link takes them with ``Link.wait``. So no
callback can block, fail or deadlock inside paho. Every connection has a client of its own: what paho had in flight
goes back to the owner, who alone decides what is sent again, and login, certificates and address are read anew.
"""

import logging
import queue
import random
import time
from collections.abc import Callable
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import MQTTProtocolVersion
from paho.mqtt.reasoncodes import ReasonCode

from ..config.schema import MqttConfig
from .client import V5, V311, Client, cut, new_client, note_error

log = logging.getLogger(__name__)
Event = tuple[Any, ...]
UNSUPPORTED_PROTOCOL, KEEPALIVE = 132, 141
SILENCE = "no answer"
SHORT = 7.0
"""Seconds; connections that end sooner, three in a row, are the sign of two clients with one name: mosquitto 2.0.11
does not say so, and each lasts until the other is back, 5 s at most."""
DUEL = 12
"""Short connections in a row after which the pauses grow, and the other client wins most of the time."""
PATIENCE = 15.0
"""Seconds that a connection attempt may take, and that the network thread may be silent."""
LONGEST_PAUSE = 30.0
"""Seconds between attempts, at most: a broker that is back gets the first alert within a minute."""
WINDOW = 20
"""Messages in flight, at most, if the broker allows so many."""
LARGEST_SENT = 2**28
"""Bytes of any MQTT message, where the broker names no limit of its own."""


class Link:
    """Connects at once and for ever. Raises ``ConfigError`` at the start for files that cannot be used.

    ``wait`` gives the owner's own events and ``("up",)``, ``("down", reason)``,
    ``("acknowledged", mid, reason)``, ``("message", topic, payload, retained)``. ``prepare`` is run on every new
    client (will, callbacks); ``trouble`` receives the reason while there is no connection, once per change, then None.
    """

    def __init__(
        self,
        settings: MqttConfig,
        client_id: str,
        prepare: Callable[[paho.Client], None] = lambda client: None,
        protocol: MQTTProtocolVersion = V5,
        trouble: Callable[[str | None], None] | None = None,
    ) -> None:
        self.connected = False
        self.where = f"{settings.host}:{settings.port}"
        self._settings, self._id, self._prepare, self._protocol = settings, client_id, prepare, protocol
        self._trouble = trouble or self._log
        self._queue: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._said: str | None = None
        self._was_up = self._answered = False
        self._certain = protocol == V311  # whether 3.1.1, when in use, is really all that the broker speaks
        self._window, self._largest = WINDOW, LARGEST_SENT
        self._changed_at = self._next = time.monotonic()
        self._failures, self._lost_at = 0, 0.0
        self._client: Client | None = None
        self._open(new_client(settings, client_id, protocol, self._over))

    # For any thread.

    def put(self, event: Event) -> None:
        """An event of the owner's own."""
        self._queue.put(event)

    @property
    def alive(self) -> bool:
        """Whether paho's thread makes progress, or none is wanted at the moment."""
        client = self._client
        return not self.connected or client is None or time.monotonic() - client.seen < PATIENCE

    # For the owner's thread.

    def wait(self, timeout: float) -> Event | None:
        """The next event for the owner; None when there was none, or one that only the link had to know."""
        if (event := self._tick()) is not None:
            return event
        try:
            event = self._queue.get(timeout=timeout)
        except queue.Empty:
            return None
        match event:
            case ("connected" | "ended", *_, client) if client is not self._client:
                return None  # an echo of a connection that was given up
            case ("connected", reason, properties, _):
                return self._on_connected(reason, properties)
            case ("ended", client):
                return self._on_ended(client.why if self.connected or not client.errors else client.errors[-1])
            case ("acknowledged" | "message", *details, client):
                return (event[0], *details) if client is self._client else None
        return event

    def send(self, topic: str, payload: bytes, *, qos: int, retain: bool = False) -> int:
        """The message id that the acknowledgement will carry. Raises ``ValueError`` for what cannot be sent."""
        assert self._client is not None
        if len(topic) + len(payload) + 10 > self._largest:  # 10: header 5, lengths and id 4, no properties 1
            raise ValueError(f"larger than the {self._largest} bytes that the broker takes")
        return self._client.publish(topic, payload, qos=qos, retain=retain).mid

    def subscribe(self, *topics: str) -> None:
        assert self._client is not None
        self._client.subscribe([(topic, 1) for topic in topics])

    def drop(self, reason: str) -> Event | None:
        """Gives the connection up, to make a new one soon."""
        client = self._client
        if client is None:
            return None
        cut(client)
        return self._on_ended(reason)

    def close(self, timeout: float = 2.0) -> None:
        """Says goodbye to the broker. Bounded, whatever state the network is in."""
        client, self._client = self._client, None
        if client is not None:
            client.disconnect()
            if not client.over.wait(timeout if self.connected else 0.1):
                cut(client)
        self.connected = False

    def _tick(self) -> Event | None:
        now = time.monotonic()
        if self._client is None and now >= self._next:
            try:
                self._open(new_client(self._settings, self._id, self._protocol, self._over))
            except (ValueError, OSError, RuntimeError) as error:  # a password file that has gone: it may come back
                self._complain(str(error))
                self._pause()
        elif self._client is not None and not self.connected and now - self._changed_at > PATIENCE:
            return self.drop(SILENCE)
        elif not self.alive:
            return self.drop("paho's network thread is stuck")
        return None

    def _open(self, client: Client) -> None:
        put = self._queue.put
        client.on_connect = lambda c, u, f, reason, properties: put(("connected", reason, properties, c))
        client.on_disconnect = lambda c, u, f, reason, p: setattr(c, "why", reason)
        client.on_publish = lambda c, u, mid, reason, p: put(("acknowledged", mid, reason, c))
        client.on_message = lambda c, u, m: put(("message", m.topic, m.payload, m.retain, c))
        client.on_log = note_error
        self._prepare(client)
        client.begin(self._settings, self._window)
        self._client, self._changed_at, self._answered = client, time.monotonic(), False

    def _over(self, client: Client) -> None:
        self._queue.put(("ended", client))

    def _on_connected(self, reason: ReasonCode, properties: Any) -> Event | None:
        self._answered = True
        if reason.is_failure:
            if reason.value == UNSUPPORTED_PROTOCOL:
                self._certain = True
                self._other_protocol()
            else:
                self._complain(
                    f"the broker at {self.where} refuses the connection: {reason}; "
                    "check [mqtt] user and password_file; trying on"
                )
            return None
        if self._client is None or self._knows_better(self._client, properties):
            return None
        self.connected, was_up, self._was_up = True, self._was_up, True
        self._largest = getattr(properties, "MaximumPacketSize", LARGEST_SENT)
        self._client.on_log = None  # it has served: a refusal of our certificate is told nowhere else
        if not was_up:
            log.info("connected to the broker at %s", self.where)
        elif self._said is not None:
            log.warning("broker back after %.0f s", time.monotonic() - self._lost_at)
        self._changed_at = time.monotonic()
        self._said = None
        self._trouble(None)
        return ("up",)

    def _knows_better(self, client: Client, properties: Any) -> bool:
        """Whether what was just learnt asks for another connection, at once, on other terms."""
        allowed = getattr(properties, "ReceiveMaximum", WINDOW)
        if self._protocol == V311 and not self._certain:
            # tried after a hang-up, maybe of a broker that was only starting; and 3.1.1 hides what an ACL refuses
            self._certain, self._protocol = True, V5
        elif allowed < self._window:
            self._window = allowed
        else:
            return False
        cut(client)
        self._client, self._next, self._failures = None, time.monotonic(), 0
        return True

    def _on_ended(self, why: str | ReasonCode) -> Event | None:
        was_up, lasted = self.connected, time.monotonic() - self._changed_at
        self._client, self.connected = None, False
        if was_up:
            self._lost_at = time.monotonic()
            self._failures = self._failures + 1 if lasted < SHORT else 0
            if self._failures == 3:
                log.error(
                    "thrown off the broker again and again: another client calls itself %s? give each camera its own "
                    "name in [device]", self._id
                )  # fmt: skip
            self._complain(f"broker lost ({why}); trying to get back")
            self._pause(5.0 if self._failures < DUEL else LONGEST_PAUSE)
            return ("down", why)
        if not self._answered:
            if not isinstance(why, str):  # paho too loses its patience, after ``keepalive`` seconds
                why = SILENCE if why.value == KEEPALIVE else "it hangs up without an answer"
                self._other_protocol()  # some 3.1.1 brokers hang up on MQTT 5 instead of refusing it
            elif why == SILENCE:
                self._other_protocol()  # and some take it for the first half of something
            self._complain(f"cannot reach the broker at {self.where}: {why}; trying on")
        self._failures += 1
        self._pause(2.0 if self._protocol == V311 and not self._certain else LONGEST_PAUSE)
        return None

    def _pause(self, longest: float = LONGEST_PAUSE) -> None:
        """1, 2, 4 ... 30 s, spread: the doors of a building must not come back all at one moment."""
        pause = min(longest, 2.0 ** min(self._failures, 5)) * random.uniform(0.7, 1.0)
        self._next = time.monotonic() + pause

    def _other_protocol(self) -> None:
        if not self._was_up:
            self._protocol = V311 if self._protocol == V5 else V5

    def _complain(self, text: str) -> None:
        """Tells a trouble once per change, not per attempt."""
        if text != self._said:
            self._said = text
            self._trouble(text)

    def _log(self, text: str | None) -> None:
        if text is not None:
            log.error("%s", text)
