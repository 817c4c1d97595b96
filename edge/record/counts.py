"""Counts of people, alerts and seconds, and the share of people with a mask."""

import math
from dataclasses import astuple, dataclass, fields

SLOT_S = 900
"""Seconds of one slot; slots begin at whole multiples of this in Unix time. The hours and days of every time zone begin
with a slot, also where they are 30 or 45 minutes apart from UTC, and daylight saving changes no slot."""
FEWEST_PEOPLE = 30
"""Judged people below which no share is given: it would say more about chance than about the door."""
Z_95 = 1.96
"""Standard deviations of a 95 % interval."""


@dataclass(slots=True)
class Counts:
    """What was counted in some time. ``people`` is the sum of the four numbers after it.

    ``watched``, ``paused`` and ``blind`` (the camera was lost, frozen or dark) are seconds. The rest of the time
    maskwatch did not run. ``unsynced`` are the seconds of watching in which the clock was not synchronized.
    """

    people: int = 0
    mask: int = 0
    no_mask: int = 0
    incorrect_mask: int = 0
    unsure: int = 0
    alerts: int = 0
    watched: float = 0.0
    paused: float = 0.0
    blind: float = 0.0
    unsynced: float = 0.0

    def add(self, other: "Counts") -> None:
        """Adds other counts to these."""
        # name by name: a loop over the names takes four times as long, and a year has 35,000 slots
        self.people += other.people
        self.mask += other.mask
        self.no_mask += other.no_mask
        self.incorrect_mask += other.incorrect_mask
        self.unsure += other.unsure
        self.alerts += other.alerts
        self.watched += other.watched
        self.paused += other.paused
        self.blind += other.blind
        self.unsynced += other.unsynced

    @property
    def judged(self) -> int:
        """Returns the number of people of whom it is known what they wore."""
        return self.mask + self.no_mask + self.incorrect_mask

    @property
    def has_events(self) -> bool:
        """Returns whether somebody came or an alert was raised."""
        return bool(self.people or self.alerts)

    @property
    def row(self) -> tuple[float, ...]:
        """Returns the numbers in the order of ``NAMES``."""
        return astuple(self)


NAMES = tuple(field.name for field in fields(Counts))
KINDS: dict[str, type] = {field.name: type(field.default) for field in fields(Counts)}
"""The type of each number, by name."""


@dataclass(frozen=True, slots=True)
class Share:
    """A share of people, and the interval in which it lies with 95 % (Wilson's, which holds for few people too)."""

    value: float
    low: float
    high: float


def mask_share(counts: Counts) -> Share | None:
    """Returns the share of people with a mask among those judged; None below ``FEWEST_PEOPLE``."""
    n = counts.judged
    if n < FEWEST_PEOPLE:
        return None
    p, z2 = counts.mask / n, Z_95**2
    centre = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = Z_95 * math.sqrt(p * (1 - p) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return Share(round(p, 3), round(max(0.0, centre - half), 3), round(min(1.0, centre + half), 3))
