"""An outbox that records what it reports, and messages for the tests of the outbox."""

from collections.abc import Callable, Sequence
from pathlib import Path

from edge.outbox.listener import Sink, SinkPlace
from edge.outbox.outbox import Outbox
from edge.outbox.sql import OutboxMessage


class RecordingOutbox:
    """An outbox, and everything that it has reported to its listener."""

    def __init__(self, path: Path, sinks: Sequence[Sink] = ()) -> None:
        self.restored: list[list[OutboxMessage]] = []
        self.problems: list[str | None] = []
        self.dead_letters: list[tuple[int, str]] = []
        self.deleted = 0
        self.outbox = Outbox(path, self, sinks=sinks)

    def outbox_restored(self, messages: list[OutboxMessage]) -> None:
        self.restored.append(messages)

    def outbox_written(self, problem: str | None) -> None:
        self.problems.append(problem)

    def outbox_dead_letters(self, count: int, last_reason: str, deleted: int) -> None:
        self.dead_letters.append((count, last_reason))
        self.deleted = deleted

    def close(self) -> "RecordingOutbox":
        assert self.outbox.close(30)
        return self


class RecordingSink:
    """A sink that records its copies, and delivers nothing by itself."""

    def __init__(self, name: str = "hook", wants: Callable[[bytes], bool] = lambda payload: True) -> None:
        self.name = name
        self.wants = wants
        self.taken: list[OutboxMessage] = []
        self.restored: list[list[OutboxMessage]] = []
        self.ended = False

    @property
    def waiting(self) -> int:
        return len(self.taken)

    def attach(self, place: SinkPlace) -> None:
        self.place = place

    def take(self, copy: OutboxMessage) -> None:
        self.taken.append(copy)

    def restore(self, copies: list[OutboxMessage]) -> None:
        self.restored.append(copies)

    def stop(self, deadline: float) -> None:
        pass

    def join(self) -> None:
        self.ended = True


def copy(message: OutboxMessage, name: str = "hook") -> OutboxMessage:
    """The copy of a message for a sink."""
    return OutboxMessage(f"{message.id}@{name}", f"sink/{name}", message.payload)


def message(number: int) -> OutboxMessage:
    """A message of about 320 bytes; its number is in its id and in its payload."""
    return OutboxMessage(f"id-{number:05}", "maskwatch/door/alert", b'{"schema":1,"n":%d}' % number + b" " * 300)


def fill_outbox(path: Path, count: int) -> list[OutboxMessage]:
    """Makes an outbox with ``count`` waiting messages, one dead letter and one setting; returns the messages."""
    recording, messages = RecordingOutbox(path), [message(number) for number in range(count)]
    for waiting in messages:
        recording.outbox.put(waiting)
    recording.outbox.refused(message(99_999), "too large")
    recording.outbox.set("enabled", "OFF")
    recording.close()
    return messages
