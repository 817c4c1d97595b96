"""Reads the record file, also from another process, while maskwatch runs or not."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from ..outbox.database import uri
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
    """Returns the slots that begin from ``start`` until before ``end`` (Unix time). Raises ``sqlite3.Error``.

    A file that does not exist yet has none.
    """
    if not path.exists():
        return []
    with closing(sqlite3.connect(uri(path, "ro"), uri=True, timeout=2)) as db:
        return [
            Slot(slot, detector, model, Counts(*row)) for slot, detector, model, *row in db.execute(READ, (start, end))
        ]


def read_seen(path: Path) -> frozenset[str]:
    """Returns the ids of the alerts that somebody has marked as seen. Raises ``sqlite3.Error``."""
    if not path.exists():
        return frozenset()
    with closing(sqlite3.connect(uri(path, "ro"), uri=True, timeout=2)) as db:
        return frozenset(id for (id,) in db.execute("SELECT id FROM seen"))
