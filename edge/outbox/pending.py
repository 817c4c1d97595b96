"""Knows in memory which messages wait and which are done, whatever happens to the file."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence

from .sql import DELETE, HISTORY_KEPT, PUT, PUT_HISTORY, PUT_SETTING, OutboxMessage, Statement


class Pending:
    """The messages of this run: those that wait, and the newest that were delivered or refused.

    Belongs to the outbox's writer thread. The messages are those that the publisher holds too: 10,000 take 1 MB more.
    """

    def __init__(self) -> None:
        self._waiting: dict[str, OutboxMessage] = {}
        self._done: dict[str, None] = {}

    def __len__(self) -> int:
        """Returns how many alerts wait; one for the broker and for sinks counts once."""
        return len({id.partition("@")[0] for id in self._waiting})

    def note(self, statement: Statement) -> None:
        """Takes a statement that is going to be written."""
        sql, values = statement
        if sql == PUT:
            self._done.pop(values[0], None)
            self._waiting.setdefault(values[0], OutboxMessage(*values))
        elif sql == DELETE:
            self._waiting.pop(values[0], None)
            self._done[values[0]] = None
            while len(self._done) > HISTORY_KEPT:
                del self._done[next(iter(self._done))]

    def is_done(self, id: str) -> bool:
        """Returns whether a message was delivered or refused in this run, lately."""
        return id in self._done

    def take(self, stored: Iterable[OutboxMessage]) -> list[OutboxMessage]:
        """Takes messages that a file holds; returns those that are new to this run. They go first."""
        new = {m.id: m for m in stored if m.id not in self._waiting and m.id not in self._done}
        self._waiting = new | self._waiting
        return list(new.values())

    def statements(self) -> list[Statement]:
        """Returns what writes the messages that wait."""
        return [(PUT, (m.id, m.topic, m.payload)) for m in self._waiting.values()]

    def moved(
        self,
        db: sqlite3.Connection,
        stored: Sequence[OutboxMessage],
        backlog: Sequence[Statement],
        settings: Mapping[str, str],
    ) -> list[Statement]:
        """Returns the backlog for a file that is opened for the first time, with everything that must be in it.

        What waits goes into it. What is ``stored`` there from an earlier time is deleted if it is done by now: in this
        run, or by the history that comes from the file before.
        """
        known = {values[0] for sql, values in backlog if sql == PUT_HISTORY}
        there = {payload for (payload,) in db.execute("SELECT payload FROM history")} if known else set()
        others = [m for m in stored if m.id not in self._waiting]
        done = [m.id for m in others if m.id in self._done or m.payload in known]
        self._done |= dict.fromkeys(done)
        return [
            *((DELETE, (id,)) for id in done),
            *self.statements(),
            *((sql, values) for sql, values in backlog if sql != PUT_HISTORY or values[0] not in there),
            *((PUT_SETTING, pair) for pair in settings.items()),
        ]
