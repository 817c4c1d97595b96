"""Writes to an outbox and to a record in a folder until it is killed, and prints each change of their state."""

import sys
import time
from pathlib import Path

from support.outboxes import message
from support.recorded import recorder

from edge.outbox.outbox import Outbox
from edge.outbox.sql import OutboxMessage


class Reporter:
    """Prints changes, and is the listener of the outbox."""

    def __init__(self) -> None:
        self._last: dict[str, str | None] = {}

    def tell(self, part: str, problem: str | None) -> None:
        if part not in self._last or self._last[part] != problem:
            self._last[part] = problem
            print(f"{part} trouble {problem}" if problem else f"{part} well", flush=True)

    def outbox_restored(self, messages: list[OutboxMessage]) -> None: ...

    def outbox_written(self, problem: str | None) -> None:
        self.tell("outbox", problem)

    def outbox_dead_letters(self, count: int, last_reason: str, deleted: int) -> None: ...

    def outbox_replaced(self, text: str | None) -> None: ...


def main() -> None:
    folder, reporter, number = Path(sys.argv[1]), Reporter(), 0
    outbox = Outbox(folder / "outbox.db", reporter)
    record = recorder(folder / "record.db", lambda text: reporter.tell("record", text))
    while True:
        number += 1
        outbox.put(message(number))
        record.person("mask")
        record.mark([f"{number:036}" * 20], True)
        time.sleep(0.005)


if __name__ == "__main__":
    main()
