"""One connection to an MQTT broker, kept up: login, TLS, last will, reconnection, fallback to MQTT 3.1.1.

paho's network thread only enqueues events; the one thread that owns the link takes them from the queue and gives
those about the connection to ``Link.handle``. So no callback can block, fail or deadlock inside paho.
"""

import logging
import queue
import ssl
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.reasoncodes import ReasonCode

from .config import Mqtt
from .errors import ConfigError

log = logging.getLogger(__name__)

Event = tuple[Any, ...]
V5, V311 = MQTTProtocolVersion.MQTTv5, MQTTProtocolVersion.MQTTv311
UNSUPPORTED_PROTOCOL = 132
SHORT = 5.0
"""Seconds; connections that end sooner, three in a row, are the sign of two clients with one name."""


def new_client(settings: Mqtt, client_id: str, protocol: MQTTProtocolVersion = V5) -> paho.Client:
    """A paho client with login and TLS as configured, not connected. Raises ``ConfigError`` for unusable files."""
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id=client_id, protocol=protocol)
    client.suppress_exceptions = True  # an exception in a callback would end paho's thread without a word
    client.reconnect_delay_set(1, 30)
    if settings.user:
        client.username_pw_set(settings.user, read_password(settings.password_file) if settings.password_file else None)
    if settings.tls:
        try:
            context = ssl.create_default_context(cafile=settings.ca_file or None)
            if settings.cert_file:
                context.load_cert_chain(settings.cert_file, settings.key_file or None)
        except OSError as error:  # ssl.SSLError is one
            files = ", ".join(filter(None, (settings.ca_file, settings.cert_file, settings.key_file)))
            raise ConfigError(f"mqtt: TLS files {files} cannot be used: {error}") from error
        client.tls_set_context(context)
    return client


def read_password(path: str) -> str:
    """The password in a file, without the line's end. Raises ``ConfigError`` if others may read the file."""
    try:
        file = Path(path).expanduser()
        if file.stat().st_mode & 0o007:
            raise ConfigError(f"mqtt.password_file {file} can be read by every user; chmod 640 it")
        return file.read_text("utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError, RuntimeError) as error:
        raise ConfigError(f"mqtt.password_file {path} cannot be read: {error}") from error


class Link:
    """Connects at once and for ever. ``events`` receives ``(name, *details)``: ``acknowledged`` and ``message`` for
    the owner, and those that ``handle`` understands. ``prepare`` is run on every new client (will, callbacks).
    """

    def __init__(
        self,
        settings: Mqtt,
        client_id: str,
        events: "queue.SimpleQueue[Event]",
        prepare: Callable[[paho.Client], None] = lambda client: None,
        protocol: MQTTProtocolVersion = V5,
    ) -> None:
        self.connected = False
        self.where = f"{settings.host}:{settings.port}"
        self._settings, self._id, self._events, self._prepare = settings, client_id, events, prepare
        self._protocol = protocol
        self._was_up = self._answered = False
        self._lost_at: float | None = None
        self._up_at, self._short = 0.0, 0
        self._complaint: str | None = None
        self.client = self._connect()

    def _connect(self) -> paho.Client:
        client = new_client(self._settings, self._id, self._protocol)
        put = self._events.put
        client.on_connect = lambda c, u, f, reason, p: put(("connected", reason, c))
        client.on_connect_fail = lambda c, u: put(("failed", str(sys.exc_info()[1]), c))
        client.on_disconnect = lambda c, u, f, reason, p: put(("disconnected", reason, c))
        client.on_publish = lambda c, u, mid, reason, p: put(("acknowledged", mid, reason))
        client.on_message = lambda c, u, message: put(("message", message.topic, message.payload))
        self._prepare(client)
        client.connect_async(self._settings.host, self._settings.port, self._settings.keepalive)
        client.loop_start()
        return client

    def handle(self, event: Event) -> bool:
        """Takes in a connection event; True when the link has just come up."""
        name, detail, client = event
        if client is not self.client:  # an echo of the client before a change of protocol
            return False
        if name == "connected":
            return self._on_connected(detail)
        if name == "failed":
            self.complain(f"cannot reach the broker at {self.where}: {detail}; trying on")
        elif name == "disconnected":
            self._on_disconnected(detail)
        return False

    def _on_connected(self, reason: ReasonCode) -> bool:
        self._answered = True
        if reason.is_failure:
            if reason.value == UNSUPPORTED_PROTOCOL:
                self._other_protocol()
            else:
                self.complain(
                    f"the broker at {self.where} refuses the connection: {reason}; "
                    "check [mqtt] user and password_file; trying on"
                )
            return False
        if self._lost_at is not None:
            log.warning("broker back after %.0f s", time.monotonic() - self._lost_at)
        elif not self._was_up:
            log.info("connected to the broker at %s", self.where)
        self.connected = self._was_up = True
        self._up_at = time.monotonic()
        self._complaint = self._lost_at = None
        return True

    def _on_disconnected(self, reason: ReasonCode) -> None:
        if self.connected:
            self.connected, self._lost_at = False, time.monotonic()
            self._short = self._short + 1 if self._lost_at - self._up_at < SHORT else 0
            if self._short == 3:
                log.error(
                    "thrown off the broker again and again: another client calls itself %s; give each camera its own "
                    "name in [device]", self._id
                )  # fmt: skip
            log.warning("broker lost (%s); trying to get back", reason)
        elif not self._answered and not self._was_up:
            # some 3.1.1 brokers hang up on MQTT 5 instead of refusing it
            self.complain(f"the broker at {self.where} hangs up without an answer; trying on")
            self._other_protocol()
        self._answered = False

    def _other_protocol(self) -> None:
        """Only before the first success: nothing is in flight yet that a new client would lose."""
        self._protocol = V311 if self._protocol == V5 else V5
        old, self._answered = self.client, False
        old.loop_stop()
        time.sleep(0.2)  # a refusing broker must not be hammered
        self.client = self._connect()

    def complain(self, text: str) -> None:
        """Logs a trouble once per change, not per attempt."""
        if text != self._complaint:
            self._complaint = text
            log.error("%s", text)

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()
