"""Tells whether a time of day is within the quiet hours."""

from dataclasses import dataclass
from datetime import datetime, time


@dataclass(frozen=True, slots=True)
class QuietHours:
    """Hours of every local day without texts, from ``start`` to before ``end``; they may pass midnight."""

    start: time
    end: time

    @classmethod
    def parse(cls, text: str) -> "QuietHours | None":
        """Parses ``22:00-06:00``, which the configuration has checked; None for an empty text."""
        if not text:
            return None
        start, end = (time.fromisoformat(part) for part in text.split("-"))
        return cls(start, end)

    def contains(self, moment: datetime) -> bool:
        """Returns whether a local time is within the quiet hours."""
        clock = moment.time()
        if self.start < self.end:
            return self.start <= clock < self.end
        return clock >= self.start or clock < self.end
