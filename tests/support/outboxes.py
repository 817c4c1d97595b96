"""Letters for the tests of the outbox, and an outbox that remembers what it has told."""

from pathlib import Path

from edge.outbox.letters import Letter
from edge.outbox.outbox import Outbox


class Opened:
    """An outbox, and all it has told."""

    def __init__(self, path: Path) -> None:
        self.found: list[list[Letter]] = []
        self.troubles: list[str | None] = []
        self.deaths: list[tuple[int, str]] = []
        self.box = Outbox(path, self.found.append, self.troubles.append, lambda *death: self.deaths.append(death))

    def close(self) -> "Opened":
        assert self.box.close(30)
        return self


def letter(number: int) -> Letter:
    return Letter(f"id-{number:05}", "maskwatch/door/alert", b'{"schema":1,"n":%d}' % number + b" " * 300)


def filled(path: Path, count: int) -> list[Letter]:
    """A closed file with ``count`` letters, a dead one and a setting."""
    opened, letters = Opened(path), [letter(number) for number in range(count)]
    for each in letters:
        opened.box.put(each)
    opened.box.refused(letter(99_999), "too large")
    opened.box.set("enabled", "OFF")
    opened.close()
    return letters
