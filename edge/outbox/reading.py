"""Reads the outbox file from other processes, and resends dead letters, whether maskwatch runs or not."""

import sqlite3
from contextlib import closing
from pathlib import Path

from .database import uri
from .sql import HISTORY_KEPT, OutboxMessage, waiting


def peek(path: Path) -> tuple[list[OutboxMessage], list[tuple[str, str]]]:
    """Returns the messages that wait, and (id, reason) of the dead letters. Raises ``sqlite3.Error``."""
    with closing(sqlite3.connect(uri(path, "ro"), uri=True, timeout=2)) as db:
        return waiting(db), db.execute("SELECT id, reason FROM dead_letters ORDER BY seq").fetchall()


def setting(path: Path, name: str) -> str | None:
    """Returns the value of a setting. Raises ``sqlite3.Error``."""
    with closing(sqlite3.connect(uri(path, "ro"), uri=True, timeout=2)) as db:
        row = db.execute("SELECT value FROM settings WHERE name = ?", (name,)).fetchone()
        return row[0] if row else None


def history(path: Path, limit: int = HISTORY_KEPT) -> list[bytes]:
    """Returns the payloads of the alerts raised, delivered or not, the newest first. Raises ``sqlite3.Error``."""
    with closing(sqlite3.connect(uri(path, "ro"), uri=True, timeout=2)) as db:
        sound = "typeof(payload) = 'blob'"
        rows = db.execute(f"SELECT payload FROM history WHERE {sound} ORDER BY seq DESC LIMIT ?", (limit,))
        return [payload for (payload,) in rows]


def resend(path: Path) -> int:
    """Puts the dead letters back in the queue, for the next start; returns how many. Raises ``sqlite3.Error``."""
    with closing(sqlite3.connect(uri(path, "rw"), uri=True, timeout=5)) as db, db:
        db.execute("INSERT OR IGNORE INTO alerts (id, topic, payload) SELECT id, topic, payload FROM dead_letters")
        return db.execute("DELETE FROM dead_letters").rowcount
