"""Opens the database: PostgreSQL, or SQLite for a single desk, behind one interface."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Protocol

from ..errors import ConfigError
from .address import DatabaseKind, StoreAddress
from .failure import StoreError
from .sqlite import SqliteEngine

__all__ = ["Engine", "Row", "Statement", "StoreError", "open_engine"]

Statement = tuple[str, Sequence[Any]]
Row = tuple[Any, ...]


class Engine(Protocol):
    """A connection to the database, opened when it is first needed and again after it was lost. For one thread."""

    kind: DatabaseKind

    def write(self, statements: Iterable[Statement]) -> None:
        """Runs statements (placeholder ``?``) in one transaction: all or nothing. Raises ``StoreError``."""

    def rows(self, statement: str, values: Sequence[Any] = ()) -> list[Row]:
        """Returns what a statement finds. Raises ``StoreError``."""

    def prepare(self, times: Mapping[str, Collection[int]], now: int) -> str | None:
        """Makes the partitions for rows of these times, by table; ``now`` is in Unix seconds.

        Returns why one could not be made: rows can be written all the same. Raises ``StoreError``.
        """

    def forget(self, keep_days: int, now: int) -> None:
        """Deletes what is older than ``keep_days``; ``now`` is in Unix seconds. Raises ``StoreError``."""

    def close(self) -> None:
        """Closes the connection; the next call opens it again."""


def open_engine(address: StoreAddress, *, writes: bool) -> Engine:
    """Returns the engine; one that ``writes`` makes tables. Raises ``ConfigError`` without psycopg."""
    if address.kind == "sqlite":
        return SqliteEngine(address, writes=writes)
    try:
        from .postgres import PostgresEngine
    except ImportError as error:
        reason = str(error).splitlines()[0]  # psycopg without libpq tells each of its attempts
        raise ConfigError(
            f"PostgreSQL needs the extra store ({reason}): .venv/bin/pip install -e '.[store]'; on 32-bit ARM also: "
            "sudo apt install libpq5"
        ) from error
    return PostgresEngine(address, writes=writes)
