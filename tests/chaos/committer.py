"""Puts letters into an outbox until it is killed, and says of each what is certain by now.

``saved N``: another connection sees it, and SQLite shows nobody a commit that it has not yet synced (synchronous=FULL).
``leaving N``: it may be gone from now on. ``gone N``: another connection sees that it is.
``--careless`` writes the same with synchronous=NORMAL instead, to prove that the test can tell.
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
"""Letters that wait, at most."""


def letter(number: int) -> OutboxMessage:
    return OutboxMessage(f"{number:06}", "maskwatch/door/alert", f"{number:06}".encode() * 60)


class Careless:
    """Looks like an outbox, and leaves the syncing to the kernel."""

    def __init__(self, path: Path) -> None:
        self._db = connect(path, SCHEMA)
        self._db.execute("PRAGMA synchronous = NORMAL")

    def put(self, new: OutboxMessage) -> None:
        self._db.execute(PUT, (new.id, new.topic, new.payload))

    def delivered(self, old: OutboxMessage) -> None:
        self._db.execute(DELETE, (old.id,))


class Unheard:
    """A listener that does not listen."""

    def outbox_restored(self, messages: list[OutboxMessage]) -> None: ...

    def outbox_written(self, trouble: str | None) -> None: ...

    def outbox_dead_letters(self, count: int, last_reason: str) -> None: ...


def say(word: str, numbers: set[int]) -> None:
    sys.stdout.write("".join(f"{word} {number}\n" for number in sorted(numbers)))
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path)
    parser.add_argument("--first", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--careless", action="store_true")
    args = parser.parse_args()
    chance, number = random.Random(args.seed), args.first
    box = Careless(args.path) if args.careless else Outbox(args.path, Unheard())
    witness = sqlite3.connect(args.path, timeout=30, isolation_level=None)
    saved: set[int] = set()
    leaving: set[int] = set()
    while True:
        for _ in range(chance.randint(1, 6)):
            box.put(letter(number))
            number += 1
        seen = {int(id) for (id,) in witness.execute("SELECT id FROM alerts")}
        say("saved", seen - saved - leaving)
        say("gone", leaving - seen)
        saved, leaving = saved | (seen - leaving), leaving & seen
        if saved and (chance.random() < 0.3 or len(saved) > LIMIT):
            delivered = set(sorted(saved)[: chance.randint(1, 20)])
            say("leaving", delivered)
            saved, leaving = saved - delivered, leaving | delivered
            for each in sorted(delivered):
                box.delivered(letter(each))
        time.sleep(chance.uniform(0, 0.02))


if __name__ == "__main__":
    main()
