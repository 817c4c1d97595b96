"""Gives each sink its copies of the alerts: new ones, and those of an earlier run."""

import logging
import time
from collections.abc import Sequence

from .listener import Sink, SinkPlace
from .sql import OutboxMessage, sink_of

log = logging.getLogger(__name__)


class Sinks:
    """The sinks of one outbox. Any thread may call it; only ``close`` blocks."""

    def __init__(self, sinks: Sequence[Sink], place: SinkPlace) -> None:
        self._sinks = {sink.name: sink for sink in sinks}
        self._stopped = False
        for sink in sinks:
            sink.attach(place)

    @property
    def waiting(self) -> int:
        """Returns how many copies wait, for all sinks together."""
        return sum(sink.waiting for sink in self._sinks.values())

    def copies(self, message: OutboxMessage) -> list[OutboxMessage]:
        """Returns the copies of an alert for those who want it."""
        wanting = [sink.name for sink in self._sinks.values() if sink.wants(message.payload)]
        return [OutboxMessage(f"{message.id}@{name}", f"sink/{name}", message.payload) for name in wanting]

    def take(self, copies: Sequence[OutboxMessage]) -> None:
        """Hands over copies of a new alert."""
        for copy in copies:
            self._sinks[sink_of(copy.id)].take(copy)

    def restore(self, messages: Sequence[OutboxMessage]) -> list[OutboxMessage]:
        """Hands over the copies of an earlier run; returns the messages that are the broker's.

        Copies for a sink of an earlier configuration stay on disk: it may be back at the next start.
        """
        of_sink: dict[str, list[OutboxMessage]] = {}
        for message in messages:
            of_sink.setdefault(sink_of(message.id), []).append(message)
        for_broker = of_sink.pop("", [])
        for name, copies in of_sink.items():
            if name in self._sinks:
                self._sinks[name].restore(copies)
            else:
                stay = "1 alert stays" if len(copies) == 1 else f"{len(copies)} alerts stay"
                log.warning("%s in the outbox: output %s does not run", stay, name)
        return for_broker

    def stop(self, timeout: float) -> None:
        """Lets every sink end within ``timeout`` seconds; does not wait for that."""
        if not self._stopped:
            self._stopped = True
            for sink in self._sinks.values():
                sink.stop(time.monotonic() + timeout)

    def close(self, timeout: float) -> None:
        """Waits for the end of every sink."""
        self.stop(timeout)
        for sink in self._sinks.values():
            sink.join()
