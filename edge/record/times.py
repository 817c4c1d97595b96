"""Reads dates and times that people give, in the time zone of this machine."""

import re
from collections.abc import Iterable
from contextlib import suppress
from datetime import date, datetime, timedelta
from typing import Any

DATE = re.compile(r"\d{4}-\d\d-\d\d")
ALLOWED = "a date like 2026-11-27, or a time like 2026-11-27T14:00"
YEARS = range(1970, 9999)
"""Years that are taken: clocks begin with the first, and calculations with dates end after the last."""


def day_start(day: date) -> float:
    """Returns the Unix time at which a local day begins."""
    return datetime(day.year, day.month, day.day).timestamp()


def day_bounds(day: date) -> tuple[float, float]:
    """Returns the Unix times at which a local day begins and ends."""
    return day_start(day), day_start(day + timedelta(days=1))


def unix_time(text: Any) -> float | None:
    """Returns a time in ISO 8601 as Unix time; None for anything else."""
    with suppress(ValueError, TypeError, OverflowError, OSError):
        return datetime.fromisoformat(text).timestamp()
    return None


def days_of(moments: Iterable[float]) -> frozenset[date]:
    """Returns the local days in which Unix times lie."""
    return frozenset(map(date.fromtimestamp, moments))


def parse_date(name: str, text: str) -> date:
    """Reads a date. ``name`` is the option that has it. Raises ``ValueError``."""
    try:
        if DATE.fullmatch(text) is None:
            raise ValueError
        day = date.fromisoformat(text)
        if day.year not in YEARS:
            raise ValueError
    except (ValueError, OverflowError, OSError) as error:
        raise ValueError(
            f"{name} '{text[:40]}' is not a date of the calendar: write it like 2026-11-27, from 1970 on"
        ) from error
    return day


def parse_moment(name: str, text: str, *, end: bool) -> float:
    """Reads a date or a time, and returns it as Unix time; for ``end`` a date means the end of that day.

    A time without offset is local. Raises ``ValueError``.
    """
    if DATE.fullmatch(text):
        day = parse_date(name, text)
        return day_start(day + timedelta(days=1) if end else day)
    try:
        moment = datetime.fromisoformat(text)
        if moment.year not in YEARS:
            raise ValueError
        return moment.timestamp()
    except (ValueError, OverflowError, OSError) as error:
        raise ValueError(f"{name} '{text[:40]}' is no time: write {ALLOWED}") from error


def local_iso(moment: float, timespec: str = "seconds") -> str:
    """Returns a Unix time as local time in ISO 8601, with its offset."""
    return datetime.fromtimestamp(moment).astimezone().isoformat(timespec=timespec)
