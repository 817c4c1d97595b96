"""Takes alerts and states: for a broker, for standard output, for the outputs, or for several of them."""

import logging
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol, TextIO

from ..errors import FileError
from ..mqtt.messages import AlertMessage, Health, State, Stats, encode
from ..mqtt.switches import Switched, unnoticed
from ..mqtt.topics import WATCHING
from ..outbox.listener import Sink
from ..outbox.outbox import Outbox
from ..outbox.sql import OutboxMessage

log = logging.getLogger("maskwatch")


class Publisher(Protocol):
    """Takes alerts and states: to a broker, to standard output, or to the page."""

    @property
    def waiting(self) -> int:
        """Returns how many alerts no broker has acknowledged yet."""
        ...

    @property
    def enabled(self) -> bool:
        """Returns False while watching is paused."""
        ...

    @property
    def alive(self) -> bool:
        """Returns whether its threads make progress."""
        ...

    def publish(self, alert: AlertMessage, picture: bytes | None = None) -> None:
        """Takes an alert, and the JPEG that goes with it. Never blocks."""
        ...

    def show(self, message: State | Health | Stats) -> None:
        """Takes a state, health or statistics. Never blocks."""
        ...

    def enable(self, on: bool, how: str) -> None:
        """Resumes or pauses watching; ``how`` is for the log. Never blocks."""
        ...

    def send_test(self) -> bool:
        """Asks for a test text on the phone. Returns False where nobody can hear it."""
        ...

    def close(self, timeout: float = 3.0) -> bool:
        """Ends within about ``timeout`` seconds. Returns False if alerts are lost."""
        ...


class PrintPublisher:
    """Prints alerts as JSON lines on a stream, as they would be sent.

    A stream that fails raises unless ``required`` is False: alerts that go to a broker too must not end with it. A
    pause ends with the process; ``switched`` is told of it.
    """

    waiting, alive = 0, True

    def __init__(
        self,
        out: TextIO | None = None,
        *,
        required: bool = True,
        switched: Switched = unnoticed,
    ) -> None:
        self.enabled = True
        self._switched = switched
        self._out = out or sys.stdout
        self._required = required

    def publish(self, alert: AlertMessage, picture: bytes | None = None) -> None:
        try:
            print(encode(alert).decode(), file=self._out, flush=True)
        except (FileError, OSError) as error:
            if self._required:
                raise
            log.error("alerts are printed no longer: %s", error)
            self._out = open(os.devnull, "w", encoding="utf-8")

    def show(self, message: State | Health | Stats) -> None:
        """Prints nothing: states are for subscribers."""

    def enable(self, on: bool, how: str) -> None:
        if on != self.enabled:
            log.warning("watching %s %s", "resumed" if on else "paused", how)
            self._switched(WATCHING, on, how)
        self.enabled = on

    def send_test(self) -> bool:
        return False

    def close(self, timeout: float = 3.0) -> bool:
        return True


class KeepingPublisher(PrintPublisher):
    """Prints alerts, and keeps them in an outbox for the sinks of the outputs, where no broker is.

    What an earlier run has left for a broker stays there.
    """

    def __init__(
        self,
        outbox: Path,
        sinks: Sequence[Sink],
        report: Callable[[str, str | None], None],
        switched: Switched = unnoticed,
    ) -> None:
        super().__init__(switched=switched)
        self._report = report
        self._outbox = Outbox(outbox, self, lambda text: report("outbox file", text), sinks)

    def publish(self, alert: AlertMessage, picture: bytes | None = None) -> None:
        self._outbox.put(OutboxMessage(alert.id, alert.topic, encode(alert)), broker=False)
        super().publish(alert, picture)  # afterwards: it may raise

    def close(self, timeout: float = 3.0) -> bool:
        self._outbox.end_sinks(timeout)
        return self._outbox.close() or not self._outbox.copies_waiting

    # What the outbox reports, in its thread.

    def outbox_restored(self, messages: list[OutboxMessage]) -> None:
        """Leaves alerts of an earlier run where they are."""

    def outbox_written(self, problem: str | None) -> None:
        """Reports the disk after each attempt to write."""
        self._report("disk", problem)

    def outbox_dead_letters(self, count: int, last_reason: str, deleted: int) -> None:
        """Reports nothing: what a broker has refused is of an earlier run."""


class TeePublisher:
    """Publishes to two publishers. The first one keeps whether watching is paused."""

    def __init__(self, first: Publisher, second: Publisher) -> None:
        self._first = first
        self._all = (first, second)

    @property
    def waiting(self) -> int:
        return sum(publisher.waiting for publisher in self._all)

    @property
    def enabled(self) -> bool:
        return self._first.enabled

    @property
    def alive(self) -> bool:
        return all(publisher.alive for publisher in self._all)

    def publish(self, alert: AlertMessage, picture: bytes | None = None) -> None:
        for publisher in self._all:
            publisher.publish(alert, picture)

    def show(self, message: State | Health | Stats) -> None:
        for publisher in self._all:
            publisher.show(message)

    def enable(self, on: bool, how: str) -> None:
        self._first.enable(on, how)

    def send_test(self) -> bool:
        return any([publisher.send_test() for publisher in self._all])

    def close(self, timeout: float = 3.0) -> bool:
        return all([publisher.close(timeout) for publisher in self._all])
