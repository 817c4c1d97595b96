"""Sums the counts of one local day for others: by hour, and slot by slot for each detector and model."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from .bins import slot_of
from .counts import SLOT_S, Counts
from .period import EVENTS
from .reading import Slot
from .report import Report

HOUR_VALUES = [*EVENTS, "watched_s", "paused_s", "camera_lost_s", "clock_synced"]


@dataclass(frozen=True, slots=True)
class Day:
    """The counts of a day, as JSON: sums by local hour, and rows of slots by detector and model."""

    hours: list[dict[str, Any]]
    series: list[dict[str, Any]]


def day_of(day: date, slots: Sequence[Slot], now: float) -> Day | None:
    """Returns what was counted on a local day in all slots but the running one; None if that is nothing.

    The running slot would still change. ``slots`` may lie behind ``now`` (Unix time): the clock was set back.
    """
    ended = [slot for slot in slots if slot.start != slot_of(now)]
    if not ended:
        return None
    until = max(slot_of(now), *(slot.start + SLOT_S for slot in ended))
    report = Report(day, day, lambda start, end: [slot for slot in ended if start <= slot.start < end], until)
    hours = [
        {"start": period.label} | {name: value for name, value in period.row().items() if name in HOUR_VALUES}
        for period in report.by("hour")
    ]
    return Day(hours, _series(ended))


def _series(slots: Sequence[Slot]) -> list[dict[str, Any]]:
    """Returns the rows of each detector and model. What is on disk and what is not yet is one slot."""
    sums: dict[tuple[str, str], dict[int, Counts]] = {}
    for slot in slots:
        sums.setdefault((slot.detector, slot.model), {}).setdefault(slot.start, Counts()).add(slot.counts)
    return [
        {"detector": detector, "model": model, "slots": [[start, *map(round, row.row)] for start, row in sorted(rows)]}
        for (detector, model), rows in ((maker, found.items()) for maker, found in sums.items())
    ]
