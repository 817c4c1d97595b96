"""The sums of some time, and what of it is unknown."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from .counts import KINDS, Counts, Share, mask_share

UNKNOWN_S, UNKNOWN_SHARE = 60.0, 0.005
"""Seconds, and share of the time, up to which missing time is not worth a word: a restart takes seconds."""
EVENTS = [name for name, kind in KINDS.items() if kind is int]
COLUMNS = [
    *EVENTS, "mask_share", "mask_share_low", "mask_share_high", "watched_s", "paused_s", "camera_lost_s", "unknown_s",
    "clock_synced",
]  # fmt: skip
"""Columns of a row after its label."""
DOOR_COLUMNS = [*COLUMNS, "detector"]
"""Columns of the row of a door after its name: its own detectors tell whether its share is biased."""


@dataclass(slots=True)
class Period:
    """The counts of some time. ``seconds`` is how much of it has passed; several doors pass it side by side."""

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
        """Returns whether nothing is known of this time, or it is none. Its numbers are then unknown, never zero."""
        return (self.unknown > 0 or not self.seconds) and self.counts.watched < UNKNOWN_S and not self.counts.has_events

    @property
    def share(self) -> Share | None:
        """Returns the share of people with a mask, if there were enough people."""
        return mask_share(self.counts)

    def row(self) -> dict[str, Any]:
        """Returns the values of ``COLUMNS``; a number that is not known is None."""
        counts, share = self.counts, self.share
        known = {name: None if self.is_unknown else getattr(counts, name) for name in EVENTS}
        synced = None if self.is_unknown else counts.unsynced < UNKNOWN_S
        shares = (share.value, share.low, share.high) if share else (None, None, None)
        seconds = map(round, (counts.watched, counts.paused, counts.blind, self.unknown))
        return dict(zip(COLUMNS, (*known.values(), *shares, *seconds, synced), strict=True))

    def add(self, other: "Period") -> None:
        """Adds the time and the counts of another period."""
        self.seconds += other.seconds
        self.counts.add(other.counts)


@dataclass(slots=True)
class DoorPeriod(Period):
    """The sums of one door of many, whose name is the label."""

    detectors: set[str] = field(default_factory=set)

    def row(self) -> dict[str, Any]:
        """Returns the values of ``DOOR_COLUMNS``."""
        return {**Period.row(self), "detector": ", ".join(sorted(self.detectors))}


def total(periods: Iterable[Period]) -> Period:
    """Returns the sums of all periods."""
    made = Period("total")
    for period in periods:
        made.add(period)
    return made
