"""Runs statements in a database: what SQLite and PostgreSQL do differently is here and nowhere else."""

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from .address import DatabaseKind, StoreAddress

Statement = tuple[str, Sequence[Any]]
Row = tuple[Any, ...]


class StoreError(Exception):
    """Says in one sentence, without a secret, why the database did not do what was asked."""

    def __init__(self, reason: str, *, temporary: bool) -> None:
        super().__init__(reason)
        self.temporary = temporary
        """Whether the same may succeed later: the server is away, the disk is full, a lock is held."""


class Engine(Protocol):
    """A connection to the database, opened when it is first needed and again after it was lost. For one thread."""

    kind: DatabaseKind

    def write(self, statements: Iterable[Statement]) -> None:
        """Runs statements (placeholder ``?``) in one transaction: all or nothing. Raises ``StoreError``."""

    def rows(self, statement: str, values: Sequence[Any] = ()) -> list[Row]:
        """Returns what a statement finds. Raises ``StoreError``."""

    def close(self) -> None:
        """Closes the connection."""


def open_engine(address: StoreAddress, *, writes: bool) -> Engine:
    """Returns the engine; one that ``writes`` makes tables. Raises ``ConfigError`` without psycopg."""
    raise NotImplementedError
