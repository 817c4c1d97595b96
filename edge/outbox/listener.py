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


class SinkPlace(Protocol):
    """The part of an outbox that its sinks use (it is an ``Outbox``). For any thread."""

    def wait_until_kept(self, message: OutboxMessage) -> None:
        """Waits for a moment until a new copy is on disk, so that a kill after its delivery finds the alert."""
        ...

    def delivered(self, message: OutboxMessage) -> None:
        """Deletes a copy that the sink has delivered."""
        ...

    def refused(self, message: OutboxMessage, reason: str) -> None:
        """Makes a dead letter of a copy."""
        ...


class Sink(Protocol):
    """Takes a copy of each alert besides the broker, from its own place in the outbox. ``name`` tells the sinks apart.

    A copy is a message with an id of its own (``ID@NAME``) and the topic ``sink/NAME``: it leaves the outbox when the
    sink has ``delivered`` or ``refused`` it, whatever the broker and other sinks do. Only ``join`` blocks.
    """

    @property
    def name(self) -> str: ...

    @property
    def waiting(self) -> int:
        """Returns how many copies wait."""
        ...

    def attach(self, place: SinkPlace) -> None:
        """Takes the outbox, which calls this before all else."""
        ...

    def wants(self, payload: bytes) -> bool:
        """Returns whether it takes an alert. Called by whoever raises it."""
        ...

    def take(self, copy: OutboxMessage) -> None:
        """Takes a copy of a new alert. Called by whoever raises it."""
        ...

    def restore(self, copies: list[OutboxMessage]) -> None:
        """Takes the copies of an earlier run, oldest first: they go before all others."""
        ...

    def stop(self, deadline: float) -> None:
        """Ends when nothing waits any more, at the latest at ``deadline`` (monotonic seconds)."""
        ...

    def join(self) -> None:
        """Waits for the end, until a moment after the deadline."""
        ...


def log_notice(text: str | None) -> None:
    """Logs that the file was written anew, where nobody else is told."""
    if text is not None:
        log.error("%s", text)
