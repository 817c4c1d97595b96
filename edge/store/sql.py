"""The tables of the store, which are the same in PostgreSQL and in SQLite, and the statements on them.

Times are whole numbers: ``slot`` in Unix seconds (the start of a quarter of an hour), ``moment`` and all others in Unix
milliseconds. ``received`` is when the store heard it. PostgreSQL has partitions by month of alerts, counts and health,
and views with ``timestamptz`` for people (``alerts_at``, ``counts_at``, ``health_at``).
"""

from functools import cache
from typing import Any

from ..record.counts import KINDS

VERSION = 1
"""The version of these tables; a database of a higher one is left alone."""
FLOOR = 1_735_689_600
"""Unix seconds (2025) before which a time is none: a clock that was never set."""
AHEAD = 7 * 86400
"""Seconds after now from which a time is none."""
TEXT, WHOLE, REAL, FLAG = "text NOT NULL", "bigint NOT NULL", "double precision NOT NULL", "boolean NOT NULL"
SQL_TYPES = {int: WHOLE, float: REAL}
COLUMNS: dict[str, dict[str, str]] = {
    "doors": {
        "door": TEXT, "online": "boolean", "since": "bigint", "heard": "bigint", "camera": "text", "problem": "text",
        "model": "text", "paused": "boolean",
    },
    "alerts": {
        "door": TEXT, "moment": WHOLE, "id": TEXT, "event_type": TEXT, "score": REAL, "frames": WHOLE, "seen_s": REAL,
        "clock_synced": FLAG, "snapshot": FLAG, "model": TEXT, "received": WHOLE,
    },
    "counts": {
        "door": TEXT, "slot": WHOLE, "detector": TEXT, "model": TEXT, **{n: SQL_TYPES[k] for n, k in KINDS.items()},
        "received": WHOLE,
    },
    "spans": {"door": TEXT, "first_slot": WHOLE, "last_slot": WHOLE},
    "health": {
        "door": TEXT, "moment": WHOLE, "camera": TEXT, "problem": "text", "model": TEXT, "received": WHOLE,
    },
}  # fmt: skip
"""The columns of each table. Nothing of a picture, no place in a picture and no track is among them."""
KEYS = {
    "doors": "door", "alerts": "id, moment", "counts": "slot, detector, model, door", "spans": "door",
    "health": "door, moment",
}  # fmt: skip
"""The primary keys. The door comes last among those of counts: the sums over all doors are then read in this order. A
year of 100 doors took SQLite 2.8 s with the door before the detector, which must be sorted, and 1.1 s like this."""
TIMES = {"alerts": "moment", "counts": "slot", "health": "moment"}
"""The column by which a table is parted, and its rows become old."""
PER_SECOND = {"alerts": 1000, "counts": 1, "health": 1000}
"""Units of that column in one second."""
INDEXES = ("CREATE INDEX IF NOT EXISTS alerts_moment ON alerts (moment)",)


def create_table(table: str, more: str = "") -> str:
    """Returns the statement that makes a table; ``more`` is what follows it."""
    columns = ", ".join(f"{name} {kind}" for name, kind in COLUMNS[table].items())
    return f"CREATE TABLE IF NOT EXISTS {table} ({columns}, PRIMARY KEY ({KEYS[table]})){more}"


CREATE_VERSION = "CREATE TABLE IF NOT EXISTS store_version (version bigint NOT NULL)"
READ_VERSION = "SELECT max(version) FROM store_version"
PUT_VERSION = f"INSERT INTO store_version SELECT {VERSION} WHERE NOT EXISTS (SELECT 1 FROM store_version)"
VIEWS = {
    f"{table}_at": f"SELECT to_timestamp({column} / {per_second}.0) AS {'at' if column == 'moment' else 'start'}, "
    f"to_timestamp(received / 1000.0) AS received_at, {table}.* FROM {table}"
    for (table, column), per_second in zip(TIMES.items(), PER_SECOND.values(), strict=True)
}


def _insert(table: str, conflict: str) -> str:
    names = COLUMNS[table]
    places = ", ".join("?" * len(names))
    return f"INSERT INTO {table} ({', '.join(names)}) VALUES ({places}) ON CONFLICT ({KEYS[table]}) DO {conflict}"


PUT_ALERT = _insert("alerts", "NOTHING")


def _grows(table: str) -> str:
    return f"({table}.watched + {table}.paused + {table}.blind, {table}.people, {table}.alerts)"


PUT_COUNTS = _insert(
    "counts",
    f"UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in (*KINDS, 'received'))} "
    f"WHERE {_grows('excluded')} > {_grows('counts')}",
)
"""Counts only grow: what has more seconds is the later one. Equal rows are not written again."""
PUT_HEALTH = (
    "INSERT INTO health (door, moment, camera, problem, model, received) "
    "SELECT CAST(? AS text), CAST(? AS bigint), CAST(? AS text), CAST(? AS text), CAST(? AS text), CAST(? AS bigint) "
    "WHERE NOT EXISTS (SELECT 1 FROM doors WHERE door = ? AND camera = ? AND coalesce(problem, '') = ? AND model = ?) "
    "ON CONFLICT (door, moment) DO NOTHING"
)
"""A row per change. It comes before the door's own row, with which it is compared."""
_DOOR = "INSERT INTO doors (door, {0}) VALUES (?, {1}) ON CONFLICT (door) DO UPDATE SET {2}"
PUT_STATUS = _DOOR.format(
    "online, since",
    "?, ?",
    "since = CASE WHEN doors.online = excluded.online THEN doors.since ELSE excluded.since END, "
    "online = excluded.online",
)
PUT_CONDITION = _DOOR.format(
    "camera, problem, model",
    "?, ?, ?",
    "camera = excluded.camera, problem = excluded.problem, model = excluded.model",
)
PUT_PAUSED = _DOOR.format("paused", "?", "paused = excluded.paused")
PUT_HEARD = _DOOR.format("heard", "?", "heard = excluded.heard")
PUT_SPAN = _insert(
    "spans",
    "UPDATE SET first_slot = CASE WHEN excluded.first_slot < spans.first_slot THEN excluded.first_slot "
    "ELSE spans.first_slot END, last_slot = CASE WHEN excluded.last_slot > spans.last_slot THEN excluded.last_slot "
    "ELSE spans.last_slot END WHERE excluded.first_slot < spans.first_slot OR excluded.last_slot > spans.last_slot",
)
"""From which slot to which there are counts of a door, also after it was forgotten: reports tell by it how much time of
how many doors is unknown, without a look at all its counts."""
FORGET_DOOR = "DELETE FROM doors WHERE door = ?"
FORGET_SPANS = "DELETE FROM spans WHERE last_slot < ?"


@cache
def for_psycopg(sql: str) -> Any:
    """Returns a statement with psycopg's placeholders."""
    return sql.replace("%", "%%").replace("?", "%s")


def forget_old(table: str) -> str:
    """Returns the statement that deletes rows of a known time: from ``FLOOR`` until before a time."""
    return f"DELETE FROM {table} WHERE {TIMES[table]} >= {FLOOR * PER_SECOND[table]} AND {TIMES[table]} < ?"


def forget_odd(table: str) -> str:
    """Returns the statement that deletes rows of no known time (see ``is_odd``): by when they were received."""
    low = FLOOR * PER_SECOND[table]
    return f"DELETE FROM {table} WHERE received < ? AND ({TIMES[table]} < {low} OR {TIMES[table]} > ?)"
