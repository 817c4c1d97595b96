"""Hears all doors of a broker: a message is in the spool on disk before the broker forgets it."""

import logging
from collections.abc import Iterable
from contextlib import suppress

from paho.mqtt.enums import MQTTProtocolVersion

from ..config.option import NAME
from ..config.schema import MqttConfig
from ..mqtt.events import Received
from ..mqtt.hearing import KEPT, Hearing, Subscription
from ..mqtt.lines import clean
from ..mqtt.observer import LONGEST
from ..mqtt.session_id import keep_protocol, known_protocol, session_id
from .failure import StoreError
from .rows import without_track
from .spool import Message, Spool

log = logging.getLogger(__name__)

QUEUED = ("alert", "status", "health")
"""What the broker keeps, message by message, for a store that is away."""
NEWEST = ("enabled/state", "counts/+")
"""What is retained, so that the newest message of each topic comes with every subscription. QoS 0: the broker would
keep some KB per door every 15 minutes for a store that is away, of which the last message says everything."""
PAUSE_S = 1.0
"""Seconds between attempts to write into the spool."""
MOST_GATHERED = 500
"""Messages of one transaction, at most. The 8,000 retained days of 1,000 doors took 0.5 s; 7.6 s one by one."""
MOST_BYTES = 4 << 20
"""Bytes of one transaction, beside its last message."""


class Collector(Hearing):
    """Puts what all doors say into the spool. While the disk refuses, messages wait at the broker.

    Runs in the thread ``mqtt-collector``. ``is_embedded`` tells that the broker is the monitor's own. Raises like
    ``Link``, and ``StoreError`` for a spool that cannot be written.
    """

    def __init__(self, mqtt: MqttConfig, spool: Spool, *, is_embedded: bool) -> None:
        self._prefix = mqtt.prefix
        self._spool = spool
        self._problem = ""
        self._left_out: set[str] = set()
        self._gathered: list[Received] = []
        self._bytes = 0
        super().__init__(
            name="mqtt-collector",
            settings=mqtt,
            subscriptions=[
                Subscription([f"{mqtt.prefix}/+/{kind}" for kind in QUEUED]),
                Subscription([f"{mqtt.prefix}/+/{kind}" for kind in NEWEST], qos=0),
            ],
            label="store",
            client_id=session_id(spool, mqtt.prefix, "store"),
            session=KEPT,
            protocol=known_protocol(spool, is_embedded),
        )

    # Everything below runs in the collector's thread.

    def _connected(self, protocol: MQTTProtocolVersion) -> None:
        with suppress(StoreError):  # a full disk: the next start finds the version out anew
            keep_protocol(self._spool, protocol)

    def _received(self, message: Received) -> bool:
        """Gathers what has arrived: one transaction of many takes hardly longer than one of a single message."""
        self._gathered.append(message)
        self._bytes += len(message.payload)
        return False

    def _tick(self) -> None:
        is_enough = len(self._gathered) >= MOST_GATHERED or self._bytes >= MOST_BYTES
        if is_enough or not self._mailbox.waiting or self._stopping.is_set():
            self._keep_gathered()

    def _disconnected(self) -> None:
        """Keeps what the connection has brought. Nothing of it can be acknowledged any more, and it comes again."""
        self._put_all([self._row(message) for message in self._gathered])
        self._gathered, self._bytes = [], 0

    def _keep_gathered(self) -> None:
        """Keeps all at once; where the disk refuses that, one by one: it may have room for some."""
        gathered, self._gathered, self._bytes = self._gathered, [], 0
        rows = [self._row(message) for message in gathered]
        are_kept = not self._problem and self._put_all(rows)
        for message, row in zip(gathered, rows, strict=True):
            if row and not are_kept and not self._keep(row):
                return
            self._link.acknowledge(message)

    def _put_all(self, rows: Iterable[Message | None]) -> bool:
        kept = [row for row in rows if row]
        with suppress(StoreError):
            if kept:
                self._spool.put_all(kept)
            return True
        return False

    def _row(self, message: Received) -> Message | None:
        """Returns what the spool keeps of a message; None if it is left out."""
        device, _, kind = message.topic.removeprefix(f"{self._prefix}/").partition("/")
        if len(message.payload) > LONGEST:
            self._leave_out(message, kind, f"it has {len(message.payload)} bytes")
        elif not NAME.fullmatch(device):
            self._leave_out(message, kind, "no door can have this name")
        else:
            return device, kind, without_track(kind, message.payload), message.retained
        return None

    def _leave_out(self, message: Received, kind: str, reason: str) -> None:
        """Says once per kind of message that one is left out; anybody may publish."""
        kind = kind.partition("/")[0]
        if kind not in self._left_out:
            self._left_out.add(kind)
            log.warning(
                "a message on %s is left out: %s; others of its kind are not named", clean(message.topic), reason
            )

    def _keep(self, row: Message) -> bool:
        """Puts a message into the spool, as often as it takes. Returns False if that must end."""
        while not self._put(row):
            if self._stopping.wait(PAUSE_S):
                return False
        return True

    def _put(self, row: Message) -> bool:
        try:
            self._spool.put(*row)
        except StoreError as error:
            if not self._problem:
                log.error("%s; messages for the store wait at the broker", error)
            self._problem = str(error)
            return False
        if self._problem:
            log.warning("messages for the store are taken from the broker again")
            self._problem = ""
        return True
