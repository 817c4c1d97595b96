"""Sums the counts of a range of local days by hour, day, month or shift, and tells what is unknown."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any, Literal

from ..config.shifts import Shift
from .bias import BIASED, Bias
from .counts import SLOT_S
from .period import UNKNOWN_S, Period, total
from .reading import Slot
from .shifts import Shifts
from .sql import DAYS_KEPT
from .times import day_start, local_iso

By = Literal["hour", "hour_of_day", "weekday", "day", "month", "shift"]
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
NO_SHIFTS = """no shifts are configured; name them, for example: maskwatch set 'report.shifts=["early 06:00-14:00"]'"""


def check_range(first: date, last: date, most: int = DAYS_KEPT) -> None:
    """Raises ``ValueError`` if there are more days than ``most``: a sum of 50 years took 13 s and 780 MB."""
    if (last - first).days >= most:
        raise ValueError(f"from and to are more than {most} days apart, and counts are kept for {DAYS_KEPT}")


class Report:
    """The counts from the local day ``first`` to the local day ``last``, up to ``now`` (Unix time).

    ``read`` returns the slots between two Unix times. Where they are sums over several doors, ``doors`` returns how
    many there were at a Unix time: each of them passes the time by itself. ``biased_doors`` is asked only if the biased
    detector counted: it returns the names of the doors at which it did between two Unix times, and how many doors
    there were.
    """

    def __init__(
        self,
        first: date,
        last: date,
        read: Callable[[float, float], Sequence[Slot]],
        now: float | None = None,
        *,
        shifts: Sequence[Shift] = (),
        doors: Callable[[int], int] = lambda moment: 1,
        biased_doors: Callable[[float, float], tuple[Sequence[str], int]] = lambda start, end: ((), 1),
    ) -> None:
        self.first = first
        self.last = last
        self.shifts = shifts
        self._shifts = Shifts(shifts)
        self.now = now = time.time() if now is None else now
        start, end = day_start(first), day_start(last + timedelta(days=1))
        until = day_start(last + timedelta(days=2)) if self._shifts.pass_midnight else end
        slots = read(start, until)
        periods = _slots(slots, start, min(until, now), now, doors)
        self._periods = [(moment, period) for moment, period in periods if moment < end]
        self._after = [(moment, period) for moment, period in periods if moment >= end and self._in_shift(moment)]
        used = {moment for moment, _ in self._periods + self._after}
        counted = [slot for slot in slots if slot.counts.has_events and slot.start in used]
        self.detectors = sorted({(slot.detector, slot.model) for slot in counted})
        people = [slot.counts.people for slot in counted if slot.detector == BIASED]
        self.bias: Bias | None = None
        """Whose share is biased, because the cascade finds few masked faces; None if it did not count."""
        if people:
            names, number = biased_doors(start, until)
            self.bias = Bias(tuple(names), number, sum(people), sum(slot.counts.people for slot in counted))

    @property
    def total(self) -> Period:
        """Returns the sums of the whole range."""
        return total(period for _, period in self._periods)

    def by(self, unit: By) -> list[Period]:
        """Returns the sums of each hour, day, month, weekday (its name), hour of the day ("00" to "23") or shift.

        They are in order. A shift that passes midnight has its hours of the day after ``last`` too, and those of
        ``first`` belong to the day before. Raises ``ValueError`` if there are no shifts.
        """
        if unit == "shift":
            return self._by_shift()
        periods = _grouped(self._periods, LABELS[unit])
        if unit == "weekday":
            periods.sort(key=lambda period: WEEKDAYS.index(period.label))
        return sorted(periods, key=lambda period: period.label) if unit == "hour_of_day" else periods

    def _by_shift(self) -> list[Period]:
        if not self.shifts:
            raise ValueError(NO_SHIFTS)
        inside = [(moment, period) for moment, period in self._periods + self._after if self._in_shift(moment)]
        periods = _grouped(inside, lambda start: self._shifts.of(start)[0])
        return sorted(periods, key=lambda period: self._shifts.names.index(period.label))

    def _in_shift(self, moment: int) -> bool:
        """Returns whether the shift of a slot, or the time outside of shifts, belongs to the range of days."""
        return self.first <= self._shifts.of(datetime.fromtimestamp(moment))[1] <= self.last

    def outages(self) -> list[dict[str, Any]]:
        """Returns when people were not counted: start and end (local time), seconds, and the causes.

        Start and end are those of slots, and none is after now. ``in_parts`` tells that somebody watched in between,
        or that other doors did: when exactly is not known.
        """
        found: list[tuple[int, Period]] = []
        for start, period in self._periods:
            if not period.unknown:
                continue
            if found and start == found[-1][0]:
                found[-1][1].add(period)
                found[-1] = (start + SLOT_S, found[-1][1])
            else:
                found.append((start + SLOT_S, Period(local_iso(start), period.seconds, replace(period.counts))))
        return [_outage(period, min(end, self.now)) for end, period in found]


def _outage(period: Period, end: float) -> dict[str, Any]:
    return {
        "start": period.label,
        "end": local_iso(end),
        "in_parts": period.counts.watched > UNKNOWN_S,
        "unknown_s": round(period.seconds - period.counts.watched),
        "paused_s": round(period.counts.paused),
        "camera_lost_s": round(period.counts.blind),
    }


def _slots(
    slots: Iterable[Slot], start: float, end: float, now: float, doors: Callable[[int], int]
) -> list[tuple[int, Period]]:
    """Returns a period for each slot of the range, also for those of which nothing is known."""
    periods: dict[int, Period] = {}
    first = int(-(-start // SLOT_S)) * SLOT_S
    for moment in range(first, max(first, int(end)), SLOT_S):
        # before the first door, time is as unknown as before the first slot of one door
        periods[moment] = Period("", min(SLOT_S, now - moment) * max(1, doors(moment)))
    for slot in slots:
        if slot.start in periods:
            periods[slot.start].counts.add(slot.counts)
    for period in periods.values():  # a clock that was set back counts the same time twice
        period.counts.watched = min(period.counts.watched, period.seconds)
    return list(periods.items())


def _grouped(periods: Iterable[tuple[int, Period]], label: Callable[[datetime], str]) -> list[Period]:
    groups: dict[str, Period] = {}
    for start, period in periods:
        name = label(datetime.fromtimestamp(start).astimezone())
        groups.setdefault(name, Period(name)).add(period)
    return list(groups.values())


LABELS: dict[str, Callable[[datetime], str]] = {
    "hour": lambda start: start.replace(minute=0, second=0).isoformat(),
    "hour_of_day": lambda start: f"{start.hour:02}",
    "weekday": lambda start: WEEKDAYS[start.weekday()],
    "day": lambda start: start.date().isoformat(),
    "month": lambda start: f"{start:%Y-%m}",
}
"""The name of the group to which a slot belongs, by its local start."""
