"""Says what belongs to the numbers of a report in one language of the page."""

from collections.abc import Mapping, Sequence
from html import escape
from math import floor
from typing import Any

from .bias import Bias

Texts = Mapping[str, str]
"""The texts of the page in one language, by key."""
MOST_LISTED, LONGEST_LISTED = 10, 60
"""Models and ids that a report names, and letters of each: a store has those of all its doors, and what they claim."""


class Translator:
    """Returns the text of a key with its values filled in."""

    def __init__(self, texts: Texts) -> None:
        self._texts = texts

    def __call__(self, key: str, **values: Any) -> str:
        return self._texts[key].format(**values)

    def safe(self, key: str, **values: Any) -> str:
        """Returns a text for HTML."""
        return escape(self(key, **values))

    def count(self, key: str, number: int) -> str:
        """Returns a number of things in words."""
        return self(f"{key}.{'one' if number == 1 else 'other'}", number=number)

    def lasting(self, seconds: float) -> str:
        """Returns a time in minutes or hours."""
        # a half is rounded up, as the page does
        if seconds < 7200:
            return self("report.minutes", minutes=floor(seconds / 60 + 0.5))
        return self("report.hours", hours=f"{floor(seconds / 360 + 0.5) / 10:.1f}".removesuffix(".0"))

    def bias(self, bias: Bias) -> str:
        """Tells that the biased detector counted, and where only some doors have it, at which."""
        if not bias.is_partial:
            return self("report.biased")
        people = self.count("report.people", bias.of_people)
        numbers = {"doors": len(bias.doors), "of_doors": bias.of_doors, "people": bias.people, "of_people": people}
        return self("report.biased_doors", names=bias.names, **numbers)

    def unknown(self, row: Mapping[str, Any]) -> str:
        """Tells how long nobody was counted, and why."""
        why = {"paused": row["paused_s"], "lost": row["camera_lost_s"]}
        why["off"] = row["unknown_s"] - sum(why.values())
        parts = [f"{self(f'report.{name}')} {self.lasting(s)}" for name, s in why.items() if s >= 60]
        return self.lasting(row["unknown_s"]) + (f" ({', '.join(parts)})" if parts else "")


def listed(names: Sequence[str]) -> list[str]:
    """Returns the last of some names, each shortened; the others are one "…"."""
    shown = [name if len(name) <= LONGEST_LISTED else f"{name[:LONGEST_LISTED]}…" for name in names[-MOST_LISTED:]]
    return [*(["…"] if names[MOST_LISTED:] else []), *shown]
