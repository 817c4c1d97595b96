"""Opens a SQLite file so that it survives power cuts, and reads what is left in a damaged one."""

import os
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

MAGIC = b"SQLite format 3\0" + bytes((16, 0, 1, 1, 0, 64, 32, 32))
"""The first bytes of a file with SQLite's own defaults: pages of 4096 bytes, rollback journal."""
DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR)
"""Result codes that mean damage. The statements never change, so a plain SQLITE_ERROR means damage too."""
Columns = Mapping[str, type]
Rows = list[tuple[Any, ...]]


def connect(path: Path, schema: str) -> sqlite3.Connection:
    """Opens the file in WAL mode, synchronous=FULL, autocommit. Raises ``sqlite3.Error``; see ``is_damage``."""
    db = sqlite3.connect(path, timeout=2, isolation_level=None, check_same_thread=False)
    try:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.execute("PRAGMA journal_size_limit = 1000000")
        (verdict,) = db.execute("PRAGMA integrity_check(1)").fetchone()  # quick_check skips the indexes
        if verdict != "ok":
            raise sqlite3.DatabaseError(verdict)
        db.executescript(schema)
    except sqlite3.Error:
        db.close()
        raise
    return db


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """Commits what the block executes, all of it or nothing. Raises ``sqlite3.Error``."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):
            db.execute("ROLLBACK")
        raise


def is_damage(error: sqlite3.DatabaseError, path: Path) -> bool:
    """Returns whether the file itself is damaged. A file that is locked, full or read-only is not."""
    if type(error) not in (sqlite3.DatabaseError, sqlite3.OperationalError):
        return False
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF  # without a code: text that is not UTF-8
    if code == sqlite3.SQLITE_READONLY:  # a damaged header can claim that
        return os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)
    return code in DAMAGE


def rescue(path: Path, tables: Mapping[str, Columns]) -> dict[str, Rows]:
    """Reads the rows of each table, in the order of their insertion. Never fails, and writes nothing."""
    rows: dict[str, Rows] = {table: [] for table in tables}
    with suppress(sqlite3.Error), closing(sqlite3.connect(uri(path, "ro"), uri=True)) as db:
        rows = {table: _rows(db, table, columns) for table, columns in tables.items()}
    if not any(rows.values()):
        with suppress(sqlite3.Error, OSError), closing(_with_new_header(path)) as db:
            rows = {table: _rows(db, table, columns) for table, columns in tables.items()}
    return rows


def set_aside(path: Path) -> str:
    """Keeps a damaged file under another name, which is returned. Raises ``OSError``."""
    aside = f"{path}.damaged-{time.time_ns() // 1_000_000}"
    for ending in ("-wal", "-shm", ""):  # the journal first: it must never meet another database
        with suppress(FileNotFoundError):
            os.replace(f"{path}{ending}", aside + ending)
    return aside


def uri(path: Path, mode: str) -> str:
    """Returns the path for ``sqlite3.connect(..., uri=True)``, with any characters; a missing file is not created."""
    return f"{path.absolute().as_uri()}?mode={mode}"


def _rows(db: sqlite3.Connection, table: str, columns: Columns) -> Rows:
    db.text_factory = lambda raw: raw.decode("utf-8", "replace")
    rows: dict[int, tuple[Any, ...]] = {}
    for order in ("ASC", "DESC"):  # each direction ends at the first page that cannot be read
        with suppress(sqlite3.Error):
            for number, *row in db.execute(f"SELECT rowid, {', '.join(columns)} FROM {table} ORDER BY rowid {order}"):
                if [type(value) for value in row] == list(columns.values()) and not any(map(_torn, row)):
                    rows[number] = tuple(row)
    return [rows[number] for number in sorted(rows)]


def _torn(value: Any) -> bool:
    """Returns whether a part of the value is missing.

    Where a file was cut off in the middle of a page, SQLite reads the rest of the page as zeros. Nothing that is kept
    here (JSON, topics, names) contains a zero byte.
    """
    return b"\0" in value if isinstance(value, bytes) else isinstance(value, str) and "\0" in value


def _with_new_header(path: Path) -> sqlite3.Connection:
    """Copies the file into memory with a new header, for a file whose first 100 bytes are damaged."""
    data = bytearray(path.read_bytes())
    data[:24] = MAGIC
    data[28:32] = bytes(4)  # number of pages: as many as there are
    data[44:48] = bytes((0, 0, 0, 4))  # schema format
    data[56:60] = bytes((0, 0, 0, 1))  # UTF-8
    db = sqlite3.connect(":memory:")
    db.deserialize(bytes(data))
    return db
