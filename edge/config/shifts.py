"""Reads the shifts of reports: a name and two local times of day each. Options are checked with it."""

from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import NamedTuple

from ..addresses import shown
from .option import fault_of_hours
from .report import ReportConfig

DAY = 24 * 60
MAX_SHIFTS = 12
"""With more, a report does not fit on one page."""
MAX_NAME = 40
OUTSIDE = "outside shifts"
"""The name under which reports show the time that is in no shift."""
EXAMPLE = '"early 06:00-14:00"'
QUARTERS = ("00", "15", "30", "45")
"""Minutes at which a shift may begin and end: counts are kept in slots of 15 minutes."""


class Shift(NamedTuple):
    """A name, and minutes after the midnight before it begins. ``end`` is more than a day if it passes midnight."""

    name: str
    start: int
    end: int

    @property
    def quarters(self) -> range:
        """Returns the quarters of an hour that belong to it, counted from that midnight."""
        return range(self.start // 15, self.end // 15)


def read_shifts(options: ReportConfig) -> list[Shift]:
    """Returns the shifts of options that are checked."""
    return list(map(_read, options.shifts))


def faults(options: ReportConfig) -> Iterable[str]:
    """Returns what is wrong with the shifts, one line each."""
    wrong = [line for text in options.shifts for line in _faults_of(text)]
    if len(options.shifts) > MAX_SHIFTS:
        wrong.append(f"{len(options.shifts)} shifts; at most {MAX_SHIFTS} are allowed")
    yield from (f"report.shifts: {line}" for line in wrong or _faults_between(read_shifts(options)))


def _read(text: str) -> Shift:
    name, _, times = text.strip().rpartition(" ")
    start, end = (60 * int(time[:2]) + int(time[3:]) for time in times.split("-"))
    return Shift(name.strip(), start, end if end > start else end + DAY)


def _faults_of(text: str) -> Iterable[str]:
    name, _, times = text.strip().rpartition(" ")
    quoted = repr(shown(text)[:80])
    if not name.strip():
        yield f"{quoted} is no shift: write a name, a space and two times, for example {EXAMPLE}"
    elif len(name.strip()) > MAX_NAME or not name.isprintable() or name.strip().casefold() == OUTSIDE:
        yield f"{quoted}: the name must have 1 to {MAX_NAME} visible characters, and must not be '{OUTSIDE}'"
    elif fault := fault_of_hours(times):
        yield f"{quoted}: {fault}"
    elif {times[3:5], times[9:]} - set(QUARTERS):
        yield f"{quoted}: shifts begin and end at quarters of an hour: minutes are {', '.join(QUARTERS)}"


def _faults_between(shifts: Sequence[Shift]) -> Iterable[str]:
    for one, other in combinations(shifts, 2):
        if one.name.casefold() == other.name.casefold():
            yield f"two shifts are named {other.name!r}; give each a name of its own"
        elif common := _quarters_of_day(one) & _quarters_of_day(other):
            first = min(common) * 15
            time = f"{first // 60:02}:{first % 60:02}"
            yield f"{one.name!r} and {other.name!r} overlap at {time}; a time may belong to one shift only"


def _quarters_of_day(shift: Shift) -> set[int]:
    return {quarter % (DAY // 15) for quarter in shift.quarters}
