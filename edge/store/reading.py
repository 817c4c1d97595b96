"""Sums the counts of many doors in the database, and lists their alerts."""

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ..record.counts import KINDS, SLOT_S, Counts
from ..record.reading import Slot
from .engine import Engine, Row
from .failure import StoreError, StoreSilent

SUMS = ", ".join(
    # PostgreSQL sums large whole numbers as decimals, which takes twice as long for a year of 100 doors
    f"CAST(sum(CAST({name} AS double precision)) AS bigint)" if kind is int
    # a clock that was set back counts the same time twice; nobody may take it for the time of another door
    else f"sum(CASE WHEN {name} > {SLOT_S} THEN {SLOT_S} ELSE {name} END)" if name == "watched" else f"sum({name})"
    for name, kind in KINDS.items()
)  # fmt: skip
DAY_S = 86400
"""Seconds that SQLite sums at once by door, for which it must sort them: a year of 100 doors takes 2.6 s like this, and
5.1 s in one query or in one per week. The writer can write in between."""
STORED_ALERT = "moment event_type score frames seen_s clock_synced snapshot door model id".split()


@dataclass(frozen=True, slots=True)
class Span:
    """From when to when the store has slots of a door (Unix time); ``gone`` if the door has been forgotten since."""

    first: int
    last: int
    gone: bool


@dataclass(frozen=True, slots=True)
class DoorSum:
    """What one detector with one model has counted at one door."""

    door: str
    detector: str
    model: str
    counts: Counts


class StoreReader:
    """Reads counts and alerts of all doors, or of some. For one thread. Raises ``StoreError``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._is_connected = False

    def slots(self, start: float, end: float, doors: Collection[str] = ()) -> list[Slot]:
        """Returns the sums over the doors, slot by slot: what ``Report`` reads."""
        rows = self._sums("slot, detector, model", start, end, doors)
        return [Slot(int(slot), detector, model, Counts(*sums)) for slot, detector, model, *sums in rows]

    def by_door(self, start: float, end: float, doors: Collection[str] = ()) -> list[DoorSum]:
        """Returns the sums of each door, apart for each detector and model."""
        made: dict[tuple[str, str, str], Counts] = {}
        for since, until in _pieces(start, end, DAY_S if self._engine.kind == "sqlite" else math.inf):
            for door, detector, model, *sums in self._sums("door, detector, model", since, until, doors):
                made.setdefault((door, detector, model), Counts()).add(Counts(*sums))
        return [DoorSum(*key, made[key]) for key in sorted(made)]

    def doors_of(self, detector: str, start: float, end: float, doors: Collection[str] = ()) -> list[str]:
        """Returns the names of the doors at which a detector has counted somebody."""
        where, values = _where("slot", start, end, doors)
        where = f"{where} AND detector = ? AND (people > 0 OR alerts > 0)"
        return [
            name
            for (name,) in self._rows(f"SELECT DISTINCT door FROM counts WHERE {where} ORDER BY 1", [*values, detector])
        ]

    def names(self) -> list[str]:
        """Returns the names of all doors, also of those that have been forgotten."""
        return [name for (name,) in self._rows("SELECT door FROM doors UNION SELECT door FROM spans ORDER BY 1")]

    def spans(self) -> dict[str, Span]:
        """Returns from when to when there are counts of each door, by its name."""
        rows = self._rows(
            "SELECT door, first_slot, last_slot, NOT EXISTS (SELECT 1 FROM doors WHERE doors.door = spans.door) "
            "FROM spans ORDER BY door"
        )
        return {door: Span(first, last, bool(gone)) for door, first, last, gone in rows}

    def alerts(self, start: float, end: float, doors: Collection[str] = ()) -> list[dict[str, Any]]:
        """Returns the alerts from ``start`` until before ``end`` (Unix time), the newest first."""
        where, values = _where("moment", round(1000 * start), round(1000 * end), doors)
        statement = f"SELECT {', '.join(STORED_ALERT)} FROM alerts WHERE {where} ORDER BY moment DESC, id"
        return [dict(zip(STORED_ALERT, row, strict=True)) for row in self._rows(statement, values)]

    def close(self) -> None:
        """Closes the connection to the database."""
        self._engine.close()

    def _rows(self, statement: str, values: Sequence[Any] = ()) -> list[Row]:
        """Reads rows; a connection that was cut since the report before shows that now only, and is made anew once."""
        was_connected, self._is_connected = self._is_connected, False
        try:
            rows = self._engine.rows(statement, values)
        except StoreSilent:
            raise
        except StoreError as error:
            if not was_connected or not error.temporary:
                raise
            rows = self._engine.rows(statement, values)
        self._is_connected = True
        return rows

    def _sums(self, keys: str, start: float, end: float, doors: Collection[str]) -> list[Row]:
        where, values = _where("slot", start, end, doors)
        return self._rows(f"SELECT {keys}, {SUMS} FROM counts WHERE {where} GROUP BY {keys} ORDER BY {keys}", values)


def _pieces(start: float, end: float, longest: float) -> Iterator[tuple[float, float]]:
    while start < end:
        yield start, min(start + longest, end)
        start += longest


def _where(column: str, start: float, end: float, doors: Collection[str]) -> tuple[str, list[Any]]:
    """Returns a condition and its values: from ``start`` until before ``end``, at all doors or at some."""
    condition = f"{column} >= ? AND {column} < ?"
    if doors:
        condition += f" AND door IN ({', '.join('?' * len(doors))})"
    return condition, [int(start), int(end), *doors]
