"""Counts and bounds the alerts that were set aside, and gives them out one at a time to be tried again."""

import logging
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence

from .database import transaction
from .listener import OutboxListener
from .sql import (
    DEAD_LETTERS_DELETED,
    DEAD_LETTERS_KEPT,
    DELETE_DEAD_LETTER,
    NEXT_DEAD_LETTER,
    OF_BROKER,
    PUT_DEAD_LETTER,
    PUT_SETTING,
    TRIM_DEAD_LETTERS,
    OutboxMessage,
    Statement,
)

log = logging.getLogger(__name__)

RECOUNT_INTERVAL = 60.0
"""Seconds after which the dead letters are counted again: another process may have resent them."""

Answer = Callable[[OutboxMessage | None, int], None]
"""Receives the oldest dead letter up to a number (None: there is none), and the number of the newest."""


class DeadLetters:
    """The table of the alerts that were set aside. Belongs to the outbox's writer thread.

    It counts and gives out those of the broker. A sink says itself what it has refused.
    """

    def __init__(self, listener: OutboxListener) -> None:
        self.count = 0
        self._listener = listener
        self._deleted = 0
        self._counted_at: float | None = None
        self._asked: tuple[int | None, Answer] | None = None

    def ask(self, upto: int | None, answer: Answer) -> None:
        """Takes a question for the oldest one up to this number; the next ``tell`` answers it."""
        self._asked = upto, answer

    def changed(self) -> None:
        """Notes that the table must be counted again."""
        self._counted_at = None

    def commit(self, db: sqlite3.Connection, statements: Sequence[Statement], settings: dict[str, str]) -> None:
        """Writes statements in one transaction, and deletes the oldest dead letters beyond the bound."""
        deleted = number(settings.get(DEAD_LETTERS_DELETED))
        with transaction(db):
            for sql, values in statements:
                db.execute(sql, values)
            if not any(sql in (PUT_DEAD_LETTER, DELETE_DEAD_LETTER) for sql, _ in statements):
                return
            surplus = db.execute(TRIM_DEAD_LETTERS).rowcount
            if surplus > 0:
                db.execute(PUT_SETTING, (DEAD_LETTERS_DELETED, str(deleted + surplus)))
        self._counted_at = None
        if surplus > 0:  # not earlier: the disk may refuse
            settings[DEAD_LETTERS_DELETED] = str(deleted + surplus)

    def tell(self, db: sqlite3.Connection, settings: Mapping[str, str]) -> bool:
        """Answers what was asked, and reports the numbers when they have changed; returns whether it has counted."""
        if self._asked is not None:
            (upto, answer), self._asked = self._asked, None
            newest = db.execute("SELECT max(seq) FROM dead_letters").fetchone()[0] or 0
            row = db.execute(NEXT_DEAD_LETTER, (newest if upto is None else upto,)).fetchone()
            answer(OutboxMessage(*row) if row else None, newest)
        if self._counted_at is not None and time.monotonic() - self._counted_at < RECOUNT_INTERVAL:
            return False
        self._count(db, number(settings.get(DEAD_LETTERS_DELETED)))
        return True

    def _count(self, db: sqlite3.Connection, deleted: int) -> None:
        self._counted_at = time.monotonic()
        (count,) = db.execute(f"SELECT count(*) FROM dead_letters WHERE {OF_BROKER}").fetchone()
        if (count, deleted) == (self.count, self._deleted):
            return
        if deleted > self._deleted:
            log.error("%d refused alerts are deleted so far: only the newest %d are kept", deleted, DEAD_LETTERS_KEPT)
        self.count, self._deleted = count, deleted
        last = db.execute(f"SELECT reason FROM dead_letters WHERE {OF_BROKER} ORDER BY seq DESC LIMIT 1").fetchone()
        self._listener.outbox_dead_letters(count, last[0] if last else "", deleted)


def number(text: str | None) -> int:
    """Returns the number that was kept as ``DEAD_LETTERS_DELETED``; 0 for damaged text."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 19 else 0
