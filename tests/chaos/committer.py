"""Puts messages into an outbox until it is killed, and prints what is certain about each message by now.

``committed N``: another connection reads it, and SQLite shows no commit that it has not synced (synchronous=FULL).
``deleting N``: it may be deleted from now on. ``deleted N``: another connection no longer reads it.
``--unsynced`` writes the same with synchronous=OFF, which proves that the test notices a missing sync.
"""

import argparse
import random
import sqlite3
import sys
import time
from pathlib import Path

from edge.outbox.database import connect
from edge.outbox.outbox import Outbox
from edge.outbox.sql import DELETE, PUT, SCHEMA, OutboxMessage

LIMIT = 150
"""The number of messages that wait, at most."""


def message(number: int) -> OutboxMessage:
    return OutboxMessage(f"{number:06}", "maskwatch/door/alert", f"{number:06}".encode() * 60)


class UnsyncedOutbox:
    """Has the methods of an outbox that are used here, and leaves the syncing to the kernel."""

    def __init__(self, path: Path) -> None:
        self._db = connect(path, SCHEMA)
        self._db.execute("PRAGMA synchronous = OFF")

    def put(self, new: OutboxMessage) -> None:
        self._db.execute(PUT, (new.id, new.topic, new.payload))

    def delivered(self, old: OutboxMessage) -> None:
        self._db.execute(DELETE, (old.id,))


class NullListener:
    """A listener of the outbox that does nothing."""

    def outbox_restored(self, messages: list[OutboxMessage]) -> None: ...

    def outbox_written(self, problem: str | None) -> None: ...

    def outbox_dead_letters(self, count: int, last_reason: str, deleted: int) -> None: ...


def report(event: str, numbers: set[int]) -> None:
    sys.stdout.write("".join(f"{event} {number}\n" for number in sorted(numbers)))
    sys.stdout.flush()


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path)
    parser.add_argument("--first", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--unsynced", action="store_true")
    return parser.parse_args()


def main() -> None:
    args = arguments()
    chance, number = random.Random(args.seed), args.first
    outbox = UnsyncedOutbox(args.path) if args.unsynced else Outbox(args.path, NullListener())
    reader = sqlite3.connect(args.path, timeout=30, isolation_level=None)
    committed: set[int] = set()
    deleting: set[int] = set()
    while True:
        for _ in range(chance.randint(1, 6)):
            outbox.put(message(number))
            number += 1
        present = {int(id) for (id,) in reader.execute("SELECT id FROM alerts")}
        report("committed", present - committed - deleting)
        report("deleted", deleting - present)
        committed, deleting = committed | (present - deleting), deleting & present
        if committed and (chance.random() < 0.3 or len(committed) > LIMIT):
            delivered = set(sorted(committed)[: chance.randint(1, 20)])
            report("deleting", delivered)
            committed, deleting = committed - delivered, deleting | delivered
            for delivered_number in sorted(delivered):
                outbox.delivered(message(delivered_number))
        time.sleep(chance.uniform(0, 0.02))


if __name__ == "__main__":
    main()
