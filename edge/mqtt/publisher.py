"""Publishes alerts and states to an MQTT broker: last will, availability, acknowledgements, commands.

One thread owns the connection and the order of things; all others only enqueue. An alert goes to the outbox and to
that thread at the same moment: it leaves even if the disk is full or slow, and it survives a kill once it is committed,
milliseconds later. It leaves the outbox when the broker has acknowledged it without a failure, and not before.
"""

import logging
import threading
import time
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from paho.mqtt.enums import MQTTProtocolVersion

from ..config.schema import MqttConfig
from ..outbox.listener import Sink
from ..outbox.outbox import Outbox
from ..outbox.sql import OutboxMessage
from ..timing import running
from .announced import Announced
from .client import V5
from .day_counts import DayCounts
from .days import Days
from .delivery import Delivery
from .events import Acknowledged, Connected, Disconnected, LinkEvent, Received
from .farewell import say_offline
from .homeassistant import ONLINE, Discovery
from .link import Link
from .mailbox import Mailbox
from .messages import AlertMessage, Health, State, Stats, encode
from .outgoing import Outgoing
from .requests import KeepDay, NewAlert, OutboxWritten, Request, RestoredAlerts, Retain, SendOnce, Stop
from .switches import Mutable, Switched, Switches, unnoticed
from .terms import Will
from .topics import WATCHING, Topics, client_id

log = logging.getLogger(__name__)
PAUSE_IN_SEARCH = 1.0
"""Seconds until the next connection while it is not known yet which message ends the connections."""
STALLED = 15.0
"""Seconds without progress of the publisher's thread after which it counts as stuck."""


class MqttPublisher:
    """Publishes one camera, from the thread ``mqtt-publisher``. Any thread may call its public methods.

    ``outbox`` is the file of what must outlive the process. ``report(part, problem)`` receives the problems
    of ``broker``, ``disk`` and ``alerts``, and None when a part has recovered. ``outputs`` are those at the
    door that can be muted. ``announced`` remembers which days are retained. Raises ``ConfigError`` for TLS or password
    files that cannot be used.
    """

    def __init__(
        self,
        settings: MqttConfig,
        device: str,
        outbox: Path,
        protocol: MQTTProtocolVersion = V5,
        report: Callable[[str, str | None], None] = lambda part, problem: None,
        discovery: Discovery | None = None,
        outputs: Mutable | None = None,
        sinks: Sequence[Sink] = (),
        announced: Announced | None = None,
        switched: Switched = unnoticed,
    ) -> None:
        self._topics = Topics(settings.prefix, device)
        self._report = report
        self._discovery = discovery
        self._mailbox = Mailbox[Request]()
        self._retained: dict[str, bytes] = {}
        self._days = Days(settings, device, announced or Announced(None))
        self._deadline: float | None = None
        self._progress_at = running()
        self._will = Will(self._topics.status, b"offline")
        self._link = Link(
            settings,
            client_id(settings, device),
            self._mailbox,
            protocol=protocol,
            report=lambda text: report("broker", text),
            name="publisher",
            will=self._will,
            explains_end=lambda: self._delivery.explains_end(),
        )
        self._outbox = Outbox(outbox, self, lambda text: report("outbox file", text), sinks)
        self._delivery = Delivery(self._link, self._outbox, lambda text: report("messages", text))
        self._switches = Switches(self._topics, self._outbox, outputs, self._retain, switched)
        if discovery is not None:  # first: entities must be there before their states are
            self._retained[discovery.topic] = discovery.without(self._switches.removed)
        self._retained |= self._switches.states
        self._thread = threading.Thread(target=self._run, name="mqtt-publisher", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """Returns how many alerts no broker has acknowledged yet."""
        return self._delivery.waiting

    @property
    def enabled(self) -> bool:
        """Returns False while watching is paused, by the command ``enabled/set`` or by ``enable``."""
        return self._switches[WATCHING]

    @property
    def alive(self) -> bool:
        """Returns whether the publisher's thread and paho's network thread make progress."""
        return running() - self._progress_at < STALLED and self._link.alive

    def largest_picture(self) -> int | None:
        """Returns how many bytes of a picture the broker takes; None for any number."""
        announced = self._link.terms.payload_limit(self._topics.snapshot)
        return min(filter(None, (announced, self._delivery.limits.largest(self._topics.snapshot))), default=None)

    def publish(self, alert: AlertMessage, picture: bytes | None = None) -> None:
        """Takes an alert for delivery, and a JPEG that goes with it while there is a connection; never blocks."""
        message = OutboxMessage(alert.id, self._topics.alert, encode(alert))
        self._outbox.put(message)
        self._mailbox.put(NewAlert(message))
        if picture is not None:
            self._mailbox.put(SendOnce(self._topics.snapshot, picture, qos=1))

    def show(self, message: State | Health | Stats) -> None:
        """Publishes a state or health (retained, and again on every connection), or statistics (once)."""
        topic, payload = self._topics.of(message), encode(message)
        if isinstance(message, Stats):
            self._mailbox.put(SendOnce(topic, payload, qos=0))
        else:
            self._retain(topic, payload)

    def keep_day(self, counts: DayCounts) -> None:
        """Publishes the counts of a day (retained, and again on every connection). Waits for the disk."""
        self._mailbox.put(KeepDay(self._days.announce(counts.day), encode(counts)))

    def keep_only(self, days: Collection[str]) -> None:
        """Takes back the counts of all days but these (``YYYY-MM-DD``). Waits for the disk."""
        for topic in self._days.outdated(days):
            self._mailbox.put(KeepDay(topic, b""))

    def send_test(self) -> bool:
        """Asks subscribers such as the phone for a test; returns False without a connection."""
        self._mailbox.put(SendOnce(self._topics.test, b"test", qos=1))
        return self._link.connected

    def enable(self, on: bool, how: str) -> None:
        """Resumes or pauses watching; ``how`` is for the log."""
        self._switches.switch(WATCHING, on, how)

    def close(self, timeout: float = 3.0) -> bool:
        """Waits for the last acknowledgements while there is a connection, publishes ``offline`` and disconnects.

        Returns False if alerts are lost: neither delivered nor on disk for the next start.
        """
        self._outbox.end_sinks(timeout)
        self._mailbox.put(Stop(time.monotonic() + timeout))
        self._thread.join(timeout + 3)
        saved = self._outbox.close()
        if self.waiting and saved:
            log.warning("%d alerts wait on disk; the next start delivers them", self.waiting)
        elif self.waiting:
            log.error("%d alerts are lost: the broker was unreachable, and they could not be stored", self.waiting)
        return saved or not (self.waiting or self._outbox.copies_waiting)

    def _retain(self, topic: str, payload: bytes) -> None:
        self._mailbox.put(Retain(topic, payload))

    # What the outbox reports, in its thread.

    def outbox_restored(self, messages: list[OutboxMessage]) -> None:
        """Takes the alerts of an earlier run."""
        self._mailbox.put(RestoredAlerts(messages))

    def outbox_written(self, problem: str | None) -> None:
        """Reports the disk after each attempt to write."""
        self._report("disk", problem)
        self._mailbox.put(OutboxWritten())

    def outbox_dead_letters(self, count: int, last_reason: str, deleted: int) -> None:
        """Reports how many alerts were refused, on every change."""
        gone = f"; {deleted} older ones are deleted" if deleted else ""
        refused = f"{count} alerts refused, the last because {last_reason}; see `maskwatch outbox`{gone}"
        self._report("alerts", refused if count else None)

    # Everything below runs in the publisher's thread.

    def _run(self) -> None:
        while self._deadline is None or self._unfinished(self._deadline):
            try:
                self._progress_at = running()
                if (event := self._mailbox.next(self._link, 0.5)) is not None:
                    self._handle(event)
                self._delivery.send()
                self._days.send(self._delivery)
            except Exception:  # the thread must outlive every single message
                log.exception("MQTT: an event could not be handled")
        say_offline(self._link, self._mailbox, self._delivery, self._topics.status)

    def _unfinished(self, deadline: float) -> bool:
        return bool(self.waiting) and self._link.connected and time.monotonic() < deadline

    def _handle(self, event: LinkEvent | Request) -> None:
        match event:
            case NewAlert(message):
                self._outbox.wait_until_kept(message)
                self._delivery.add(message)
            case RestoredAlerts(messages):
                log.warning("%d alerts of an earlier run wait for the broker", len(messages))
                self._delivery.restore(messages)
            case Retain(topic, payload):
                self._retained[topic] = payload
                self._delivery.offer(Outgoing(topic, payload, retain=True))
            case KeepDay(topic, payload):
                self._days.put(topic, payload)
            case SendOnce(topic, payload, qos):
                self._delivery.offer(Outgoing(topic, payload, qos))
            case Connected(after_outage):
                self._on_connected(after_outage)
            case Acknowledged(mid, reason):
                self._days.answered(self._delivery.acknowledged(mid, reason), reason)
            case Disconnected(reason):
                if self._delivery.disconnected(reason):
                    self._link.retry_within(PAUSE_IN_SEARCH)
            case Received(topic, payload, retained):
                self._on_message(topic, payload, retained)
            case Stop(deadline):
                self._deadline = deadline
                self._delivery.head_start.end()
            case OutboxWritten():
                pass  # only a reason to send more

    def _on_connected(self, after_outage: bool) -> None:
        self._delivery.connected(after_outage)
        for subject, text in (self._link.terms.shortcomings | {"will": self._will.problem}).items():
            self._delivery.limits.say(subject, text)
        for topic in [*self._switches.commands, *([self._discovery.birth_topic] if self._discovery else [])]:
            self._delivery.offer(Outgoing(topic, subscribes=True))
        self._publish_retained()
        self._days.connected()

    def _publish_retained(self) -> None:
        for topic, payload in self._retained.items():
            self._delivery.offer(Outgoing(topic, payload, retain=True))
        self._delivery.offer(Outgoing(self._topics.status, b"online", retain=True, last=True))  # the states are true

    def _on_message(self, topic: str, payload: bytes, retained: bool) -> None:
        if self._discovery is not None and topic == self._discovery.birth_topic:
            if payload == ONLINE and not retained:  # a retained one was answered by our own connection
                self._publish_retained()
        else:
            self._switches.take(topic, payload, retained)
