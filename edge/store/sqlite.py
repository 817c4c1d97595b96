"""The store in a SQLite file, for a single desk."""

import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from itertools import groupby
from pathlib import Path
from typing import Any

from ..outbox.database import check_files, make_private, reading, result_code, transaction
from ..outbox.place import Place
from ..outbox.reasons import reason
from .address import DatabaseKind, StoreAddress
from .failure import StoreError
from .remedies import of_file
from .sql import (
    AHEAD,
    COLUMNS,
    CREATE_VERSION,
    FORGET_SPANS,
    INDEXES,
    PER_SECOND,
    PUT_VERSION,
    READ_VERSION,
    TIMES,
    VERSION,
    create_table,
    forget_odd,
    forget_old,
)

BUSY_S = 10.0
"""Seconds for which a write waits for somebody who reads a long report."""
REFUSED = (sqlite3.IntegrityError, sqlite3.DataError, OverflowError, UnicodeError)
"""What means that the row itself cannot be stored."""


class SqliteEngine:
    """The file of a store. For one thread.

    The journal is that of the outbox, for the same reason (outbox/database.py). A file that is deleted or moved is made
    anew at the next write.
    """

    kind: DatabaseKind = "sqlite"

    def __init__(self, address: StoreAddress, *, writes: bool) -> None:
        self._path = Path(address.value)
        self._shown = address.shown
        self._writes = writes
        self._db: sqlite3.Connection | None = None
        self._place: Place | None = None

    def write(self, statements: Iterable[tuple[str, Sequence[Any]]]) -> None:
        """Runs statements in one transaction. Raises ``StoreError``."""
        try:
            db = self._open()
            with transaction(db):
                for sql, group in groupby(statements, lambda statement: statement[0]):
                    db.executemany(sql, [values for _, values in group])
            if self._place is not None:
                self._place.written()
        except StoreError:
            self.close()
            raise
        except REFUSED as error:
            raise StoreError(f"{self._shown} does not take a row: {error}", temporary=False) from error
        except (sqlite3.Error, OSError) as error:
            self.close()
            raise self._failure(error, "written") from error

    def rows(self, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Returns what a statement finds. Raises ``StoreError``."""
        try:
            if not self._writes and not self._path.exists():
                raise StoreError(f"{self._shown} does not exist: `maskwatch watch --store` makes it", temporary=True)
            if self._writes:
                return self._open().execute(statement, values).fetchall()
            with reading(self._path) as db:
                self._check_version(db)
                return db.execute(statement, values).fetchall()
        except StoreError:
            self.close()
            raise
        except (sqlite3.Error, OSError) as error:
            self.close()
            raise self._failure(error, "read") from error

    def prepare(self, times: Mapping[str, Collection[int]], now: int) -> str | None:
        """Does nothing: SQLite has no partitions."""
        return None

    def forget(self, keep_days: int, now: int) -> None:
        """Deletes what is older than ``keep_days``. Raises ``StoreError``."""
        before = now - keep_days * 86400
        statements: list[tuple[str, Sequence[Any]]] = []
        for table in TIMES:
            unit = PER_SECOND[table]
            statements.append((forget_old(table), (before * unit,)))
            statements.append((forget_odd(table), (before * 1000, (now + AHEAD) * unit)))
        statements.append((FORGET_SPANS, (before,)))
        self.write(statements)

    def close(self) -> None:
        """Closes the file; the next call opens it again."""
        db, place, self._db, self._place = self._db, self._place, None, None
        if db is not None:
            with suppress(sqlite3.Error):
                db.close()
        if place is not None:
            place.close()

    def _open(self) -> sqlite3.Connection:
        if self._place is not None and self._place.change() is not None:
            self.close()
        if self._db is None:
            check_files(self._path)
            make_private(self._path)
            self._place = Place(self._path)
            self._db = sqlite3.connect(self._path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
            for pragma in ("journal_mode = PERSIST", "synchronous = FULL", "journal_size_limit = 1000000"):
                self._db.execute(f"PRAGMA {pragma}")
            self._make_tables(self._db)
        return self._db

    def _make_tables(self, db: sqlite3.Connection) -> None:
        with transaction(db):
            names = {name for (name,) in db.execute("SELECT name FROM sqlite_master")}
            if names and "store_version" not in names:
                raise StoreError(f"{self._shown} is the file of another program; name one that is new", temporary=True)
            db.execute(CREATE_VERSION)
            db.execute(PUT_VERSION)
            self._check_version(db)
            for table in COLUMNS:
                db.execute(create_table(table, " WITHOUT ROWID"))
            for index in INDEXES:
                db.execute(index)

    def _check_version(self, db: sqlite3.Connection) -> None:
        if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'store_version'").fetchone():
            raise StoreError(f"{self._shown} is not a store: `maskwatch watch --store` makes one", temporary=True)
        if db.execute(READ_VERSION).fetchone()[0] > VERSION:
            raise StoreError(f"{self._shown} is of a newer version of maskwatch; upgrade this one", temporary=True)

    def _failure(self, error: Exception, done: str) -> StoreError:
        if isinstance(error, sqlite3.Error) and result_code(error) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            text = f"{self._shown} is damaged or no database: move it away, and a new one is made; or restore a backup"
            return StoreError(text, temporary=True)
        remedy = of_file(self._path) if done == "written" else ""
        return StoreError(f"{self._shown} cannot be {done}: {reason(error, self._path)}{remedy}", temporary=True)
