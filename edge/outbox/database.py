"""Opens a SQLite file so that it survives power cuts and full disks, and reads what is left in a damaged one.

The journal is a file that is written in place (``journal_mode = PERSIST``). WAL needs a file that is mapped into memory
as well, ``-shm``: on ext4 with blocks of 1 kB and on btrfs the kernel ended the process (SIGBUS) when the disk was
full. A WAL without that file would lock all readers out.
"""

import os
import sqlite3
import stat
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

PAGE_SIZE = 1024
"""Bytes of a page. An alert that comes and goes writes 31 kB to an ext4 disk; 79 kB with pages of 4096, and 38 kB with
those and WAL."""
PAGE_SIZES = (PAGE_SIZE, 4096)
"""Those of this version and of earlier ones."""
MEMORY = "/dev/shm"
"""A folder in memory: copies are made there, because the disk may be full."""
DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR)
"""Result codes that mean damage. The statements never change, so a plain SQLITE_ERROR means damage too."""
OF_THE_DISK = (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM)
"""Result codes behind which there is an error of the file system, which says more."""
REPAIR = "maskwatch repairs it by itself while it runs: start it, or wait a few minutes, and try again"
Columns = Mapping[str, type]
Rows = list[tuple[Any, ...]]


def connect(path: Path, schema: str) -> sqlite3.Connection:
    """Opens the file with synchronous=FULL and autocommit; only its owner may read it.

    Raises ``OSError`` and ``sqlite3.Error``; see ``is_damage``.
    """
    make_private(path)
    db = sqlite3.connect(path, timeout=2, isolation_level=None, check_same_thread=False)
    try:
        _leave_wal(db, path)
        db.execute("PRAGMA synchronous = FULL")
        db.execute("PRAGMA journal_size_limit = 1000000")
        db.execute(f"PRAGMA page_size = {PAGE_SIZE}")  # of a new file
        _check(db)
        _shrink_pages(db)
        db.executescript(schema)
    except sqlite3.Error:
        db.close()
        raise
    return db


def make_private(path: Path) -> None:
    """Makes the file if it is missing, and lets nobody but its owner read it. Raises ``OSError``."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        for file in (path, Path(f"{path}-journal")):
            with suppress(OSError):
                _take_rights(file)


def check_files(path: Path) -> None:
    """Raises ``sqlite3.OperationalError`` for a database that is no file: opening a named pipe would wait for ever."""
    for ending in ("", "-journal", "-wal"):
        name = f"{path}{ending}"
        if os.path.exists(name) and not os.path.isfile(name):
            raise sqlite3.OperationalError(f"{name} is no file but a pipe, device or folder")


@contextmanager
def reading(path: Path, timeout: float = 10) -> Iterator[sqlite3.Connection]:
    """Yields a connection that reads the file while another process may write it, and that writes nothing there.

    Raises ``sqlite3.Error`` and ``OSError``; of a damaged file the error says what to do.
    """
    check_files(path)
    try:
        with _opened(path, timeout) as db:
            yield db
    except sqlite3.DatabaseError as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF not in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            raise
        told = sqlite3.DatabaseError(f"{path.name} is damaged ({error}); {REPAIR}")
        told.sqlite_errorcode = error.sqlite_errorcode
        raise told from error


@contextmanager
def _opened(path: Path, timeout: float) -> Iterator[sqlite3.Connection]:
    """Yields a connection to the file, or to a copy: what was interrupted by a kill must be rolled back first."""
    db = sqlite3.connect(uri(path, "ro"), uri=True, timeout=timeout)
    try:
        db.execute("PRAGMA locking_mode = EXCLUSIVE")  # no -shm is mapped, if the file still has a WAL
        db.execute("SELECT 1 FROM sqlite_master").fetchone()
    except sqlite3.Error as error:
        db.close()
        if result_code(error) not in OF_THE_DISK or not path.exists():
            raise
    else:
        with closing(db):
            yield db
        return
    with tempfile.TemporaryDirectory(prefix="maskwatch-", dir=MEMORY if os.access(MEMORY, os.W_OK) else None) as folder:
        copy = Path(folder, "copy.db")
        for ending in ("", "-journal", "-wal"):
            with suppress(FileNotFoundError):
                Path(f"{copy}{ending}").write_bytes(Path(f"{path}{ending}").read_bytes())
        with closing(sqlite3.connect(copy)) as db:
            db.execute("PRAGMA locking_mode = EXCLUSIVE")
            yield db


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
    """Returns whether the file itself is damaged. A file that is locked, full or on a read-only disk is not."""
    if type(error) not in (sqlite3.DatabaseError, sqlite3.OperationalError):
        return False
    code = result_code(error)
    if code == sqlite3.SQLITE_READONLY:  # a damaged header can claim that
        with suppress(OSError), path.open("rb") as file:
            return any(version > 2 for version in file.read(20)[18:])
        return False
    return code in DAMAGE


def result_code(error: sqlite3.Error) -> int:
    """Returns SQLite's primary result code; an error without one is about text that is not UTF-8, so damage."""
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF


def rescue(path: Path, tables: Mapping[str, Columns]) -> dict[str, Rows]:
    """Reads the rows of each table, in the order of their insertion. Never fails, and writes nothing."""
    rows: dict[str, Rows] = {table: [] for table in tables}
    with suppress(sqlite3.Error, OSError), reading(path) as db:
        rows = {table: _rows(db, table, columns) for table, columns in tables.items()}
    if any(rows.values()):
        return rows
    for page_size in PAGE_SIZES:
        with suppress(sqlite3.Error, OSError), closing(_with_new_header(path, page_size)) as db:
            found = {table: _rows(db, table, columns) for table, columns in tables.items()}
            rows = max(rows, found, key=lambda one: sum(map(len, one.values())))
    return rows


def uri(path: Path, mode: str) -> str:
    """Returns the path for ``sqlite3.connect(..., uri=True)``, with any characters; a missing file is not created."""
    return f"{path.absolute().as_uri()}?mode={mode}"


def _leave_wal(db: sqlite3.Connection, path: Path) -> None:
    """Takes up the journal of this version. Files of earlier versions are in WAL mode, and their -shm is not mapped."""
    db.execute("PRAGMA mmap_size = 0")
    db.execute("PRAGMA locking_mode = EXCLUSIVE")
    (mode,) = db.execute("PRAGMA journal_mode = PERSIST").fetchone()
    if mode != "persist":
        raise sqlite3.OperationalError("database is locked")
    db.execute("PRAGMA locking_mode = NORMAL")  # others may read from the next statement on
    with suppress(OSError):
        os.unlink(f"{path}-shm")  # of a process of an earlier version that was killed


def _check(db: sqlite3.Connection) -> None:
    (verdict,) = db.execute("PRAGMA integrity_check(1)").fetchone()  # quick_check skips the indexes
    if "error code=" in verdict and "error code=11" not in verdict:  # of the disk
        raise sqlite3.OperationalError(f"disk I/O error ({verdict})")
    if verdict != "ok":
        raise sqlite3.DatabaseError(verdict)


def _shrink_pages(db: sqlite3.Connection) -> None:
    """Gives a file of an earlier version small pages, if there is space for that. It is read and written once."""
    if db.execute("PRAGMA page_size").fetchone() != (PAGE_SIZE,):
        with suppress(sqlite3.Error):
            db.execute("PRAGMA temp_store = MEMORY")
            db.execute(f"PRAGMA page_size = {PAGE_SIZE}")
            db.execute("VACUUM")


def _take_rights(path: Path) -> None:
    """Takes the rights on the user's own file from all others.

    The descriptor is only a path: closing one that reads would end SQLite's locks on the file in this process.
    """
    descriptor = os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        status = os.fstat(descriptor)
        if stat.S_ISREG(status.st_mode) and status.st_mode & 0o077 and status.st_uid == os.geteuid():
            os.chmod(f"/proc/self/fd/{descriptor}", 0o600)
    finally:
        os.close(descriptor)


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


def _with_new_header(path: Path, page_size: int) -> sqlite3.Connection:
    """Copies the file into memory with a new header, for a file whose first 100 bytes are damaged."""
    data = bytearray(path.read_bytes())
    data[:24] = b"SQLite format 3\0" + page_size.to_bytes(2, "big") + bytes((1, 1, 0, 64, 32, 32))
    data[28:32] = bytes(4)  # number of pages: as many as there are
    data[44:48] = bytes((0, 0, 0, 4))  # schema format
    data[56:60] = bytes((0, 0, 0, 1))  # UTF-8
    db = sqlite3.connect(":memory:")
    db.deserialize(bytes(data))
    return db
