"""Collects counts by monotonic time, until it is known to which slot of the clock they belong."""

import threading
import time
from dataclasses import replace

from .counts import SLOT_S, Counts

BIN_S = 5.0
"""Seconds of monotonic time that are placed into a slot together."""


class Bins:
    """The counts that are in no slot yet. Any thread may call; the lock is held for moments only."""

    def __init__(self) -> None:
        self._bins: dict[int, Counts] = {}
        self._lock = threading.Lock()

    def add(self, *names: str, amount: float = 1) -> None:
        """Adds an amount to numbers of this moment, by their names in ``Counts``."""
        with self._lock:
            counts = self._bins.setdefault(int(time.monotonic() // BIN_S), Counts())
            for name in names:
                setattr(counts, name, getattr(counts, name) + amount)

    def age(self) -> float:
        """Returns the seconds since the oldest bin began; 0 if there is none."""
        with self._lock:
            return time.monotonic() - min(self._bins) * BIN_S if self._bins else 0.0

    def has_events(self) -> bool:
        """Returns whether somebody came or an alert was raised."""
        with self._lock:
            return any(counts.has_events for counts in self._bins.values())

    def copy(self) -> dict[int, Counts]:
        """Returns the bins as they are now."""
        with self._lock:
            return {number: replace(counts) for number, counts in self._bins.items()}

    def take(self) -> dict[int, Counts]:
        """Returns the bins, and forgets them."""
        with self._lock:
            bins, self._bins = self._bins, {}
            return bins


def place(bins: dict[int, Counts], slots: dict[int, Counts], synced: bool) -> None:
    """Adds bins to the slots in which they lie by the clock of this moment, which may be ``synced`` or not."""
    offset = time.time() - time.monotonic()
    for number, counts in bins.items():
        if not synced:
            counts.unsynced = counts.watched
        slots.setdefault(slot_of((number + 0.5) * BIN_S + offset), Counts()).add(counts)


def slot_of(moment: float) -> int:
    """Returns the start of the slot in which a Unix time lies."""
    return int(moment // SLOT_S) * SLOT_S
