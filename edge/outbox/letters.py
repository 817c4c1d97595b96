"""Alerts at rest: one of them, and the outbox file as another process sees it while maskwatch runs or not."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .database import uri

HISTORY_KEPT = 5000
"""Alerts that the page can still show, delivered or not; some more until they are counted again."""
DEAD_KEPT = 1000
SCHEMA = """
CREATE TABLE IF NOT EXISTS alerts (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE, topic TEXT, payload BLOB);
CREATE TABLE IF NOT EXISTS dead_letters (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE, topic TEXT, payload BLOB, reason TEXT);
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT);
CREATE TABLE IF NOT EXISTS history (seq INTEGER PRIMARY KEY, payload BLOB);
"""
PUT = "INSERT OR IGNORE INTO alerts (id, topic, payload) VALUES (?, ?, ?)"
DONE = "DELETE FROM alerts WHERE id = ?"
REFUSED = "INSERT OR REPLACE INTO dead_letters (id, topic, payload, reason) VALUES (?, ?, ?, ?)"
TRIM = f"DELETE FROM dead_letters WHERE seq <= (SELECT max(seq) FROM dead_letters) - {DEAD_KEPT}"
RAISED = "INSERT INTO history (payload) VALUES (?)"
FORGET = f"DELETE FROM history WHERE seq <= (SELECT max(seq) FROM history) - {HISTORY_KEPT}"
SET = "INSERT OR REPLACE INTO settings (name, value) VALUES (?, ?)"
LETTER: dict[str, type] = {"id": str, "topic": str, "payload": bytes}
KEPT: dict[str, tuple[str, dict[str, type]]] = {
    "alerts": (PUT, LETTER),
    "dead_letters": (REFUSED, LETTER | {"reason": str}),
    "settings": (SET, {"name": str, "value": str}),
    "history": (RAISED, {"payload": bytes}),
}
"""What is carried over from a damaged file: the statement for each table, and its columns."""
MOST = {REFUSED: DEAD_KEPT, RAISED: HISTORY_KEPT}
"""What waits for a disk that refuses, at most: the newest."""
Statement = tuple[str, tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Letter:
    """One message on its way: byte-identical however often it is sent."""

    id: str
    topic: str
    payload: bytes


def waiting(db: sqlite3.Connection) -> list[Letter]:
    """The letters that wait for a broker, oldest first."""
    sound = "typeof(id) = 'text' AND typeof(topic) = 'text' AND typeof(payload) = 'blob'"
    return [Letter(*row) for row in db.execute(f"SELECT id, topic, payload FROM alerts WHERE {sound} ORDER BY seq")]


def peek(path: Path) -> tuple[list[Letter], list[tuple[str, str]]]:
    """What waits, and (id, reason) of the dead letters, as another process sees them. Raises ``sqlite3.Error``."""
    with closing(sqlite3.connect(uri(path, "ro"), uri=True, timeout=2)) as db:
        return waiting(db), db.execute("SELECT id, reason FROM dead_letters ORDER BY seq").fetchall()


def setting(path: Path, name: str) -> str | None:
    """A setting as another process sees it. Raises ``sqlite3.Error``."""
    with closing(sqlite3.connect(uri(path, "ro"), uri=True, timeout=2)) as db:
        row = db.execute("SELECT value FROM settings WHERE name = ?", (name,)).fetchone()
        return row[0] if row else None


def history(path: Path, most: int = HISTORY_KEPT) -> list[bytes]:
    """The alerts raised, delivered or not, the newest first, as another process sees them. Raises ``sqlite3.Error``."""
    with closing(sqlite3.connect(uri(path, "ro"), uri=True, timeout=2)) as db:
        sound = "typeof(payload) = 'blob'"
        rows = db.execute(f"SELECT payload FROM history WHERE {sound} ORDER BY seq DESC LIMIT ?", (most,))
        return [payload for (payload,) in rows]


def resend(path: Path) -> int:
    """Puts the dead letters back in the queue, for the next start. Raises ``sqlite3.Error``."""
    with closing(sqlite3.connect(uri(path, "rw"), uri=True, timeout=5)) as db, db:
        db.execute("INSERT OR IGNORE INTO alerts (id, topic, payload) SELECT id, topic, payload FROM dead_letters")
        return db.execute("DELETE FROM dead_letters").rowcount
