"""Tells where the counts of reports come from: the door's own record, or many doors."""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal, Protocol

from ..config.shifts import Shift
from ..record.checksums import TRAIL, Checksums, read_checksums
from ..record.period import DoorPeriod
from ..record.recorder import Recorder
from ..record.report import By, Report, check_range
from ..record.sql import DAYS_KEPT
from ..record.times import parse_date

Unit = By | Literal["door"]


class ReportSource(Protocol):
    """Where the counts come from. ``device`` is the name of the door; empty where there are many."""

    device: str

    @property
    def executor(self) -> Executor | None:
        """Returns where the methods are called; None is any thread."""

    def names(self) -> list[str]:
        """Returns the names of the doors to choose from; none if there is one. Raises ``EdgeError``."""

    def report(self, first: date, last: date, door: str, shifts: Sequence[Shift]) -> Report:
        """Sums the counts of a door, or of all. Raises ``ConfigError`` for an unknown door, and ``EdgeError``."""

    def by_door(self, first: date, last: date, door: str) -> list[DoorPeriod]:
        """Returns the sums of each door, or of one; nothing on the page of a door. Raises like ``report``."""

    def checksums(self, first: date, last: date) -> Checksums:
        """Returns the checksums of the days."""


class OwnCounts:
    """A ``ReportSource`` of one door: its own record."""

    executor = None

    def __init__(self, record: Recorder, device: str) -> None:
        self._record = record
        self.device = device

    def names(self) -> list[str]:
        """Returns no names: there is one door."""
        return []

    def report(self, first: date, last: date, door: str, shifts: Sequence[Shift]) -> Report:
        """Sums the counts."""
        return Report(first, last, self._record.read, shifts=shifts)

    def by_door(self, first: date, last: date, door: str) -> list[DoorPeriod]:
        """Returns nothing: there is one door."""
        return []

    def checksums(self, first: date, last: date) -> Checksums:
        """Reads the checksums of the days."""
        record = self._record.path
        return read_checksums(record and record.with_name(TRAIL), first, last)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request asks for: days, one door or all (empty), and by what to sum up."""

    first: date
    last: date
    door: str
    by: Unit

    @classmethod
    def parse(cls, query: Mapping[str, str], units: Iterable[Unit]) -> "Asked":
        """Reads from, to, days, door and by. Raises ``ValueError``."""
        by = query.get("by", "hour")
        found = [unit for unit in units if unit == by]
        if not found:
            raise ValueError(f"by '{by[:40]}' is not one of {', '.join(units)}")
        return cls(*_days(query), query.get("door", ""), *found)


def _days(query: Mapping[str, str]) -> tuple[date, date]:
    """Reads ``from`` and ``to``, or ``days`` up to today; without them, today. Raises ``ValueError``."""
    last = parse_date("to", query["to"]) if query.get("to") else date.today()
    days = query.get("days", "1")
    if days not in map(str, range(1, DAYS_KEPT + 1)):
        raise ValueError(f"days '{days[:40]}' is not a whole number from 1 to {DAYS_KEPT}")
    first = parse_date("from", query["from"]) if query.get("from") else last - timedelta(days=int(days) - 1)
    if first > last:
        raise ValueError("to is before from: exchange the two")
    check_range(first, last)
    return first, last
