"""The queue to the writer thread: what other threads ask of it, and how far it is."""

import queue
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

from .sql import (
    DELETE,
    DELETE_DEAD_LETTER,
    PUT,
    PUT_DEAD_LETTER,
    PUT_HISTORY,
    PUT_SETTING,
    OutboxMessage,
    Statement,
)

SLOW_WRITE = 2.0
"""Seconds of one write after which alerts no longer wait for it."""
FIRST_SENDING = 0.1
"""Seconds after its raising for which an alert with copies waits for the disk, at most."""
ASK = "ask for a dead letter"
"""Is not SQL: a question that is answered when all statements before it are written."""


class Requests:
    """Statements in units that are written whole, or not at all."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[Sequence[Statement] | None] = queue.SimpleQueue()
        self._changed = threading.Condition()
        self._deletes_requested = 0
        self._deletes_gathered = 0
        self._deletes_written = 0
        self._unwritten: dict[str, float] = {}
        self._puts_gathered: list[str] = []
        self._writing_since = float("inf")

    # For any thread; none blocks, except ``wait_until_kept``.

    def put(self, messages: Sequence[OutboxMessage], payload: bytes, *, is_waited_for: bool) -> None:
        """Keeps messages, and a payload in the history. ``wait_until_kept`` waits for them if that is said here."""
        if is_waited_for:
            with self._changed:
                self._unwritten |= dict.fromkeys((one.id for one in messages), time.monotonic() + FIRST_SENDING)
        puts = [(PUT, (one.id, one.topic, one.payload)) for one in messages]
        self._queue.put([*puts, (PUT_HISTORY, (payload,))])

    def wait_until_kept(self, message: OutboxMessage) -> None:
        """Waits until a message is on disk, or the disk has refused it; at most ``FIRST_SENDING`` after its raising."""
        with self._changed:
            if (until := self._unwritten.get(message.id)) is not None:
                self._changed.wait_for(lambda: message.id not in self._unwritten, max(0.0, until - time.monotonic()))

    def delete(self, message: OutboxMessage) -> None:
        self._delete(message)

    def refuse(self, message: OutboxMessage, reason: str) -> None:
        self._delete(message, (PUT_DEAD_LETTER, (message.id, message.topic, message.payload, reason)))

    def revive(self, message: OutboxMessage) -> None:
        self._delete(message, (DELETE_DEAD_LETTER, (message.id,)))

    def _delete(self, message: OutboxMessage, *first: Statement) -> None:
        with self._changed:  # the broker's thread and those of the sinks count
            self._deletes_requested += 1
        self._queue.put([*first, (DELETE, (message.id,))])

    def set(self, name: str, value: str) -> None:
        self._queue.put([(PUT_SETTING, (name, value))])

    def ask(self, *question: Any) -> None:
        self._queue.put([(ASK, question)])

    def end(self) -> None:
        """Asks for the end, after everything that was asked before."""
        self._queue.put(None)

    @property
    def undeleted(self) -> int:
        """Returns how many deletions are not written; 0 while one write takes longer than ``SLOW_WRITE`` seconds."""
        slow = time.monotonic() - self._writing_since > SLOW_WRITE
        return 0 if slow else self._deletes_requested - self._deletes_written

    # For the writer thread.

    def gather(self, timeout: float) -> Iterator[Statement | None]:
        """Waits for a statement and yields all that wait, so that a burst becomes one transaction; None at the end."""
        with suppress(queue.Empty):
            unit = self._queue.get(timeout=timeout)
            while unit is not None:
                for sql, values in unit:
                    self._deletes_gathered += sql == DELETE
                    self._puts_gathered += values[:1] if sql == PUT else ()
                    yield sql, values
                unit = self._queue.get_nowait()
            yield None

    def attempt_begins(self) -> None:
        self._writing_since = time.monotonic()

    def written(self) -> None:
        """Notes that everything gathered is on disk."""
        self._deletes_written = self._deletes_gathered

    def attempt_ends(self) -> None:
        """Notes the end of an attempt: who waits for what was gathered waits no longer, whatever the disk said."""
        self._writing_since = float("inf")
        with self._changed:
            for id in self._puts_gathered:
                self._unwritten.pop(id, None)
            self._puts_gathered.clear()
            self._changed.notify_all()
