"""Reads the outbox file from other processes, resends dead letters, and deletes, whether maskwatch runs or not."""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from .database import check_files, reading, uri
from .rescue import delete_read_copies
from .sql import HISTORY_KEPT, PURGED, PUT_SETTING, OutboxMessage, waiting


def peek(path: Path) -> tuple[list[OutboxMessage], list[tuple[str, str]]]:
    """Returns the messages that wait, and (id, reason) of the dead letters. Raises ``sqlite3.Error``."""
    with reading(path) as db:
        return waiting(db), db.execute("SELECT id, reason FROM dead_letters ORDER BY seq").fetchall()


def setting(path: Path, name: str) -> str | None:
    """Returns the value of a setting. Raises ``sqlite3.Error``."""
    with reading(path) as db:
        row = db.execute("SELECT value FROM settings WHERE name = ?", (name,)).fetchone()
        return row[0] if row else None


def purged(path: Path) -> tuple[str, float]:
    """Returns what tells the last ``purge`` from others, and the Unix time before which it deleted; empty if none was.

    Raises ``sqlite3.Error``.
    """
    mark = setting(path, PURGED) or ""
    with suppress(ValueError):
        return mark, float(mark.partition(" ")[0])
    return "", 0.0


def history(path: Path, seq: int = 0, limit: int = HISTORY_KEPT) -> tuple[int, list[bytes]]:
    """Returns the payloads after number ``seq`` of the history, the newest first, and the number of the newest.

    All are returned where the numbers have begun anew, in a file that replaced a damaged one. Raises ``sqlite3.Error``.
    """
    with reading(path) as db:
        last = db.execute("SELECT max(seq) FROM history").fetchone()[0] or 0
        sound = "typeof(payload) = 'blob' AND seq > ?"
        rows = db.execute(
            f"SELECT payload FROM history WHERE {sound} ORDER BY seq DESC LIMIT ?", (seq if seq <= last else 0, limit)
        )
        return last, [payload for (payload,) in rows]


def discard(path: Path, sink: str) -> tuple[int, int]:
    """Deletes what waits for a sink and what it has refused; returns how many. Raises ``sqlite3.Error``."""
    with _writing(path) as db:
        of_sink = "WHERE instr(id, '@') > 0 AND substr(id, instr(id, '@') + 1) = ?"
        waited, refused = (
            db.execute(f"DELETE FROM {table} {of_sink}", (sink,)).rowcount for table in ("alerts", "dead_letters")
        )
        return waited, refused


def resend(path: Path) -> int:
    """Puts the dead letters back in the queue, for the next start; returns how many. Raises ``sqlite3.Error``."""
    with _writing(path) as db:
        db.execute("INSERT OR IGNORE INTO alerts (id, topic, payload) SELECT id, topic, payload FROM dead_letters")
        return db.execute("DELETE FROM dead_letters").rowcount


def purge(path: Path, before: float, moment: Callable[[bytes], float]) -> tuple[int, int, int]:
    """Deletes the alerts before a Unix time from the history and from the dead letters, and copies of damaged files.

    ``moment`` returns the time of a payload. Returns how many were deleted from each, and how many of that time still
    wait: those are deleted once they are delivered. Raises ``sqlite3.Error`` and ``OSError``.
    """

    def old(table: str) -> list[tuple[int]]:
        rows = db.execute(f"SELECT seq, payload FROM {table} WHERE typeof(payload) = 'blob'")
        return [(seq,) for seq, payload in rows if moment(payload) < before]

    with _writing(path) as db:
        db.execute("PRAGMA secure_delete = ON")  # zeros in the file, where the alerts were
        found = {table: old(table) for table in ("history", "dead_letters")}
        for table, rows in found.items():
            db.executemany(f"DELETE FROM {table} WHERE seq = ?", rows)
        db.execute(PUT_SETTING, (PURGED, f"{before} {time.time_ns()}"))
        waits = len(old("alerts"))
    delete_read_copies(path)
    return len(found["history"]), len(found["dead_letters"]), waits


@contextmanager
def _writing(path: Path) -> Iterator[sqlite3.Connection]:
    """Yields a connection to the file, which another process may use; commits at the end."""
    check_files(path)
    with closing(sqlite3.connect(uri(path, "rw"), uri=True, timeout=5)) as db, db:
        db.execute("PRAGMA locking_mode = EXCLUSIVE")  # no -shm is mapped, if the file still has a WAL
        db.execute("SELECT 1 FROM sqlite_master").fetchone()
        if db.execute("PRAGMA journal_mode").fetchone() != ("wal",):
            # else it would keep its lock for reading while it waits to write, and the outbox would wait for that one
            db.execute("PRAGMA locking_mode = NORMAL")
        db.execute("BEGIN IMMEDIATE")
        yield db
