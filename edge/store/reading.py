"""Sums the counts of many doors for reports, in the database."""

from collections.abc import Collection

from ..record.counts import Counts
from ..record.reading import Slot
from .engine import Engine


class StoreReader:
    """Reads counts and alerts of all doors, or of some. Raises ``StoreError``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def slots(self, start: float, end: float, doors: Collection[str] = ()) -> list[Slot]:
        """Returns the sums over the doors, slot by slot: what ``Report`` reads."""
        raise NotImplementedError

    def by_door(self, start: float, end: float) -> dict[str, Counts]:
        """Returns the sums of each door."""
        raise NotImplementedError
