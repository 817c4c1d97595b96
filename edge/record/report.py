"""Sums the counts of a range of local days by hour, day or weekday, and tells what is unknown."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any, Literal

from .counts import KINDS, SLOT_S, Counts, Share, mask_share
from .reading import Slot
from .sql import DAYS_KEPT
from .times import day_start, local_iso

By = Literal["hour", "hour_of_day", "weekday", "day"]
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
UNKNOWN_S, UNKNOWN_SHARE = 60.0, 0.005
"""Seconds, and share of the time, up to which missing time is not worth a word: a restart takes seconds."""
BIASED = "haar"
"""The detector whose counts are biased."""
BIAS = (
    "counted with the detector haar, which finds one of three masked faces and two of three bare ones: the share with "
    "a mask is too low; yunet finds nearly all (maskwatch set --detector yunet)"
)
EVENTS = [name for name, kind in KINDS.items() if kind is int]
COLUMNS = [
    *EVENTS, "mask_share", "mask_share_low", "mask_share_high", "watched_s", "paused_s", "camera_lost_s", "unknown_s",
    "clock_synced",
]  # fmt: skip
"""Columns of a row after its label."""


@dataclass(slots=True)
class Period:
    """The counts of some time. ``seconds`` is how much of it has passed."""

    label: str
    seconds: float = 0.0
    counts: Counts = field(default_factory=Counts)

    @property
    def unknown(self) -> float:
        """Returns the seconds in which nobody was counted, whoever came: paused, camera lost, or not running."""
        missing = self.seconds - self.counts.watched
        return missing if missing > UNKNOWN_S + UNKNOWN_SHARE * self.seconds else 0.0

    @property
    def is_unknown(self) -> bool:
        """Returns whether nothing is known of this time. Its numbers are then shown as unknown, never as zero."""
        return self.unknown > 0 and self.counts.watched < UNKNOWN_S and not self.counts.has_events

    @property
    def share(self) -> Share | None:
        """Returns the share of people with a mask, if there were enough people."""
        return mask_share(self.counts)

    def row(self) -> dict[str, Any]:
        """Returns the values of ``COLUMNS``; a number that is not known is None."""
        counts, share = self.counts, self.share
        known = {name: None if self.is_unknown else getattr(counts, name) for name in EVENTS}
        shares = (share.value, share.low, share.high) if share else (None, None, None)
        seconds = map(round, (counts.watched, counts.paused, counts.blind, self.unknown))
        return dict(zip(COLUMNS, (*known.values(), *shares, *seconds, counts.unsynced < UNKNOWN_S), strict=True))


def check_range(first: date, last: date, most: int = DAYS_KEPT) -> None:
    """Raises ``ValueError`` if there are more days than ``most``: a sum of 50 years took 13 s and 780 MB."""
    if (last - first).days >= most:
        raise ValueError(f"from and to are more than {most} days apart, and counts are kept for {DAYS_KEPT}")


class Report:
    """The counts from the local day ``first`` to the local day ``last``, up to ``now`` (Unix time).

    ``read`` returns the slots between two Unix times.
    """

    def __init__(
        self, first: date, last: date, read: Callable[[float, float], Sequence[Slot]], now: float | None = None
    ) -> None:
        self.first = first
        self.last = last
        now = time.time() if now is None else now
        start, end = day_start(first), day_start(last + timedelta(days=1))
        slots = read(start, end)
        self.detectors = sorted({(slot.detector, slot.model) for slot in slots if slot.counts.has_events})
        self._periods = _slots(slots, start, min(end, now), now)

    @property
    def is_biased(self) -> bool:
        """Returns whether a share is biased, because the cascade finds few masked faces."""
        return any(detector == BIASED for detector, _ in self.detectors)

    @property
    def total(self) -> Period:
        """Returns the sums of the whole range."""
        return (_grouped(self._periods, lambda start: "total") or [Period("total")])[0]

    def by(self, unit: By) -> list[Period]:
        """Returns the sums of each hour, day, weekday (its name) or hour of the day ("00" to "23"), in order."""
        periods = _grouped(self._periods, LABELS[unit])
        if unit == "weekday":
            periods.sort(key=lambda period: WEEKDAYS.index(period.label))
        return sorted(periods, key=lambda period: period.label) if unit == "hour_of_day" else periods

    def outages(self) -> list[dict[str, Any]]:
        """Returns when people were not counted: start and end (local time, to the slot), seconds, and the causes."""
        found: list[tuple[int, Period]] = []
        for start, period in self._periods:
            if not period.unknown:
                continue
            if found and start == found[-1][0]:
                _merge(found[-1][1], period)
                found[-1] = (start + SLOT_S, found[-1][1])
            else:
                found.append((start + SLOT_S, Period(local_iso(start), period.seconds, replace(period.counts))))
        return [_outage(period, end) for end, period in found]


def _outage(period: Period, end: int) -> dict[str, Any]:
    return {
        "start": period.label,
        "end": local_iso(end),
        "unknown_s": round(period.seconds - period.counts.watched),
        "paused_s": round(period.counts.paused),
        "camera_lost_s": round(period.counts.blind),
    }


def _slots(slots: Iterable[Slot], start: float, end: float, now: float) -> list[tuple[int, Period]]:
    """Returns a period for each slot of the range, also for those of which nothing is known."""
    periods: dict[int, Period] = {}
    first = int(-(-start // SLOT_S)) * SLOT_S
    for moment in range(first, max(first, int(end)), SLOT_S):
        periods[moment] = Period("", min(SLOT_S, now - moment))
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
        _merge(groups.setdefault(name, Period(name)), period)
    return list(groups.values())


def _merge(period: Period, other: Period) -> None:
    period.seconds += other.seconds
    period.counts.add(other.counts)


LABELS: dict[By, Callable[[datetime], str]] = {
    "hour": lambda start: start.replace(minute=0, second=0).isoformat(),
    "hour_of_day": lambda start: f"{start.hour:02}",
    "weekday": lambda start: WEEKDAYS[start.weekday()],
    "day": lambda start: start.date().isoformat(),
}
"""The name of the group to which a slot belongs, by its local start."""
