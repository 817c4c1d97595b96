"""Keeps on disk what waits for the phone, and the ids of alerts that were taken: SQLite, as durable as the outbox.

An alert is committed here before the broker is told to forget it, so a kill at any moment loses none.
"""

import logging
import os
import secrets
import sqlite3
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from ..errors import ConfigError
from ..outbox.database import is_damage, rescue, transaction
from ..outbox.file import DatabaseFile
from ..outbox.lock import take_lock
from ..outbox.rescue import replace_damaged, trim_copies
from ..outbox.sql import PUT_SETTING

log = logging.getLogger(__name__)

Settings = Mapping[str, str]
SQL_TYPES = {str: "text", bytes: "blob", float: "real"}
IDS_KEPT = 10_000
"""Ids of alerts that are remembered, to recognize a redelivery."""
SCHEMA = """
CREATE TABLE IF NOT EXISTS waiting (
    seq INTEGER PRIMARY KEY, key TEXT UNIQUE, kind TEXT, device TEXT, received REAL, payload BLOB);
CREATE TABLE IF NOT EXISTS seen (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE);
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT);
"""
PUT = "INSERT OR IGNORE INTO waiting (key, kind, device, received, payload) VALUES (?, ?, ?, ?, ?)"
DELETE = "DELETE FROM waiting WHERE key = ?"
PUT_ID = "INSERT OR IGNORE INTO seen (id) VALUES (?)"
TRIM_IDS = f"DELETE FROM seen WHERE seq <= (SELECT max(seq) FROM seen) - {IDS_KEPT}"
ENTRY: dict[str, type] = {"key": str, "kind": str, "device": str, "received": float, "payload": bytes}
TABLES: dict[str, tuple[str, dict[str, type]]] = {
    "waiting": (PUT, ENTRY),
    "seen": (PUT_ID, {"id": str}),
    "settings": (PUT_SETTING, {"name": str, "value": str}),
}
"""What is carried over from a damaged file: the statement for each table, and its columns."""
COLUMNS = {table: columns for table, (_, columns) in TABLES.items()}
Statement = tuple[str, tuple[Any, ...]]
Kind = Literal["alert", "fault", "test"]


@dataclass(slots=True, eq=False)
class Entry:
    """Something that waits to become a text, or a part of one.

    ``payload`` is the alert's message, or the condition of the door. ``received`` is the wall-clock time of its
    arrival, ``since`` the monotonic time from which its age in this run counts. ``picture`` is in memory only.
    """

    key: str
    kind: Kind
    device: str
    received: float
    payload: bytes
    since: float = field(default_factory=time.monotonic)
    picture: bytes | None = None
    picture_due: float = 0.0
    """Monotonic time until which a picture is waited for."""
    held: bool = False
    """Whether quiet hours hold it back."""


class Store:
    """The file of one phone, which belongs to this process until ``close``. Callers take turns.

    ``entries`` is what waits, oldest first. A file that cannot be opened or written is no error: everything is then in
    memory only, and the log says so. Raises ``ConfigError`` where another process has the file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.durable = True
        self.entries: dict[str, Entry] = {}
        self._ids: dict[str, None] = {}
        self._settings: dict[str, str] = {}
        self._unwritten: list[Statement] = []
        self._loaded = False
        self._file = DatabaseFile(path, SCHEMA)
        self._lock = self._take()
        self._write()

    def put(self, kind: Kind, device: str, payload: bytes, *, id: str = "", settings: Settings | None = None) -> bool:
        """Keeps an entry, with its id and settings, in one transaction. Returns False for an id taken before."""
        if id and id in self._ids:
            return False
        entry = Entry(secrets.token_hex(8), kind, device, time.time(), payload)
        self.entries[entry.key] = entry
        if id:
            self._ids[id] = None
            while len(self._ids) > IDS_KEPT:
                del self._ids[next(iter(self._ids))]
        self._settings |= settings or {}
        self._write(
            (PUT, _row(entry)),
            *([(PUT_ID, (id,)), (TRIM_IDS, ())] if id else []),
            *((PUT_SETTING, pair) for pair in (settings or {}).items()),
        )
        return True

    def remove(self, entries: Iterable[Entry]) -> None:
        """Forgets entries that were delivered or dropped."""
        gone = [entry for entry in entries if self.entries.pop(entry.key, None) is not None]
        self._write(*((DELETE, (entry.key,)) for entry in gone))

    def setting(self, name: str) -> str:
        """Returns what ``set`` or ``put`` kept; empty if nothing."""
        return self._settings.get(name, "")

    def set(self, name: str, value: str) -> None:
        """Keeps a setting."""
        self._settings[name] = value
        self._write((PUT_SETTING, (name, value)))

    def check(self) -> None:
        """Writes everything anew if the path leads to another file. Call it every few seconds."""
        if self._leave():
            self._write()

    def close(self) -> None:
        """Closes the file, and gives it up."""
        self._file.close()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _leave(self) -> bool:
        if (left := self._file.left({})) is None:
            return False
        log.error("%s %s while it was in use: it is written anew", self.path, left[0])
        return True

    def _take(self) -> int | None:
        try:
            return take_lock(self.path)
        except BlockingIOError as error:
            raise ConfigError(
                f"another `maskwatch watch --post` uses {self.path}; stop it, or give this one a [state] folder of "
                "its own"
            ) from error

    def _write(self, *statements: Statement) -> None:
        """Commits the statements, and those that the disk has refused before."""
        self._unwritten += statements
        try:
            try:
                self._commit()
            except sqlite3.DatabaseError as error:
                if not is_damage(error, self.path):
                    raise
                self._replace_damaged(error)
                self._commit()
            if not self.durable:
                log.warning("%s can be written again", self.path)
            self.durable = True
        except (sqlite3.Error, OSError, ValueError) as error:
            self._file.close()
            self._unwritten.clear()  # what is in memory is written as a whole later
            if self.durable:
                reason = getattr(error, "strerror", None) or error
                log.error("%s cannot be written: %s; a restart now would lose the texts that wait", self.path, reason)
            self.durable = False

    def _commit(self) -> None:
        self._leave()
        is_open = self._file.is_open
        db = self._file.connection()
        if not is_open:
            self._write_everything(db)
        _run(db, self._unwritten)
        self._file.written()
        self._unwritten.clear()

    def _write_everything(self, db: sqlite3.Connection) -> None:
        """Reads what an earlier run left (once), and writes what is in memory."""
        if not self._loaded:
            self._load(db)
        everything: list[Statement] = [(PUT, _row(entry)) for entry in self.entries.values()]
        everything += [(PUT_ID, (id,)) for id in self._ids]
        everything += [(PUT_SETTING, pair) for pair in self._settings.items()]
        _run(db, [("DELETE FROM waiting", ()), *everything, (TRIM_IDS, ())])
        trim_copies(self.path)

    def _load(self, db: sqlite3.Connection) -> None:
        sound = " AND ".join(f"typeof({name}) = '{SQL_TYPES[kind]}'" for name, kind in ENTRY.items())
        rows = db.execute(f"SELECT {', '.join(ENTRY)} FROM waiting WHERE {sound} ORDER BY seq")
        self.entries = {row[0]: Entry(*row) for row in rows} | self.entries
        self._ids = {str(id): None for (id,) in db.execute("SELECT id FROM seen ORDER BY seq")} | self._ids
        self._settings = dict(db.execute("SELECT name, value FROM settings")) | self._settings
        self._loaded = True

    def _replace_damaged(self, error: sqlite3.DatabaseError) -> None:
        """Keeps a damaged file under another name; what can still be read from it goes into the next one."""
        self._file.close()
        saved = rescue(self.path, COLUMNS)
        rows = [(sql, row) for table, (sql, _) in TABLES.items() for row in saved[table]]
        aside = replace_damaged(self.path, SCHEMA, rows)
        log.error("%s was damaged (%s): kept as %s", self.path, error, aside)


def _row(entry: Entry) -> tuple[Any, ...]:
    return entry.key, entry.kind, entry.device, entry.received, entry.payload


def _run(db: sqlite3.Connection, statements: Sequence[Statement]) -> None:
    """Runs the statements in one transaction."""
    if not statements:
        return
    with transaction(db):
        for sql, values in statements:
            db.execute(sql, values)
