"""Parts the tables of PostgreSQL by time: partitions by month, or TimescaleDB's chunks where that extension is.

Tables that were parted in one way stay so. The calls were tried on TimescaleDB 2.23.
"""

from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime
from typing import Any

from .sql import AHEAD, FLOOR, PER_SECOND, TIMES, create_table

CHUNK_S = 30 * 86400
"""Seconds of one chunk."""
Run = Callable[[str, Sequence[Any]], list[tuple[Any, ...]]]
"""Runs a statement in the current transaction, and returns what it finds."""
Month = tuple[int, int]


class Partitions:
    """What is known of the partitions in one connection."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._months: dict[str, set[Month]] = {}
        self._timescale = self._find_timescale()

    def create(self) -> None:
        """Makes the parted tables."""
        for table in TIMES:
            if self._timescale:
                self._run(create_table(table), ())
                self._run(
                    f"SELECT {self._timescale}.create_hypertable(CAST(? AS regclass), CAST(? AS name), "
                    "chunk_time_interval => CAST(? AS bigint), create_default_indexes => false)",
                    (table, TIMES[table], CHUNK_S * PER_SECOND[table]),
                )
            else:
                self._run(create_table(table, f" PARTITION BY RANGE ({TIMES[table]})"), ())
                self._run(f"CREATE TABLE {table}_default PARTITION OF {table} DEFAULT", ())

    def load(self) -> None:
        """Reads which partitions there are; a table that has none and takes none is left out."""
        for table in TIMES:
            kind = self._run("SELECT relkind::text FROM pg_class WHERE oid = to_regclass(?)", (table,))
            if kind == [("p",)]:
                children = self._run(
                    "SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid "
                    "WHERE inhparent = to_regclass(?)",
                    (table,),
                )
                names = (str(name).removeprefix(f"{table}_") for (name,) in children)
                self._months[table] = {month for name in names if (month := _month_named(name))}

    def missing(self, table: str, times: Collection[int], now: int) -> list[Month]:
        """Returns the months for which a partition must be made. Times that are none have the default partition."""
        if table not in self._months:
            return []
        seconds = {time // PER_SECOND[table] for time in times} | {now, now + AHEAD}  # before the next month begins
        months = {month_of(second) for second in seconds if FLOOR <= second <= now + AHEAD}
        return sorted(months - self._months[table])

    def make(self, table: str, month: Month) -> None:
        """Makes a partition, and moves into it what the default partition has of that month."""
        name = f"{table}_{month[0]}_{month[1]:02}"
        start, end = (begin * PER_SECOND[table] for begin in (begin_of(month), begin_of(next_month(month))))
        column = TIMES[table]
        if not exists(self._run, name):  # else another store has made it
            self._run(f"CREATE TABLE {name} (LIKE {table} INCLUDING DEFAULTS)", ())
            self._run(
                f"WITH moved AS (DELETE FROM {table}_default WHERE {column} >= {start} AND {column} < {end} "
                f"RETURNING *) INSERT INTO {name} SELECT * FROM moved",
                (),
            )
            self._run(f"ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES FROM ({start}) TO ({end})", ())

    def made(self, table: str, month: Month) -> None:
        """Notes that a partition was made, after the transaction."""
        self._months[table].add(month)

    def drop(self, before: int) -> None:
        """Drops what lies before a time (Unix seconds) as a whole."""
        for table, months in self._months.items():
            for month in sorted(month for month in months if begin_of(next_month(month)) <= before):
                self._run(f"DROP TABLE IF EXISTS {table}_{month[0]}_{month[1]:02}", ())
        if self._timescale:
            for table in TIMES.keys() - self._months.keys():
                unit = PER_SECOND[table]
                self._run(
                    f"SELECT {self._timescale}.drop_chunks(CAST(? AS regclass), older_than => CAST(? AS bigint), "
                    "newer_than => CAST(? AS bigint))",
                    (table, before * unit, FLOOR * unit),
                )

    def _find_timescale(self) -> str:
        """Returns the schema of TimescaleDB's functions; empty where the database has not got the extension."""
        found = self._run(
            "SELECT quote_ident(nspname) FROM pg_extension JOIN pg_namespace ON pg_namespace.oid = extnamespace "
            "WHERE extname = 'timescaledb'",
            (),
        )
        return str(found[0][0]) if found else ""


def exists(run: Run, name: str) -> bool:
    """Returns whether there is a table of this name.

    ``to_regclass`` would go by what the connection remembers, and not see what another one has made meanwhile.
    """
    return bool(run("SELECT 1 FROM pg_class WHERE relname = ? AND pg_table_is_visible(oid)", (name,)))


def month_of(second: int) -> Month:
    """Returns the month of a Unix time, in UTC."""
    moment = datetime.fromtimestamp(second, UTC)
    return moment.year, moment.month


def begin_of(month: Month) -> int:
    """Returns the Unix time at which a month begins, in UTC."""
    return int(datetime(*month, 1, tzinfo=UTC).timestamp())


def next_month(month: Month) -> Month:
    """Returns the month after one."""
    return (month[0] + month[1] // 12, month[1] % 12 + 1)


def _month_named(name: str) -> Month | None:
    year, _, month = name.partition("_")
    return (int(year), int(month)) if year.isdecimal() and month.isdecimal() and 1 <= int(month) <= 12 else None
