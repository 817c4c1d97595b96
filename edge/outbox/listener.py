"""What the outbox reports, and to whom."""

import logging
from typing import Protocol

from .sql import OutboxMessage

log = logging.getLogger(__name__)


class OutboxListener(Protocol):
    """Receives what the outbox reports, in its writer thread (the first report: in the thread that opens it)."""

    def outbox_restored(self, messages: list[OutboxMessage]) -> None:
        """Takes the messages that an earlier run left, oldest first, as soon as the file can be read."""
        ...

    def outbox_written(self, problem: str | None) -> None:
        """Takes why an attempt to write failed, or None, after each attempt."""
        ...

    def outbox_dead_letters(self, count: int, last_reason: str, deleted: int) -> None:
        """Takes the number of dead letters after a change, the reason of the newest, and how many were deleted ever."""
        ...


class Sink(Protocol):
    """Takes a copy of each alert besides the broker, from its own place in the outbox. ``name`` tells the sinks apart.

    A copy is a message with an id of its own (``ID@NAME``) and the topic ``sink/NAME``: it leaves the outbox when the
    sink has ``delivered`` or ``refused`` it, whatever the broker and other sinks do.
    """

    @property
    def name(self) -> str: ...

    def wants(self, payload: bytes) -> bool:
        """Returns whether it takes an alert. Called by whoever raises it; never blocks."""
        ...

    def take(self, messages: list[OutboxMessage]) -> None:
        """Takes copies that are on disk, or that the disk refuses: new ones, or those of an earlier run (which go
        first). Called in the outbox's writer thread; never blocks."""
        ...


def log_notice(text: str | None) -> None:
    """Logs that the file was written anew, where nobody else is told."""
    if text is not None:
        log.error("%s", text)
