"""Keeps on disk what the broker has handed over and the database has not taken yet."""

import logging
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from ..errors import ConfigError
from ..outbox.database import Rows, is_damage, rescue, transaction
from ..outbox.file import DatabaseFile
from ..outbox.lock import take_lock
from ..outbox.reasons import reason
from ..outbox.rescue import replace_damaged, trim_copies
from ..outbox.sql import PUT_SETTING
from .failure import StoreError
from .spool_sql import COLUMNS, DROP_OLDEST, OF_DAY, PUT, READ, ROW_BYTES, SCHEMA, SIZE, TABLES, Heard, delete

__all__ = ["Heard", "Spool"]

log = logging.getLogger(__name__)

LARGEST = 2**30
"""Bytes that may wait; then what is no alert is dropped, the oldest first, and after that nothing more is taken."""
BATCH_BYTES = 4 << 20
"""Bytes of one batch, at most, beside its first message."""
SHRINK_FROM = 16 << 20
"""Bytes of the file from which it is made small again once nothing waits."""
SET_BACK_S = 60.0
"""Seconds from which a time before the last one means that the clock was set back."""
T = TypeVar("T")
Message = tuple[str, str, bytes, bool]
"""Device, kind, payload, and whether it was retained."""


class Spool:
    """The file ``store.db`` in the state folder, as durable as the outbox. Any thread may call; callers take turns.

    ``put`` returns once the message is on disk, and then the broker may forget it. ``changed`` is set by each ``put``.
    Raises ``ConfigError`` where another process has the file, and ``StoreError`` while the disk refuses.
    """

    def __init__(self, path: Path, *, largest: int = LARGEST) -> None:
        self.path = path
        self.changed = threading.Event()
        self._largest = largest
        self._file = DatabaseFile(path, SCHEMA)
        self._turn = threading.RLock()
        self._carried: dict[str, Rows] = {}
        self._count = self._size = 0
        self._last = 0.0
        self._full = False
        self._lock = self._take()

    @property
    def waiting(self) -> int:
        """Returns how many messages wait, as of the last call."""
        return self._count

    def put(self, device: str, kind: str, payload: bytes, retained: bool) -> None:
        """Keeps a message. A message with a day's counts replaces one that waits. Raises ``StoreError``."""
        self.put_all([(device, kind, payload, retained)])

    def put_all(self, messages: Sequence[Message]) -> None:
        """Keeps messages in one transaction, which takes hardly longer than one. Raises ``StoreError``."""
        with self._turn:
            self._do(lambda db: self._put(db, messages))
        self.changed.set()

    def batch(self, most: int) -> list[Heard]:
        """Returns the oldest messages, in order, and not more of them than fit into memory. Raises ``StoreError``."""
        with self._turn:
            return self._do(lambda db: _bounded(db.execute(READ, (most,))))

    def remove(self, upto: int) -> None:
        """Forgets the messages up to a sequence number. Raises ``StoreError``."""
        with self._turn:
            self._do(lambda db: self._remove(db, upto))
            if self._full and self._size < self._largest * 0.9:
                log.warning("%s has room again", self.path)
                self._full = False
            if not self._count:
                self._do(self._shrink)

    def setting(self, name: str) -> str:
        """Returns what ``set`` kept; empty if nothing. Raises ``StoreError``."""
        with self._turn:
            found = self._do(lambda db: db.execute("SELECT value FROM settings WHERE name = ?", (name,)).fetchone())
        return str(found[0]) if found else ""

    def set(self, name: str, value: str) -> None:
        """Keeps a setting. Raises ``StoreError``."""
        with self._turn:
            self._do(lambda db: db.execute(PUT_SETTING, (name, value)))

    def close(self) -> None:
        """Closes the file, and gives it up."""
        with self._turn:
            self._file.close()
            if self._lock is not None:
                os.close(self._lock)
                self._lock = None

    # What happens in the file.

    def _put(self, db: sqlite3.Connection, messages: Sequence[Message]) -> None:
        count, size = self._count, self._size
        with transaction(db):
            for device, kind, payload, retained in _newest(messages):
                if _is_day(kind, payload):
                    replaced = delete(db, OF_DAY, (kind, device))
                    count, size = count - replaced[0], size - replaced[1]
                db.execute(PUT, (None, device, kind, payload, int(retained), self._moment()))
                count, size = count + 1, size + len(payload) + ROW_BYTES
            if size > self._largest:
                count, size = self._make_room(db)
        self._count, self._size = count, size

    def _moment(self) -> float:
        """Returns the time, and never the same millisecond twice: changes of a door's health are told apart by it."""
        now = time.time()
        if 0 < self._last + 0.001 - now < SET_BACK_S:
            now = self._last + 0.001
        self._last = now
        return now

    def _make_room(self, db: sqlite3.Connection) -> tuple[int, int]:
        """Drops what is no alert, the oldest first, down to the limit; returns what is left."""
        while (left := db.execute(SIZE).fetchone())[1] > self._largest:
            if not self._full:
                log.error("%s has %d MB, the most that may wait for the database: of that, the oldest messages that "
                          "are no alerts are dropped", self.path, self._largest >> 20)  # fmt: skip
            self._full = True
            if not db.execute(DROP_OLDEST).rowcount:
                raise StoreError(f"{self.path} is full of alerts that wait for the database", temporary=True)
        return left[0], left[1]

    def _remove(self, db: sqlite3.Connection, upto: int) -> None:
        with transaction(db):
            count, size = delete(db, "seq <= ?", (upto,))
        self._count, self._size = self._count - count, self._size - size

    def _shrink(self, db: sqlite3.Connection) -> None:
        if self.path.stat().st_size > SHRINK_FROM:
            db.execute("VACUUM")

    def _do(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Works on the file, which is opened anew, or replaced, where that is needed. Raises ``StoreError``."""
        try:
            try:
                return self._attempt(work)
            except sqlite3.DatabaseError as error:
                if not is_damage(error, self.path):
                    raise
                self._replace_damaged(error)
                return self._attempt(work)
        except (sqlite3.Error, OSError) as error:
            self._file.close()
            raise StoreError(f"{self.path} cannot be written: {reason(error, self.path)}", temporary=True) from error

    def _attempt(self, work: Callable[[sqlite3.Connection], T]) -> T:
        if (left := self._file.left(COLUMNS)) is not None:
            change, rows = left
            self._carried = self._carried or rows
            log.error("%s %s while it was in use: it is written anew", self.path, change)
        is_open = self._file.is_open
        db = self._file.connection()
        if not is_open:
            self._move_in(db)
        result = work(db)
        self._file.written()
        return result

    def _move_in(self, db: sqlite3.Connection) -> None:
        """Writes what the file before held into one that was just opened."""
        with transaction(db):
            for table, (sql, _) in TABLES.items():
                db.executemany(sql, self._carried.get(table, []))
        self._carried = {}
        self._count, self._size = db.execute(SIZE).fetchone()
        trim_copies(self.path)

    def _replace_damaged(self, error: sqlite3.DatabaseError) -> None:
        """Keeps a damaged file under another name; what can still be read from it goes into the next one."""
        self._file.close()
        saved = rescue(self.path, COLUMNS)
        rows = [(sql, row) for table, (sql, _) in TABLES.items() for row in saved[table]]
        aside = replace_damaged(self.path, SCHEMA, rows)
        log.error("%s was damaged (%s): kept as %s, %d rows saved", self.path, error, aside, len(rows))

    def _take(self) -> int | None:
        try:
            return take_lock(self.path)
        except BlockingIOError as error:
            raise ConfigError(
                f"another `maskwatch watch --store` uses {self.path}; stop it, or give this one a [state] folder of "
                "its own"
            ) from error


def _is_day(kind: str, payload: bytes) -> bool:
    """Returns whether this has the counts of a day; an empty one takes a retained one back, and says nothing."""
    return kind.startswith("counts/") and bool(payload)


def _newest(messages: Sequence[Message]) -> list[Message]:
    """Returns the messages without the counts that later ones replace: a door that floods costs few rows."""
    last = {one[:2]: number for number, one in enumerate(messages) if _is_day(one[1], one[2])}
    return [one for number, one in enumerate(messages) if last.get(one[:2], number) == number]


def _bounded(rows: Iterable[tuple[Any, ...]]) -> list[Heard]:
    """Returns messages up to ``BATCH_BYTES``."""
    found: list[Heard] = []
    size = 0
    for seq, device, kind, payload, retained, received in rows:
        size += len(payload)
        if found and size > BATCH_BYTES:
            break
        found.append(Heard(seq, device, kind, payload, bool(retained), received))
    return found
