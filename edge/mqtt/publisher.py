"""Alerts and states to an MQTT broker, alerts through the outbox: last will, availability, acknowledgements, commands.

One sender thread owns the connection and the order of things; everybody else only enqueues. An alert goes to the
outbox and to the sender at the same moment, so it leaves though the disk is full or slow, and survives though the
process is killed. It leaves the outbox when the broker has acknowledged it without a failure, and not before.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

import paho.mqtt.client as paho
from paho.mqtt.enums import MQTTProtocolVersion
from paho.mqtt.reasoncodes import ReasonCode

from ..config.schema import MqttConfig
from ..outbox.letters import Letter
from ..outbox.outbox import Outbox
from .client import V5
from .homeassistant import ONLINE, Discovery
from .link import Event, Link
from .messages import AlertMessage, Health, State, Stats, encode, parse
from .topics import Topics

log = logging.getLogger(__name__)
IN_FLIGHT = 20
"""Alerts sent and not yet acknowledged, at most: what a kill at the wrong moment can send twice."""
CAPACITY = 10_000
"""Alerts that wait for a broker, at most; beyond it the oldest go to the dead letters."""
OVERDUE = 30.0
"""Seconds without acknowledgement after which a connection is given up, and the alert sent on a new one."""
STRIKES = 4
"""Connections that one alert may end within ``AT_ONCE`` seconds of its sending before it counts as poison."""
AT_ONCE = 5.0
INNOCENT = (137, 139, 141, 142, 152, 156, 157, 160)
"""MQTT 5: ends of a connection that no alert has part in: busy, shutting down, taken over, moved ..."""
LOG_EVERY = 60.0


class MqttPublisher:
    """Publishes one camera. ``outbox`` is the file of what must outlive the process; ``report(part, trouble)`` hears of
    ``broker``, ``disk`` and ``alerts``. Raises ``ConfigError`` for TLS or password files that cannot be used.
    """

    def __init__(
        self,
        settings: MqttConfig,
        device: str,
        outbox: Path,
        protocol: MQTTProtocolVersion = V5,
        report: Callable[[str, str | None], None] = lambda part, trouble: None,
        discovery: Discovery | None = None,
    ) -> None:
        self._topics, self._report, self._discovery = Topics(settings.prefix, device), report, discovery
        self._queue: deque[Letter] = deque()
        self._flight: dict[int, tuple[Letter, float]] = {}
        self._retained: dict[str, bytes] = {}
        self._suspects, self._first, self._strikes = set[str](), "", 0
        self._complained_at = float("-inf")
        self._deadline: float | None = None
        self._seen = time.monotonic()
        self._link = Link(
            settings, f"{settings.prefix}-{device}", self._will, protocol, lambda text: report("broker", text)
        )
        self._outbox = Outbox(
            outbox,
            lambda letters: self._link.put(("found", letters)),
            self._written,
            lambda count, reason: report("alerts", mourning(count, reason)),
        )
        self._enabled = self._outbox.setting("enabled") != "OFF"
        if discovery is not None:  # first: entities must be there before their states are
            self._retained[discovery.topic] = discovery.message
        self._retained[self._topics.enabled_state] = b"ON" if self._enabled else b"OFF"
        self._thread = threading.Thread(target=self._run, name="sender", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """Alerts that no broker has acknowledged yet."""
        return len(self._queue) + len(self._flight)

    @property
    def enabled(self) -> bool:
        """False while watching is paused by the command ``enabled/set``."""
        return self._enabled

    @property
    def alive(self) -> bool:
        """Whether the sender and paho's network thread make progress."""
        return time.monotonic() - self._seen < 15 and self._link.alive

    def publish(self, alert: AlertMessage, picture: bytes | None = None) -> None:
        """Takes an alert for delivery, and a JPEG that goes with it while there is a connection; never blocks."""
        letter = Letter(alert.id, self._topics.alert, encode(alert))
        self._outbox.put(letter)
        self._link.put(("letter", letter))
        if picture is not None:
            self._link.put(("picture", self._topics.snapshot, picture))

    def show(self, message: State | Health | Stats) -> None:
        """Sends a state or health (kept by the broker, sent again on every connection) or a statistic (sent once)."""
        name = type(message).__name__.lower()
        self._link.put(("stats" if name == "stats" else "retain", getattr(self._topics, name), encode(message)))

    def close(self, timeout: float = 3.0) -> bool:
        """Waits for the last acknowledgements while there is a connection, says ``offline`` and disconnects.

        False if alerts are lost: neither delivered nor on disk for the next start.
        """
        self._link.put(("close", time.monotonic() + timeout))
        self._thread.join(timeout + 3)
        saved = self._outbox.close()
        if self.waiting and saved:
            log.warning("%d alerts wait on disk; the next start delivers them", self.waiting)
        elif self.waiting:
            log.error("%d alerts are lost: the broker was not there, and the disk refused them", self.waiting)
        return saved or not self.waiting

    def _will(self, client: paho.Client) -> None:
        client.will_set(self._topics.status, b"offline", qos=1, retain=True)

    def _written(self, trouble: str | None) -> None:
        """Called by the outbox after each attempt to write, in its thread."""
        self._report("disk", trouble)
        self._link.put(("written",))

    # Everything below runs in the sender thread.

    def _run(self) -> None:
        while self._deadline is None or self._unfinished(self._deadline):
            try:
                self._seen = time.monotonic()
                if (event := self._link.wait(0.5)) is not None:
                    self._take(event)
                self._drain()
            except Exception:  # the thread must outlive every single message
                log.exception("MQTT: an event could not be handled")
        self._farewell()

    def _unfinished(self, deadline: float) -> bool:
        return bool(self.waiting) and self._link.connected and time.monotonic() < deadline

    def _farewell(self) -> None:
        """Says ``offline``, and hears the answer: a socket closed over unread answers is reset, and then the broker
        may never read the goodbye behind it and publish the will too.
        """
        if self._link.connected:
            mid, until = self._link.send(self._topics.status, b"offline", qos=1, retain=True), time.monotonic() + 1
            while self._link.connected and time.monotonic() < until:
                match self._link.wait(0.1):
                    case ("acknowledged", answered, _) if answered == mid:
                        break
                    case ("acknowledged", answered, reason):
                        self._acknowledged(answered, reason)
        self._link.close(1.0)

    def _take(self, event: Event) -> None:
        match event:
            case ("letter", letter):
                self._keep(letter)
            case ("found", letters):  # an earlier run's: they go first
                log.warning("%d alerts of an earlier run wait for the broker", len(letters))
                self._queue.extendleft(reversed(letters))
            case ("retain", topic, payload):
                self._retained[topic] = payload
                self._offer(topic, payload, retain=True)
            case ("stats" | "picture", topic, payload):
                self._offer(topic, payload, qos=0 if event[0] == "stats" else 1)
            case ("up",):
                self._introduce()
            case ("acknowledged", mid, reason):
                self._acknowledged(mid, reason)
            case ("down", reason):
                self._requeue(reason)
            case ("message", topic, payload, retained):
                self._obey(topic, payload, retained)
            case ("close", deadline):
                self._deadline = deadline

    def _introduce(self) -> None:
        born = [self._discovery.born] if self._discovery is not None else []
        self._link.subscribe(self._topics.enabled_set, *born)
        self._tell_all()
        if self._queue:
            log.warning("%d alerts waited for the broker", len(self._queue))

    def _tell_all(self) -> None:
        for topic, payload in self._retained.items():
            self._offer(topic, payload, retain=True)
        self._offer(self._topics.status, b"online", retain=True)  # last: the states are true now

    def _offer(self, topic: str, payload: bytes, qos: int = 1, retain: bool = False) -> None:
        """Sends what is no alert, if there is a connection."""
        try:
            if self._link.connected:
                self._link.send(topic, payload, qos=qos, retain=retain)
        except ValueError as error:
            self._grumble(f"{topic} is not sent: {error}")

    def _keep(self, letter: Letter) -> None:
        self._queue.append(letter)
        if len(self._queue) > CAPACITY:
            self._refuse(self._queue.popleft(), f"more than {CAPACITY} alerts waited")

    def _drain(self) -> None:
        window = 1 if self._suspects else IN_FLIGHT  # alone, so that a broken connection has one culprit
        window -= self._outbox.undone  # what a kill now would send again, although it was acknowledged
        while self._link.connected and self._queue and len(self._flight) < window:
            letter = self._queue.popleft()
            try:
                mid = self._link.send(letter.topic, letter.payload, qos=1)
            except ValueError as error:
                self._refuse(letter, str(error))
                continue
            self._flight[mid] = (letter, time.monotonic())
        if self._flight and self._age() > OVERDUE:
            if (event := self._link.drop(f"no acknowledgement for {OVERDUE:.0f} s")) is not None:
                self._take(event)

    def _age(self) -> float:
        """Seconds since the oldest alert in flight was sent."""
        _, sent = next(iter(self._flight.values()))
        return time.monotonic() - sent

    def _acknowledged(self, mid: int, reason: ReasonCode) -> None:
        letter, _ = self._flight.pop(mid, (None, 0.0))
        if letter is None:
            return
        self._suspects.discard(letter.id)
        if reason.is_failure:
            self._refuse(letter, f"the broker refuses it on {letter.topic}: {reason}")
        else:
            self._outbox.done(letter)

    def _requeue(self, reason: object) -> None:
        """What was in flight goes first on the next connection; what ends one connection after the other is poison.

        All that were in flight together are suspects, and sent one at a time until each is acknowledged or refused.
        """
        letters = [letter for letter, _ in self._flight.values()]
        fresh = bool(letters) and self._age() < AT_ONCE
        self._flight.clear()
        if fresh and getattr(reason, "value", 0) not in INNOCENT:
            self._strikes = self._strikes + 1 if letters[0].id == self._first else 1
            self._first = letters[0].id
            self._suspects |= {letter.id for letter in letters}
            if self._strikes >= STRIKES:
                self._refuse(letters.pop(0), f"the connection ended {STRIKES} times upon it: {reason}")
        self._queue.extendleft(reversed(letters))

    def _refuse(self, letter: Letter, reason: str) -> None:
        self._suspects.discard(letter.id)
        log.error("alert %s is refused: %s", letter.id, reason)
        self._outbox.refused(letter, reason)

    def _obey(self, topic: str, payload: bytes, retained: bool) -> None:
        if self._discovery is not None and topic == self._discovery.born:
            if payload == ONLINE and not retained:  # at its start; what is retained was answered by our own connection
                self._tell_all()
            return
        try:
            command = parse(topic, payload, retained, self._topics.root)
        except ValueError as fault:
            return self._grumble(f"command on {topic[:100]!r} ignored: {fault}")
        word = "ON" if command.value else "OFF"
        if command.value != self._enabled:
            log.warning("watching %s over MQTT", "resumed" if command.value else "paused")
            self._enabled = command.value
            self._outbox.set("enabled", word)
        self._take(("retain", self._topics.enabled_state, word.encode()))

    def _grumble(self, text: str) -> None:
        if time.monotonic() - self._complained_at > LOG_EVERY:
            self._complained_at = time.monotonic()
            log.warning("%s", text)


def mourning(count: int, reason: str) -> str | None:
    """What health says of dead letters."""
    return f"{count} alerts refused, the last because {reason}; see `maskwatch outbox`" if count else None
