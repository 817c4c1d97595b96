"""Writes the checksum of each finished day into the audit trail, again if maskwatch changes the day later."""

import logging
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from ..record.audit import AuditTrail, Values
from ..record.day_lines import DAY, day_values, last_lines
from ..record.reading import read, read_starts, read_written
from ..record.times import day_bounds, days_of

T = TypeVar("T")
log = logging.getLogger("maskwatch")


class Sealing:
    """Keeps the lines of days in step with the file of counts. Belongs to the thread ``audit``.

    The file has a mark for each day, which is a new one whenever maskwatch changes the day; the line of the day has the
    mark of its counts. So a change that no line knows of is found again after a kill, a full disk, or a clock that was
    behind, and what somebody has changed with an editor is not.
    """

    def __init__(self, trail: AuditTrail, record: Path) -> None:
        self._trail = trail
        self._record = record
        self._sealed: dict[str, Any] = {}

    def start(self, known: Sequence[dict[str, Any]], moment: float, used: Values) -> None:
        """Seals the days of earlier runs, which were counted with ``used``; ``known`` is what the trail says."""
        self._sealed = {day: line.get("mark") for day, line in last_lines(known).items()}
        starts: Sequence[int] = self._counts(read_starts, ())
        for day in sorted(days_of(starts)):
            if day.isoformat() not in self._sealed and day_bounds(day)[1] <= moment:
                self._append(day, used)
        self.seal(moment, used)

    def seal(self, moment: float, used: Values, *, is_end: bool = False) -> None:
        """Seals the days that are over at a Unix time and were changed since their last line.

        At the end also those that are not over, but have a line already: the clock was set back.
        """
        for day, mark in self._marks().items():
            if self._sealed.get(day.isoformat(), "") != mark and (
                day_bounds(day)[1] <= moment or (is_end and day.isoformat() in self._sealed)
            ):
                self._append(day, used)

    def _marks(self) -> Mapping[date, str]:
        return self._counts(read_written, {})

    def _append(self, day: date, used: Values) -> None:
        """Writes the line of a day. ``used`` are the model and the configuration."""
        mark = self._marks().get(day)  # before the counts: those that come meanwhile have another mark
        start, end = day_bounds(day)
        slots: Sequence[Any] = self._counts(partial(read, start=start, end=end), ())
        if slots:
            self._trail.append(DAY, {**day_values(day, slots), **({"mark": mark} if mark else {}), **used})
            self._sealed[day.isoformat()] = mark

    def _counts(self, work: Callable[[Path], T], nothing: T) -> T:
        """Reads the file of counts. Days that cannot be read now get their checksum later."""
        try:
            return work(self._record)
        except (OSError, sqlite3.Error) as error:
            log.warning("audit trail: a checksum waits, because counts cannot be read: %s", error)
            return nothing
