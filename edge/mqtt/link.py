"""Keeps one connection to an MQTT broker: login, TLS, last will, reconnection, fallback to MQTT 3.1.1.

paho's network thread only delivers signals to a mailbox; the one thread that owns the link takes them from there, so
that no callback can block, fail or deadlock inside paho. Every connection has a client of its own: what paho had in
flight goes back to the owner, who alone decides what is sent again, and login, certificates and address are read anew.
"""

import logging
from collections.abc import Callable
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import MQTTProtocolVersion
from paho.mqtt.reasoncodes import ReasonCode

from ..config.schema import MqttConfig
from ..listening import host_and_port
from ..timing import Backoff, running
from . import events
from .client import FORGOTTEN, V5, Client, Session, force_close, new_client, note_error
from .ends import SHORT_CONNECTION, ConnectionEnds
from .events import Acknowledged, Connected, Disconnected, Inbox, LinkEvent, LinkState, Received, Signal
from .protocol import ProtocolChoice
from .terms import Terms, Will, refusal

log = logging.getLogger(__name__)

UNSUPPORTED_PROTOCOL, KEEPALIVE = 132, 141
"""MQTT 5 reason codes."""
NO_ANSWER, HUNG_UP = "no answer", "the broker closed the connection without an answer"
SHORT_CONNECTIONS_SLOWED = 12
"""Short connections in a row after which the pauses grow, so that the other client stays connected most of the time."""
PATIENCE = 15.0
"""Seconds that a connection attempt may take, and that the network thread may be silent."""
SHORTEST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
"""Seconds between attempts: 1, 2, 4 ... 30. A broker that is back gets the first alert within a minute."""
PAUSE_AFTER_LOSS, PAUSE_IN_TRIAL = 5.0, 2.0
"""Longest pauses, in seconds: after a connection that was up, and while MQTT 3.1.1 is on trial."""


class Link:
    """Connects, and reconnects whenever the connection is lost.

    One thread owns the link; paho's thread fills the ``inbox``. The owner takes each ``Signal`` out of its
    mailbox and passes it to ``handle``, and calls ``tick`` at least twice per second; ``Mailbox.next`` does both.
    ``prepare`` is called with every new client (will, callbacks). ``report`` receives the problem while there is no
    connection, once per change, and None when there is one. ``name`` names the link in the log. ``explains_end`` says
    at the end of a connection whether a message may be the cause. Raises ``ConfigError`` for files that cannot be used.
    """

    def __init__(
        self,
        settings: MqttConfig,
        client_id: str,
        inbox: Inbox,
        prepare: Callable[[paho.Client], None] = lambda client: None,
        protocol: MQTTProtocolVersion = V5,
        report: Callable[[str | None], None] | None = None,
        *,
        name: str = "client",
        session: Session = FORGOTTEN,
        with_credential: bool = True,
        will: Will | None = None,
        explains_end: Callable[[], bool] = lambda: False,
    ) -> None:
        self.where = host_and_port(settings.host, settings.port)
        self.state = LinkState.WAITING
        self._settings = settings
        self._id = client_id
        self._name = name
        self._session = session
        self._with_credential = with_credential
        self._inbox = inbox
        self._prepare = prepare
        self.protocol = ProtocolChoice(protocol)
        self._problem = events.Problem(report)
        self._backoff = Backoff(SHORTEST_PAUSE, LONGEST_PAUSE, spread=0.3)
        self.terms = Terms()
        self._will = will or Will()
        self._explains_end = explains_end
        self._hang_ups = 0
        self._ends = ConnectionEnds(client_id)
        self._lost_at: float | None = None
        self._changed_at = self._attempt_due = running()
        self._client: Client | None = None
        self._open()

    @property
    def connected(self) -> bool:
        """Returns whether the broker has accepted the present connection."""
        return self.state is LinkState.CONNECTED

    @property
    def alive(self) -> bool:
        """Returns whether paho's thread makes progress, or none is needed at the moment. For any thread."""
        client = self._client
        return not self.connected or client is None or running() - client.last_alive < PATIENCE

    # Everything below belongs to the owner's thread.

    def tick(self) -> LinkEvent | None:
        """Does what is due: the next attempt, or the end of one that takes too long."""
        now = running()
        if self.state is LinkState.WAITING and now >= self._attempt_due:
            try:
                self._open()
            except (ValueError, OSError, RuntimeError) as error:  # a password file that has gone: it may come back
                self._problem.report(str(error))
                self._wait(self._backoff.pause())
        elif self.state in (LinkState.CONNECTING, LinkState.REFUSED) and now - self._changed_at > PATIENCE:
            return self.drop(NO_ANSWER)
        elif not self.alive:
            return self.drop("paho's network thread is stuck")
        return None

    def handle(self, signal: Signal) -> LinkEvent | None:
        """Returns a signal's event for the owner; None if it concerns only the link or an abandoned connection."""
        client = signal.client
        if client is not self._client:
            return None
        match signal.what:
            case events.ConnAck(reason, properties):
                return self._on_answer(client, reason, properties)
            case events.ThreadEnded():
                return self._on_ended(client.end_reason if self.connected or not client.errors else client.errors[-1])
            case Acknowledged() | Received() as event:
                return event

    def send(self, topic: str, payload: bytes, *, qos: int, retain: bool = False, expiry: int = 0) -> int:
        """Sends a message; returns the id of its acknowledgement. Raises ``ValueError`` if it cannot be sent."""
        assert self._client is not None
        self.terms.check_size(topic, payload)
        return self._client.send(topic, payload, min(qos, self.terms.qos), retain and self.terms.retain, expiry)

    def subscribe(self, *topics: str, qos: int = 1) -> int:
        """Subscribes to each topic; returns the id of the acknowledgement."""
        assert self._client is not None
        return self._client.subscribe([(topic, qos) for topic in topics])[1] or 0

    def acknowledge(self, message: Received) -> None:
        """Tells the broker, with ``manual_ack``, that it may forget this message of the present connection."""
        if self._client is not None:
            self._client.ack(message.mid, message.qos)

    def drop(self, reason: str) -> LinkEvent | None:
        """Closes the connection; a new attempt follows."""
        if self._client is None:
            return None
        force_close(self._client)
        return self._on_ended(reason)

    def close(self, timeout: float = 2.0) -> None:
        """Disconnects in order. Takes about ``timeout`` seconds at most, whatever state the network is in."""
        client, self._client, self.state = self._client, None, LinkState.CLOSED
        if client is not None:
            was_connected = client.is_connected()  # its event may still be on the way
            client.disconnect()
            if not client.finished.wait(timeout if was_connected else 0.1):
                force_close(client)

    def _open(self) -> None:
        client = new_client(
            self._settings,
            self._id,
            self.protocol.version,
            lambda c: self._inbox.put(Signal(c, events.ThreadEnded())),
            self._session,
            with_credential=self._with_credential,
        )
        events.deliver_signals(client, self._inbox)
        client.on_log = note_error
        self._will.give_to(client)
        self._prepare(client)
        client.start_connecting(self._settings, self.terms.window)
        self._client = client
        self._change(LinkState.CONNECTING)

    def _change(self, state: LinkState) -> None:
        self.state, self._changed_at = state, running()

    def _wait(self, pause: float) -> None:
        self._client, self._attempt_due = None, running() + pause
        self._change(LinkState.WAITING)

    def _on_answer(self, client: Client, reason: ReasonCode, properties: Any) -> LinkEvent | None:
        if reason.is_failure:
            self.state = LinkState.REFUSED
            if reason.value == UNSUPPORTED_PROTOCOL:
                self.protocol.unsupported()
            elif not self._will.refused(reason):
                what = refusal(reason, self._id)
                self._problem.report(f"the broker at {self.where} refuses the connection: {what}; retrying")
            return None
        if self._reconnect_on_better_terms(properties):
            force_close(client)
            self._backoff.reset()
            self._wait(0.0)
            return None
        client.on_log = None  # it was only needed for the handshake: a refused certificate is reported nowhere else
        if self._lost_at is None:
            log.info("%s connected to the broker at %s", self._name, self.where)
        elif self._problem.text is not None:
            log.warning("%s reconnected to the broker after %.0f s", self._name, running() - self._lost_at)
        self._change(LinkState.CONNECTED)
        return Connected(self._problem.over())

    def _reconnect_on_better_terms(self, properties: Any) -> bool:
        """Returns whether to connect again at once: by MQTT 5, with a fuller will, or with fewer messages in flight."""
        self._hang_ups = 0
        if self.protocol.answered_in_trial():
            return True
        self.protocol.connected()
        window, self.terms = self.terms.window, Terms.of(properties)
        return self._will.accepted() or self.terms.window < window

    def _on_ended(self, reason: str | ReasonCode) -> LinkEvent | None:
        state, lasted = self.state, running() - self._changed_at
        if state is LinkState.CONNECTED:
            return self._on_lost(reason, lasted)
        if state is LinkState.CONNECTING:
            if not isinstance(reason, str):  # paho too gives up, after ``keepalive`` seconds
                reason = NO_ANSWER if reason.value == KEEPALIVE else HUNG_UP
            if reason in (NO_ANSWER, HUNG_UP):
                self._on_silence(reason)
            outage = reason not in (NO_ANSWER, HUNG_UP)
            self._problem.report(f"cannot reach the broker at {self.where}: {reason}; retrying", outage=outage)
        self._backoff.failed()
        self._wait(self._backoff.pause(PAUSE_IN_TRIAL if self.protocol.trial or self._will.confirming else None))
        return None

    def _on_silence(self, reason: str) -> None:
        """Changes the protocol, and the will if the broker hangs up on each protocol."""
        self._hang_ups += reason == HUNG_UP
        if reason == HUNG_UP and (self.protocol.known or self._hang_ups % 2 == 0):
            self._will.refused(reason)
        self.protocol.unanswered()

    def _on_lost(self, reason: str | ReasonCode, lasted: float) -> Disconnected:
        self._lost_at = running()
        (self._backoff.failed if lasted < SHORT_CONNECTION else self._backoff.reset)()
        self._ends.note(reason, lasted, explained=self._explains_end())
        self._problem.report(f"broker lost ({reason}); reconnecting")
        slowed = self._backoff.failures >= SHORT_CONNECTIONS_SLOWED
        self._wait(self._backoff.pause(None if slowed else PAUSE_AFTER_LOSS))
        return Disconnected(reason)

    def retry_within(self, seconds: float) -> None:
        """Makes the next attempt sooner: it is one of a series that is sure to end."""
        self._attempt_due = min(self._attempt_due, running() + seconds)
