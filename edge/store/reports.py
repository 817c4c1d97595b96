"""Makes reports of all doors, or of one, out of what is in the database."""

import time
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Sequence
from datetime import date, timedelta
from functools import partial
from typing import Any

from ..clock import utc_iso
from ..config.shifts import Shift
from ..errors import ConfigError
from ..record.bias import BIASED
from ..record.counts import SLOT_S
from ..record.period import DoorPeriod
from ..record.report import Report
from ..record.times import day_start, local_iso
from .address import StoreAddress
from .engine import open_engine
from .reading import STORED_ALERT, DoorSum, Span, StoreReader

ARRIVED_S = 120
"""Seconds after the end of a slot within which a door's counts of it have come. Until then they are not missing."""
SHOWN_NAMES = 20
ONE_DAY = timedelta(days=1)
ALERT_COLUMNS = ["time", "local_time", *(name for name in STORED_ALERT if name != "moment")]
"""Columns of an exported alert."""


def open_reports(address: StoreAddress) -> "StoreReports":
    """Returns the reports of a database, which is opened when it is first needed. Raises ``ConfigError``."""
    return StoreReports(StoreReader(open_engine(address, writes=False)))


class StoreReports:
    """Reports of the doors in the database, up to the last slot that must have come. For one thread.

    ``now`` (Unix time) is the time up to which reports go at most. All raise ``StoreError``.
    """

    def __init__(self, reader: StoreReader) -> None:
        self._reader = reader

    def names(self) -> list[str]:
        """Returns the names of all doors, also of those that have been forgotten."""
        return self._reader.names()

    def report(
        self, first: date, last: date, door: str = "", *, shifts: Sequence[Shift] = (), now: float | None = None
    ) -> Report:
        """Sums the counts of one door, or of all. Raises ``ConfigError`` if there is no such door."""
        chosen = self._chosen(door)
        count = DoorCount(self._spans(chosen).values())
        read = partial(self._reader.slots, doors=chosen)
        biased = partial(self._biased_doors, chosen)
        return Report(first, last, read, _arrived(now), shifts=shifts, doors=count, biased_doors=biased)

    def by_door(self, first: date, last: date, door: str = "", *, now: float | None = None) -> list[DoorPeriod]:
        """Returns the sums of each door that there was in that time. Raises ``ConfigError`` for an unknown door."""
        start, end = day_start(first), min(day_start(last + ONE_DAY), _arrived(now))
        chosen = self._chosen(door)
        times = {name: _seconds(span, start, end) for name, span in self._spans(chosen).items()}
        made = {name: DoorPeriod(name, seconds) for name, seconds in times.items() if seconds}
        for one in self._reader.by_door(start, end, chosen):
            if one.door in made:
                _count(made[one.door], one)
        return list(made.values())

    def alerts(self, first: date, last: date, door: str = "") -> list[dict[str, Any]]:
        """Returns the alerts, the newest first. Raises ``ConfigError`` for an unknown door."""
        chosen = self._chosen(door)
        return [_shown(row) for row in self._reader.alerts(day_start(first), day_start(last + ONE_DAY), chosen)]

    def close(self) -> None:
        """Closes the connection to the database."""
        self._reader.close()

    def _chosen(self, door: str) -> list[str]:
        """Returns the doors to ask for: one, or none for all."""
        if not door:
            return []
        if door not in (names := self._reader.names()):
            known = (
                f"; it has {', '.join(names[:SHOWN_NAMES])}{', ...' if names[SHOWN_NAMES:] else ''}" if names else ""
            )
            raise ConfigError(f"the store has no door '{door[:64]}'{known}")
        return [door]

    def _biased_doors(self, chosen: Collection[str], start: float, end: float) -> tuple[list[str], int]:
        """Returns at which doors the biased detector counted, and how many doors there were."""
        there = sum(_seconds(span, start, end) > 0 for span in self._spans(chosen).values())
        return self._reader.doors_of(BIASED, start, end, chosen), there

    def _spans(self, chosen: Collection[str]) -> dict[str, Span]:
        return {name: span for name, span in self._reader.spans().items() if not chosen or name in chosen}


class DoorCount:
    """Tells how many doors there were at a time: from their first slot on, and if they are gone, to their last."""

    def __init__(self, spans: Collection[Span]) -> None:
        self._first = sorted(span.first for span in spans)
        self._last = sorted(span.last for span in spans if span.gone)

    def __call__(self, moment: int) -> int:
        return bisect_right(self._first, moment) - bisect_left(self._last, moment)


def _arrived(now: float | None) -> float:
    """Returns the end of the last slot of which all counts must have come."""
    now = time.time() if now is None else now
    return (now - ARRIVED_S) // SLOT_S * SLOT_S


def _seconds(span: Span, start: float, end: float) -> float:
    """Returns for how long there was a door between two Unix times."""
    return max(0.0, min(end, span.last + SLOT_S if span.gone else end) - max(start, span.first))


def _count(period: DoorPeriod, one: DoorSum) -> None:
    """Adds what a detector has counted at a door."""
    period.counts.add(one.counts)
    period.counts.watched = min(period.counts.watched, period.seconds)
    period.detectors |= {one.detector} if one.counts.has_events else set()


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    """Returns an alert with its time in UTC and in local time."""
    moment = row.pop("moment") / 1000
    flags = {name: bool(row[name]) for name in ("clock_synced", "snapshot")}
    return {"time": utc_iso(moment), "local_time": local_iso(moment, "milliseconds"), **row, **flags}
