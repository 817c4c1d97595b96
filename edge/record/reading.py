"""Reads the record file, also from another process, while maskwatch runs or not."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from ..outbox.database import reading
from .counts import Counts
from .sql import READ


@dataclass(frozen=True, slots=True)
class Slot:
    """The counts of one slot, which begins at ``start`` (Unix time), by one detector with one model."""

    start: int
    detector: str
    model: str
    counts: Counts


def read(path: Path, start: float, end: float) -> list[Slot]:
    """Returns the slots that begin from ``start`` until before ``end`` (Unix time). Raises ``sqlite3.Error``."""
    rows = _rows(path, "counts", READ, (start, end))
    return [Slot(slot, detector, model, Counts(*row)) for slot, detector, model, *row in rows]


def read_starts(path: Path) -> list[int]:
    """Returns when the slots in the file begin, in order, one for each row. Raises ``sqlite3.Error``."""
    return [slot for (slot,) in _rows(path, "counts", "SELECT slot FROM counts ORDER BY slot")]


def read_seen(path: Path) -> frozenset[str]:
    """Returns the ids of the alerts that somebody has marked as seen. Raises ``sqlite3.Error``."""
    return frozenset(id for (id,) in _rows(path, "seen", "SELECT id FROM seen"))


def read_written(path: Path) -> dict[date, str]:
    """Returns the mark of each local day in the file, the oldest day first. Raises ``sqlite3.Error``."""
    marks: dict[date, str] = {}
    for day, mark in _rows(path, "written", "SELECT day, mark FROM written ORDER BY day"):
        with suppress(ValueError, TypeError):  # it was edited
            marks[date.fromisoformat(day)] = mark
    return marks


def _rows(path: Path, table: str, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """Returns what a statement finds; nothing in a file, or without a table, that another process is about to make."""
    if not path.exists():
        return []
    with reading(path) as db:
        made = db.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table,)).fetchone()
        return db.execute(statement, values).fetchall() if made else []
