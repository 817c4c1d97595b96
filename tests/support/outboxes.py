"""Letters for the tests of the outbox, and an outbox that remembers what it has told."""

from pathlib import Path

from edge.outbox.outbox import Outbox
from edge.outbox.sql import OutboxMessage


class Opened:
    """An outbox, and everything that it has reported."""

    def __init__(self, path: Path) -> None:
        self.restored: list[list[OutboxMessage]] = []
        self.troubles: list[str | None] = []
        self.dead_letters: list[tuple[int, str]] = []
        self.box = Outbox(path, self)

    def outbox_restored(self, messages: list[OutboxMessage]) -> None:
        self.restored.append(messages)

    def outbox_written(self, trouble: str | None) -> None:
        self.troubles.append(trouble)

    def outbox_dead_letters(self, count: int, last_reason: str) -> None:
        self.dead_letters.append((count, last_reason))

    def close(self) -> "Opened":
        assert self.box.close(30)
        return self


def letter(number: int) -> OutboxMessage:
    return OutboxMessage(f"id-{number:05}", "maskwatch/door/alert", b'{"schema":1,"n":%d}' % number + b" " * 300)


def filled(path: Path, count: int) -> list[OutboxMessage]:
    """A closed file with ``count`` letters, a dead one and a setting."""
    opened, letters = Opened(path), [letter(number) for number in range(count)]
    for each in letters:
        opened.box.put(each)
    opened.box.refused(letter(99_999), "too large")
    opened.box.set("enabled", "OFF")
    opened.close()
    return letters
