"""Counts each person once: as what they counted as first, or as unsure when they leave without a judgement."""

from collections.abc import Collection, Mapping
from typing import Literal, Protocol

from ..people.policy import JUDGED, PersonState, Verdict
from ..record.today import Today

CountedAs = Verdict | Literal["unsure"]


class Tally(Protocol):
    """Receives each person and each alert, and knows the sums of the day so far. ``detector`` finds the people."""

    @property
    def detector(self) -> str: ...

    def today(self) -> Today: ...

    def person(self, kind: CountedAs) -> None: ...

    def alert(self) -> None: ...


class Uncounted:
    """A tally of a run whose counts are not kept."""

    detector = ""

    def today(self) -> Today:
        """Returns no people and no alerts."""
        return Today()

    def person(self, kind: CountedAs) -> None:
        """Does nothing."""

    def alert(self) -> None:
        """Does nothing."""


UNCOUNTED = Uncounted()


class Counting:
    """Finds out who is to be counted now. A person is a track, as for alerts."""

    def __init__(self) -> None:
        self._counted: set[int] = set()
        self._unsure: set[int] = set()

    def update(self, here: Collection[int], states: Mapping[int, PersonState]) -> list[CountedAs]:
        """Takes the keys of the tracks that are there, and what each person counts as; returns who is counted now."""
        left = [key for key in self._unsure if key not in here]
        self._counted.intersection_update(here)
        self._unsure.difference_update(left)
        found: list[CountedAs] = ["unsure"] * len(left)
        for key, state in states.items():
            if state == "unsure":
                self._unsure.add(key)
            elif state in JUDGED and key not in self._counted:
                self._counted.add(key)
                self._unsure.discard(key)
                found.append(state)  # type: ignore[arg-type]  # it is in JUDGED
        return found
