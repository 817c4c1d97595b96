"""The tables of the spool's file, the statements on them, and the message that it keeps."""

import sqlite3
from dataclasses import dataclass
from typing import Any

from ..outbox.sql import PUT_SETTING

ROW_BYTES = 100
"""Bytes that a message takes beside its payload."""
SCHEMA = """
CREATE TABLE IF NOT EXISTS heard (seq INTEGER PRIMARY KEY AUTOINCREMENT, device TEXT, kind TEXT, payload BLOB,
    retained INTEGER, received REAL);
CREATE INDEX IF NOT EXISTS heard_counts ON heard (device, kind) WHERE kind LIKE 'counts/%';
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT);
"""
HEARD: dict[str, type] = {
    "seq": int, "device": str, "kind": str, "payload": bytes, "retained": int, "received": float,
}  # fmt: skip
PUT = f"INSERT INTO heard ({', '.join(HEARD)}) VALUES (?, ?, ?, ?, ?, ?)"
PUT_AGAIN = PUT.replace("INSERT", "INSERT OR IGNORE", 1)
TABLES: dict[str, tuple[str, dict[str, type]]] = {
    "heard": (PUT_AGAIN, HEARD),
    "settings": (PUT_SETTING, {"name": str, "value": str}),
}
"""What is carried over from a damaged file: the statement for each table, and its columns."""
COLUMNS = {table: columns for table, (_, columns) in TABLES.items()}
OF_DAY = "kind LIKE 'counts/%' AND kind = ? AND device = ?"
"""A day's counts have all of the day: a later message says everything that an earlier one did."""
SIZE = f"SELECT count(*), coalesce(sum(length(payload) + {ROW_BYTES}), 0) FROM heard"
SOUND = " AND ".join(
    f"typeof({name}) = '{kind}'"
    for name, kind in zip(HEARD, ("integer", "text", "text", "blob", "integer", "real"), strict=True)
)
READ = f"SELECT {', '.join(HEARD)} FROM heard WHERE {SOUND} ORDER BY seq LIMIT ?"
DROP_OLDEST = "DELETE FROM heard WHERE seq IN (SELECT seq FROM heard WHERE kind <> 'alert' ORDER BY seq LIMIT 100)"


@dataclass(frozen=True, slots=True)
class Heard:
    """A message of a door. ``kind`` is the topic below the door, ``received`` the wall-clock time of its arrival."""

    seq: int
    device: str
    kind: str
    payload: bytes
    retained: bool
    received: float


def delete(db: sqlite3.Connection, where: str, values: tuple[Any, ...]) -> tuple[int, int]:
    """Deletes messages; returns how many, and their bytes."""
    count, size = db.execute(f"{SIZE} WHERE {where}", values).fetchone()
    if count:
        db.execute(f"DELETE FROM heard WHERE {where}", values)
    return count, size
