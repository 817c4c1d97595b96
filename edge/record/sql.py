"""The tables of the record file, and the statements on them."""

from ..outbox.database import Columns
from .counts import KINDS, NAMES, SLOT_S

DAYS_KEPT = 400
SLOTS_KEPT = DAYS_KEPT * 86400 // SLOT_S
SEEN_KEPT = 10_000
"""Marks that are kept: twice the alerts that the outbox keeps, so that a mark outlives its alert."""
TYPES = {int: "INTEGER", float: "REAL", str: "TEXT"}
COUNTS: Columns = {"slot": int, "detector": str, "model": str, **KINDS}
SEEN: Columns = {"id": str}
WRITTEN: Columns = {"day": str, "mark": str}
"""A mark for each local day, which is a new one whenever maskwatch changes the day: the audit trail follows it."""
SCHEMA = f"""
CREATE TABLE IF NOT EXISTS counts (seq INTEGER PRIMARY KEY,
    {", ".join(f"{name} {TYPES[kind]}" for name, kind in COUNTS.items())}, UNIQUE (slot, detector, model));
CREATE TABLE IF NOT EXISTS seen (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE);
CREATE TABLE IF NOT EXISTS written (seq INTEGER PRIMARY KEY, day TEXT UNIQUE, mark TEXT);
"""
ADD = (
    f"INSERT INTO counts ({', '.join(COUNTS)}) VALUES ({', '.join('?' * len(COUNTS))}) "
    f"ON CONFLICT DO UPDATE SET {', '.join(f'{name} = {name} + excluded.{name}' for name in NAMES)}"
)
PUT_SEEN = "INSERT OR IGNORE INTO seen (id) VALUES (?)"
PUT_WRITTEN = "INSERT INTO written (day, mark) VALUES (?, ?) ON CONFLICT (day) DO UPDATE SET mark = excluded.mark"
DELETE_SEEN = "DELETE FROM seen WHERE id = ?"
# by number, not by time: a clock that once was years ahead must not delete what was counted before
TRIM_COUNTS = f"DELETE FROM counts WHERE seq <= (SELECT max(seq) FROM counts) - {SLOTS_KEPT}"
TRIM_OLD = f"DELETE FROM counts WHERE slot < ? - {DAYS_KEPT * 86400}"
TRIM_SEEN = f"DELETE FROM seen WHERE seq <= (SELECT max(seq) FROM seen) - {SEEN_KEPT}"
TRIM_WRITTEN = f"DELETE FROM written WHERE seq <= (SELECT max(seq) FROM written) - {DAYS_KEPT + 2}"
RESCUED: dict[str, tuple[str, Columns]] = {
    "counts": (ADD, COUNTS),
    "seen": (PUT_SEEN, SEEN),
    "written": (PUT_WRITTEN, WRITTEN),
}
"""What is carried over from a damaged file: the statement for each table, and its columns."""
TABLES = {table: columns for table, (_, columns) in RESCUED.items()}
MERGED = {
    "counts": ADD[: ADD.index(" ON ")]
    + f" ON CONFLICT DO UPDATE SET {', '.join(f'{name} = max({name}, excluded.{name})' for name in NAMES)}",
    "seen": PUT_SEEN,
    "written": PUT_WRITTEN,
}
"""What is carried over into a file that may hold it already. Counts only grow: the larger ones are the later ones."""
READ = f"SELECT {', '.join(COUNTS)} FROM counts WHERE slot >= ? AND slot < ? ORDER BY slot"
