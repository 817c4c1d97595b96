"""Tells to which shift a time belongs."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta

from ..config.shifts import DAY, OUTSIDE, Shift

QUARTERS = DAY // 15


class Shifts:
    """The shifts of a door. A shift that passes midnight belongs to the day on which it begins."""

    def __init__(self, shifts: Sequence[Shift]) -> None:
        self.names = [*(shift.name for shift in shifts), OUTSIDE]
        self.pass_midnight = any(shift.end > DAY for shift in shifts)
        self._quarters = dict(_quarters(shifts))

    def of(self, start: datetime) -> tuple[str, date]:
        """Returns the shift to which the slot with this local start belongs, and the day of the shift."""
        name, days = self._quarters.get(4 * start.hour + start.minute // 15, (OUTSIDE, 0))
        return name, start.date() - timedelta(days)


def _quarters(shifts: Iterable[Shift]) -> Iterable[tuple[int, tuple[str, int]]]:
    """Gives each quarter of the day that a shift has: its number, the shift, and how many days ago that began."""
    for shift in shifts:
        for quarter in shift.quarters:
            yield quarter % QUARTERS, (shift.name, quarter // QUARTERS)
