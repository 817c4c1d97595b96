"""The store in PostgreSQL."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import groupby
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

from ..errors import ConfigError
from .address import ALLOWED, RAW, DatabaseKind, StoreAddress
from .failure import StoreError, StoreSilent
from .partitions import Month, Partitions, exists
from .remedies import of_server
from .silence import limited
from .sql import (
    AHEAD,
    COLUMNS,
    CREATE_VERSION,
    FORGET_SPANS,
    INDEXES,
    PER_SECOND,
    PUT_VERSION,
    READ_VERSION,
    VERSION,
    VIEWS,
    create_table,
    for_psycopg,
    forget_odd,
    forget_old,
)
from .words import one_line

OLDEST = 12
"""The oldest version of PostgreSQL that is taken; this version's primary keys on partitions need 11."""
DEFAULTS: dict[str, Any] = {
    "application_name": "maskwatch",
    "client_encoding": "UTF8",
    "connect_timeout": 10,
    # a connection that was cut without a word is noticed within half a minute
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
"""Parameters of libpq that the address may change."""
WRITE_S, READ_S = 30.0, 60.0
"""Seconds for which the server may be silent: it sends nothing while it sums up a year of many doors."""
LOCK = 0x6D61736B
"""The number under which several stores take turns to change tables."""
SETTINGS = (
    "SET lock_timeout = '2s'",  # what waits for a long report holds others up
    "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'",
)
REFUSED = ("22", "23", "54")
"""Classes of errors that the row itself causes: data, constraints, limits."""
NOT_ALLOWED = "42501"
RIGHTS = "; give this user the database, or a schema of its own: ALTER DATABASE name OWNER TO user"


class _Connection(psycopg.Connection[Any]):
    """A connection that is closed when the server has been silent for ``patience`` seconds."""

    patience = READ_S

    def wait(self, gen: Any, *args: Any, **more: Any) -> Any:
        return super().wait(limited(gen, self.patience, self.close), *args, **more)


class PostgresEngine:
    """A connection to PostgreSQL. For one thread. It is given up when the server is silent for ``patience`` seconds."""

    kind: DatabaseKind = "postgresql"

    def __init__(self, address: StoreAddress, *, writes: bool, patience: float = 0.0) -> None:
        self._shown = address.shown
        self._writes = writes
        self._patience = patience or (WRITE_S if writes else READ_S)
        self._connection: psycopg.Connection | None = None
        self._partitions: Partitions | None = None
        try:
            given = conninfo_to_dict(address.value)
        except psycopg.Error:  # the text quotes the address
            raise ConfigError(f"the address of the store cannot be read; write {ALLOWED}; {RAW}") from None
        self._parameters = DEFAULTS | given
        self._password = str(given.get("password") or "")

    def write(self, statements: Iterable[tuple[str, Sequence[Any]]]) -> None:
        """Runs statements in one transaction. Raises ``StoreError``."""
        with self._failures("written"):
            connection = self._open()
            with connection.transaction(), connection.cursor() as cursor:
                for sql, group in groupby(statements, lambda statement: statement[0]):
                    cursor.executemany(for_psycopg(sql), [values for _, values in group])

    def rows(self, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Returns what a statement finds. Raises ``StoreError``."""
        with self._failures("read"):
            self._open()
            return self._run(statement, values)

    def prepare(self, times: Mapping[str, Collection[int]], now: int) -> str | None:
        """Makes the partitions for rows of these times; returns why one could not be made. Raises ``StoreError``."""
        with self._failures("written"):
            self._open()
            partitions = self._parted()
        missing = [(table, month) for table in times for month in partitions.missing(table, times[table], now)]
        try:
            with self._failures("parted"):
                self._make_partitions(partitions, missing)
        except StoreError as error:
            return str(error)
        return None

    def forget(self, keep_days: int, now: int) -> None:
        """Deletes what is older than ``keep_days``: whole partitions first. Raises ``StoreError``."""
        before = now - keep_days * 86400
        with self._failures("written"):
            connection, partitions = self._open(), self._parted()
            with connection.transaction():
                partitions.drop(before)
            partitions.load()
            with connection.transaction():
                for table, unit in PER_SECOND.items():
                    self._run(forget_old(table), (before * unit,))
                    self._run(forget_odd(table), (before * 1000, (now + AHEAD) * unit))
                self._run(FORGET_SPANS, (before,))

    def close(self) -> None:
        """Closes the connection; the next call opens it again."""
        connection, self._connection, self._partitions = self._connection, None, None
        if connection is not None:
            with suppress(psycopg.Error):
                connection.close()

    def _open(self) -> psycopg.Connection:
        if self._connection is None:
            self._connection = self._connect()
            self._check_server(self._connection.info.server_version)
            if self._writes:
                for setting in SETTINGS:
                    self._connection.execute(setting)
                self._make_tables(self._connection)
            else:
                self._connection.read_only = True
                self._check_version()
        return self._connection

    def _connect(self) -> psycopg.Connection:
        try:
            connection = _Connection.connect(**self._parameters, autocommit=True)
        except psycopg.errors.ConnectionTimeout:
            raise StoreSilent(self._shown) from None
        except (psycopg.Error, OSError, ValueError) as error:  # also for a host name that cannot be one
            words = self._words(error)
            raise StoreError(f"{self._shown} cannot be reached: {words}{of_server(words)}", temporary=True) from None
        connection.patience = self._patience
        return connection

    def _parted(self) -> Partitions:
        if self._partitions is None:
            self._partitions = Partitions(self._run)
            self._partitions.load()
        return self._partitions

    def _make_partitions(self, partitions: Partitions, missing: Sequence[tuple[str, Month]]) -> None:
        if missing:
            with self._open().transaction():
                self._run("SELECT pg_advisory_xact_lock(?)", (LOCK,))
                for table, month in missing:
                    partitions.make(table, month)
            for table, month in missing:
                partitions.made(table, month)

    def _check_server(self, version: int) -> None:
        if version < OLDEST * 10_000:
            raise StoreError(
                f"{self._shown} is PostgreSQL {version // 10_000}; the store needs {OLDEST} or later", temporary=True
            )

    def _make_tables(self, connection: psycopg.Connection) -> None:
        """Makes the tables of an empty database. Another one is left as it is: its user may be allowed rows only."""
        if not exists(self._run, "store_version"):
            with connection.transaction():
                self._run("SELECT pg_advisory_xact_lock(?)", (LOCK,))
                if not exists(self._run, "store_version"):  # else another store has made them meanwhile
                    self._check_names()
                    self._create()
        self._check_version()

    def _check_names(self) -> None:
        for table in COLUMNS:
            if exists(self._run, table):
                raise StoreError(
                    f"{self._shown} has a table {table} of another program; give the store a database of its own",
                    temporary=True,
                )

    def _create(self) -> None:
        for statement in (CREATE_VERSION, PUT_VERSION, create_table("doors"), create_table("spans")):
            self._run(statement, ())
        Partitions(self._run).create()
        for statement in (*INDEXES, *(f"CREATE OR REPLACE VIEW {name} AS {view}" for name, view in VIEWS.items())):
            self._run(statement, ())

    def _check_version(self) -> None:
        if not exists(self._run, "store_version"):
            raise StoreError(f"{self._shown} has no tables: `maskwatch watch --store` makes them", temporary=True)
        if self._run(READ_VERSION, ())[0][0] > VERSION:
            raise StoreError(f"{self._shown} is of a newer version of maskwatch; upgrade this one", temporary=True)

    def _run(self, sql: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        assert self._connection is not None
        cursor = self._connection.execute(for_psycopg(sql), values)
        return cursor.fetchall() if cursor.description else []

    @contextmanager
    def _failures(self, done: str) -> Iterator[None]:
        """Makes a ``StoreError`` of what the block raises, and closes a connection that may be of no use any more."""
        try:
            yield
        except StoreError:
            self.close()
            raise
        except TimeoutError:
            self.close()
            raise StoreSilent(self._shown) from None
        except (psycopg.Error, UnicodeError, OverflowError, OSError) as error:
            if _is_refused(error):
                raise StoreError(f"{self._shown} does not take a row: {self._words(error)}", temporary=False) from None
            self.close()
            raise StoreError(f"{self._shown} cannot be {done}: {self._words(error)}", temporary=True) from None

    def _words(self, error: Exception) -> str:
        """Returns the server's or libpq's words in one line, without the password."""
        text = (error.diag.message_primary if isinstance(error, psycopg.Error) else None) or str(error)
        text = one_line(text.strip() or type(error).__name__, self._password)
        is_right = self._writes and getattr(error, "sqlstate", None) == NOT_ALLOWED
        return text + RIGHTS if is_right else text


def _is_refused(error: Exception) -> bool:
    """Returns whether a row itself is refused for good. A row without a partition is not: one can be made."""
    if not isinstance(error, psycopg.Error):
        return not isinstance(error, OSError)
    if error.sqlstate is None:
        return isinstance(error, psycopg.DataError)
    no_partition = error.sqlstate == "23514" and not error.diag.constraint_name
    return error.sqlstate[:2] in REFUSED and not no_partition
