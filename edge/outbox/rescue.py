"""Replaces a damaged database by a new one, so that a kill at any moment loses nothing that could be read.

1. What can be read is committed to ``NAME.new``.
2. That becomes ``NAME.rescued-NUMBER``. From here on it counts.
3. The damaged file becomes ``NAME.damaged-NUMBER.read``, its journal first: a journal must never meet another database.
4. The new file takes its place.

A kill before the second step leaves the damaged file where it was. After it, the next opening takes the steps that are
missing. Earlier versions set the damaged file aside first: copies without ``.read`` may hold what nothing else holds.
"""

import os
import re
import sqlite3
import time
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from .database import Columns, Rows, _rows, connect, transaction

ENDINGS = ("-journal", "-wal", "-shm", "")
READ = ".read"
COPIES_KEPT, COPIES_BYTES = 3, 50_000_000
"""Copies of damaged files that are kept: so many, and so many bytes beyond the newest."""


def replace_damaged(path: Path, schema: str, statements: Sequence[tuple[str, tuple[Any, ...]]]) -> str:
    """Puts a new file with what the statements write in the place of a damaged one, which is kept.

    Returns the name under which it is kept. Raises ``sqlite3.Error`` or ``OSError``, and then nothing has changed, or
    ``finish`` does the rest.
    """
    new = Path(f"{path}.new")
    _delete(new)  # of a process that was killed
    try:
        with closing(connect(new, schema)) as db, transaction(db):
            for sql, values in statements:
                db.execute(sql, values)
        for ending in ENDINGS[:-1]:
            Path(f"{new}{ending}").unlink(missing_ok=True)
        number = time.time_ns() // 1_000_000
        while os.path.lexists(_aside(path, number)):  # the clock has jumped
            number += 1
        os.replace(new, f"{path}.rescued-{number}")
    except BaseException:
        _delete(new)  # it may fill the disk
        raise
    finish(path)
    return _aside(path, number)


def finish(path: Path) -> None:
    """Does what a kill has left undone of ``replace_damaged``; call it before each opening. Raises ``OSError``."""
    for number, new in _beside(path, r"\.rescued-(\d+)"):
        _sync(path.parent)
        _delete_empty_journal(path)
        for ending in ENDINGS:
            with suppress(FileNotFoundError):
                os.replace(f"{path}{ending}", _aside(path, number) + ending)
        _sync(path.parent)
        os.replace(new, path)
        _sync(path.parent)


def rows_of(content: bytes, tables: Mapping[str, Columns]) -> dict[str, Rows]:
    """Reads the rows of each table from the content of a file. Never fails."""
    rows: dict[str, Rows] = {table: [] for table in tables}
    if len(content) > 20:
        data = bytearray(content)
        data[18:20] = bytes((1, 1))  # in memory there is no WAL
        with suppress(sqlite3.Error), closing(sqlite3.connect(":memory:")) as db:
            db.deserialize(bytes(data))
            rows = {table: _rows(db, table, columns) for table, columns in tables.items()}
    return rows


def unread_copies(path: Path) -> list[Path]:
    """Returns the damaged files that earlier versions have set aside and nothing has read since, the oldest first."""
    return [copy for _, copy in _beside(path, r"\.damaged-(\d+)")]


def mark_read(copy: Path) -> None:
    """Gives a copy the name that says that it was read. Raises ``OSError``."""
    os.replace(copy, f"{copy}{READ}")  # first: without its journal it might be read once more, and hold other rows
    for ending in ENDINGS[:-1]:
        with suppress(OSError):
            os.replace(f"{copy}{ending}", f"{copy}{READ}{ending}")


def trim_copies(path: Path) -> None:
    """Deletes the oldest copies beyond the limits; one that nothing has read yet only if nothing reads it."""
    room = COPIES_BYTES
    for place, (_, copy) in enumerate(reversed(_beside(path, rf"\.damaged-(\d+)(?:{READ})?"))):
        with suppress(OSError):
            room -= copy.stat().st_size if place else 0
            if place >= COPIES_KEPT or room < 0:
                _delete(copy)


def delete_read_copies(path: Path) -> None:
    """Deletes the copies from which everything was taken that could be read."""
    for _, copy in _beside(path, rf"\.damaged-(\d+){READ}"):
        _delete(copy)


def _aside(path: Path, number: int) -> str:
    return f"{path}.damaged-{number}{READ}"


def _beside(path: Path, pattern: str) -> list[tuple[int, Path]]:
    """Returns the files beside a database whose names go on like the pattern, by their number."""
    names = [(re.fullmatch(re.escape(path.name) + pattern, name), name) for name in os.listdir(path.parent)]
    return sorted((int(match[1]), path.with_name(name)) for match, name in names if match)


def _delete(path: Path) -> None:
    for ending in ENDINGS:
        with suppress(OSError):
            os.unlink(f"{path}{ending}")


def _delete_empty_journal(path: Path) -> None:
    """Deletes a journal of a transaction that was finished: its head is zeros."""
    journal = Path(f"{path}-journal")
    with suppress(OSError), journal.open("rb") as file:
        if not any(file.read(28)):
            journal.unlink()


def _sync(folder: Path) -> None:
    """Writes the names in a folder to the disk, where the file system can do that."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
