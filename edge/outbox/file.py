"""Keeps a database open at a path, and notices when the path leads to another file."""

import errno
import sqlite3
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from .database import Columns, Rows, connect, make_private
from .place import Place
from .rescue import finish, rows_of

CHECK_INTERVAL = 2.0
"""Seconds between two looks at the path, at most."""
NOTICE_S = 600.0
"""Seconds for which health says that a file was written anew: the problem itself is over at once."""


class DatabaseFile:
    """A database that is opened when it is needed. Belongs to the thread that writes."""

    def __init__(self, path: Path, schema: str) -> None:
        self.path = path
        self._schema = schema
        self._db: sqlite3.Connection | None = None
        self._place: Place | None = None
        self._accepted: tuple[int, int] | None = None

    @property
    def is_open(self) -> bool:
        """Returns whether the file is open. For any thread."""
        return self._db is not None

    @property
    def is_other(self) -> bool:
        """Returns whether the open file is another one than that of the last ``accept``."""
        return self._place is not None and self._place.file != self._accepted

    def accept(self) -> None:
        """Notes that the open file has everything that it must have."""
        self._accepted = self._place.file if self._place else None

    def connection(self) -> sqlite3.Connection:
        """Returns the connection; opens it first if needed. Raises ``sqlite3.Error`` and ``OSError``."""
        if self._db is None:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            finish(self.path)
            make_private(self.path)
            self._place = Place(self.path)
            try:
                self._db = connect(self.path, self._schema)
                if not self._place.is_current():
                    raise OSError(errno.ESTALE, "another file came into its place")
            except BaseException:
                self.close()
                raise
            self._place.written()
        return self._db

    def written(self) -> None:
        """Notes that this program has written. Call it after each transaction."""
        if self._place:
            self._place.written()

    def left(self, tables: Mapping[str, Columns]) -> tuple[str, dict[str, Rows]] | None:
        """Closes the file if its path leads elsewhere, or if it was overwritten.

        Returns what has happened, in words that follow its name, and its rows as far as they can be read; None if
        nothing has happened.
        """
        if self._place is None or (change := self._place.change()) is None:
            return None
        # not by SQLite: it would play back a journal that lies at the path now, and belongs to another file
        content = self._place.content()
        self.close()
        self._accepted = None
        return change, rows_of(content, tables)

    def close(self) -> None:
        """Closes the file; it may be opened again."""
        db, place, self._db, self._place = self._db, self._place, None, None
        try:
            if db is not None:
                db.close()
        except sqlite3.Error:
            pass
        if place is not None:
            place.close()


class Notice:
    """Tells by ``report`` for a while that something has happened. Belongs to one thread."""

    def __init__(self, report: Callable[[str | None], None]) -> None:
        self._report = report
        self._text: str | None = None
        self._until: float | None = None

    def give(self, text: str) -> None:
        """Takes what has happened; the next ``tick`` tells it."""
        self._text = text

    def tick(self) -> None:
        """Tells what is new, and takes back what is old. Call it regularly."""
        if self._text is not None:
            self._report(self._text)
            self._text, self._until = None, time.monotonic() + NOTICE_S
        elif self._until is not None and time.monotonic() > self._until:
            self._until = None
            self._report(None)
