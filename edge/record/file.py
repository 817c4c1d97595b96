"""Keeps the record on disk: opened anew where its path leads elsewhere, replaced where it is damaged."""

import logging
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ..outbox.database import Rows, is_damage, rescue, transaction
from ..outbox.file import DatabaseFile
from ..outbox.rescue import mark_read, replace_damaged, trim_copies, unread_copies
from .sql import MERGED, RESCUED, SCHEMA, SEEN_KEPT, TABLES

log = logging.getLogger(__name__)

Statement = tuple[str, tuple[Any, ...]]


class RecordFile:
    """The file of counts and marks. Belongs to the thread ``record``.

    ``opened`` receives the ids of the alerts that are marked as seen in a file that is opened for the first time.
    """

    def __init__(self, path: Path, opened: Callable[[frozenset[str]], None]) -> None:
        self.path = path
        self._opened = opened
        self._file = DatabaseFile(path, SCHEMA)
        self._carried: dict[str, Rows] = {}

    def follow(self) -> str | None:
        """Leaves a file to which its path no longer leads, and returns what has happened, in one sentence."""
        if (left := self._file.left(TABLES)) is None:
            return None
        change, self._carried = left
        return f"{self.path} {change} while it was in use: it was opened anew, and the counts were written again"

    def write(self, statements: Sequence[Statement]) -> None:
        """Commits the statements, all of them or none. Raises ``sqlite3.Error`` and ``OSError``."""
        try:
            self._write(statements)
        except sqlite3.DatabaseError as error:
            if not is_damage(error, self.path):
                raise
            self._replace_damaged(error)
            self._write(statements)

    def close(self) -> None:
        """Closes the file; the next ``write`` opens it again."""
        self._file.close()

    def _write(self, statements: Sequence[Statement]) -> None:
        db = self._file.connection()
        if self._file.is_other:
            self._move_in(db)
        if statements:
            with transaction(db):
                for sql, values in statements:
                    db.execute(sql, values)
        self._file.written()

    def _move_in(self, db: sqlite3.Connection) -> None:
        """Writes what the file before held, and what damaged files of earlier versions hold, into the file."""
        copies = unread_copies(self.path)
        sources = [self._carried, *(rescue(copy, TABLES) for copy in copies)]
        with transaction(db):
            for rows in sources:
                for table, statement in MERGED.items():
                    db.executemany(statement, rows.get(table, []))
        for copy in copies:
            mark_read(copy)
        trim_copies(self.path)
        self._carried = {}
        self._file.accept()
        seen = db.execute(f"SELECT id FROM seen ORDER BY seq DESC LIMIT {SEEN_KEPT}")
        self._opened(frozenset(str(id) for (id,) in seen))

    def _replace_damaged(self, error: sqlite3.DatabaseError) -> None:
        """Keeps a damaged file under another name; what can still be read from it goes into the next one."""
        self._file.close()
        saved = rescue(self.path, TABLES)
        rows = [(sql, row) for table, (sql, _) in RESCUED.items() for row in saved[table]]
        aside = replace_damaged(self.path, SCHEMA, rows)
        log.error("%s was damaged (%s): kept as %s, %d rows saved", self.path, error, aside, len(rows))
