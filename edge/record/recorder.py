"""Counts people, alerts and seconds of watching, and writes them down: SQLite, as durable as the outbox.

What was counted is written within a minute if somebody came, and at the end of the slot otherwise: a kill or a power
cut loses the running 15 minutes at most. What cannot be written (disk full, read-only) stays in memory, one row per
slot, and is written as soon as the disk allows it.
"""

import logging
import math
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Literal

from ..outbox.file import CHECK_INTERVAL, Notice
from ..outbox.listener import log_notice
from ..outbox.reasons import reason
from .bins import Bins, place, slot_of
from .counts import SLOT_S, Counts
from .file import RecordFile, Statement
from .reading import Slot, read
from .sql import (
    ADD,
    DELETE_SEEN,
    PUT_SEEN,
    PUT_WRITTEN,
    TRIM_COUNTS,
    TRIM_OLD,
    TRIM_SEEN,
    TRIM_WRITTEN,
)
from .times import day_start, days_of
from .today import Today

log = logging.getLogger(__name__)

Activity = Literal["watched", "paused", "blind"]
Kind = Literal["mask", "no_mask", "incorrect_mask", "unsure"]
Follower = Callable[[Collection[date], bool], None]
"""Takes the local days whose counts have changed, and whether that is on disk (or there is no file)."""
WRITE_INTERVAL = 60.0
RETRY_INTERVAL = 5.0
"""Seconds between attempts to write while the disk refuses."""
LONGEST_TICK = 20.0
"""Seconds between two ticks that still count as watched; after that the watchdog ends the process."""
BOOT_S = 1200.0
"""Seconds after the machine's start for which counts wait for a synchronized clock. A Pi starts with an old time, and
what it counts before the network gives the time would be added to an hour that has passed."""


class Recorder:
    """Keeps the counts of one door, made by one detector and model, and the marks on its alerts.

    ``person``, ``alert`` and ``tick`` are for the loop's thread and never wait; ``read``, ``mark`` and ``seen`` are for
    any thread. Owns the thread ``record``, which alone writes. Without a ``path`` everything is in memory only.
    ``report`` receives why the file cannot be written, and None when it can again; ``notice`` that it was written anew
    at its place, and None a while later. ``followers`` are called in the thread ``record`` after counts have moved into
    their slots, which is soon after each slot has ended; what is not on disk yet is named again when it is.
    """

    def __init__(
        self,
        path: Path | None,
        *,
        detector: str,
        model: str,
        report: Callable[[str | None], None],
        clock_synced: Callable[[], bool],
        notice: Callable[[str | None], None] = log_notice,
    ) -> None:
        self.path = path
        self.seen: frozenset[str] = frozenset()
        self.followers: list[Follower] = []
        self._detector = detector
        self._model = model
        self._report = report
        self._clock_synced = clock_synced
        self._bins = Bins()
        self._unwritten: dict[int, Counts] = {}
        self._marks: dict[str, bool] = {}
        self._marks_lock = threading.Lock()
        self._file_lock = threading.RLock()  # of the file and _unwritten; held while it is written or read
        self._ticked = time.monotonic()
        self._file = RecordFile(path, self._opened) if path is not None else None
        self._notice = Notice(notice)
        self._wake = threading.Event()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="record", daemon=True)
        self._thread.start()

    # What the loop tells.

    def person(self, kind: Kind) -> None:
        """Counts a person."""
        self._bins.add("people", kind)

    def alert(self) -> None:
        """Counts an alert."""
        self._bins.add("alerts")

    def tick(self, activity: Activity) -> None:
        """Counts the time since the last tick as ``activity``. Call it once per second at least."""
        now = time.monotonic()
        elapsed, self._ticked = now - self._ticked, now
        if elapsed <= LONGEST_TICK:
            self._bins.add(activity, amount=elapsed)

    def today(self) -> Today:
        """Returns the sums of the local day so far. It reads the file."""
        today = Today()
        for slot in self.read(day_start(date.today()), math.inf):
            today.add(slot.counts, slot.detector)
        return today

    @property
    def detector(self) -> str:
        """Returns the detector that counts."""
        return self._detector

    # What the page asks.

    def read(self, start: float, end: float) -> list[Slot]:
        """Returns the slots from ``start`` until before ``end`` (Unix time), up to this moment.

        A file that cannot be read leaves what is in memory: ``report`` has told why.
        """
        slots: list[Slot] = []
        with self._file_lock:
            if self.path is not None:
                with suppress(sqlite3.Error, OSError):
                    slots = read(self.path, start, end)
            found = {slot: replace(counts) for slot, counts in self._unwritten.items()}
            place(self._bins.copy(), found, self._clock_synced())
        new = [Slot(slot, self._detector, self._model, c) for slot, c in sorted(found.items()) if start <= slot < end]
        return slots + new

    def mark(self, ids: Iterable[str], seen: bool) -> None:
        """Marks alerts as seen, or as not seen. The writer writes it at once."""
        changed = dict.fromkeys(ids, seen)
        with self._marks_lock:
            self._marks |= changed
            self.seen = self.seen | changed.keys() if seen else self.seen - changed.keys()
        self._wake.set()

    def close(self, timeout: float = 1.0) -> bool:
        """Writes what is left, for at most ``timeout`` seconds. Returns False if something could not be written."""
        self._closing = True
        self._wake.set()
        self._thread.join(timeout)
        return not self._thread.is_alive() and not self._unwritten

    # Everything below runs in the writer thread.

    def _run(self) -> None:
        due = self._attempt()
        while not self._closing:
            woken = self._wake.wait(CHECK_INTERVAL)
            self._wake.clear()
            if self._follow() or woken or time.monotonic() >= due:
                due = self._attempt()
            self._notice.tick()
        self._attempt()
        if self._file is not None:
            self._file.close()

    def _follow(self) -> bool:
        with self._file_lock:
            text = self._file.follow() if self._file is not None else None
        if text is not None:
            self._notice.give(text)
        return text is not None

    def _attempt(self) -> float:
        """Writes what is due; returns when to write again (monotonic seconds)."""
        fault = None
        with self._file_lock:
            synced = self._clock_synced()
            placed = self._take_bins(synced)
            changed = days_of(placed if self._file is None else self._unwritten)
            if self._file is not None:
                try:
                    self._write(self._file, synced)
                except (sqlite3.Error, OSError) as error:
                    self._file.close()
                    why = reason(error, self._file.path)
                    fault = f"counts cannot be saved in {self.path}: {why}; they are in memory only"
        self._report(fault)
        self._tell(changed, fault is None)
        return time.monotonic() + (RETRY_INTERVAL if fault else WRITE_INTERVAL)

    def _write(self, file: RecordFile, synced: bool) -> None:
        with self._marks_lock:
            marks = dict(self._marks)
        statements: list[Statement] = [
            (ADD, (slot, self._detector, self._model, *counts.row)) for slot, counts in self._unwritten.items()
        ]
        mark = os.urandom(8).hex()
        statements += [(PUT_WRITTEN, (day.isoformat(), mark)) for day in days_of(self._unwritten)]
        statements += [(PUT_SEEN if seen else DELETE_SEEN, (id,)) for id, seen in marks.items()]
        if statements:
            statements += [(TRIM_COUNTS, ()), (TRIM_SEEN, ()), (TRIM_WRITTEN, ())]
            statements += [(TRIM_OLD, (time.time(),))] if synced else []
        file.write(statements)
        self._unwritten.clear()
        with self._marks_lock:
            self._marks = {id: seen for id, seen in self._marks.items() if marks.get(id) is not seen}

    def _opened(self, kept: frozenset[str]) -> None:
        with self._marks_lock:
            self.seen = (kept - {id for id, seen in self._marks.items() if not seen}) | self.seen

    def _tell(self, changed: Collection[date], on_disk: bool) -> None:
        for follow in self.followers if changed else ():
            try:
                follow(changed, on_disk)
            except Exception:  # counting goes on, whatever others make of it
                log.exception("counts: what follows them has failed")

    def _take_bins(self, synced: bool) -> Collection[int]:
        """Places the bins into slots if they are due: after events, at the end of a slot, and at the end.

        Returns the slots.
        """
        placed: dict[int, Counts] = {}
        if self._closing or self._are_due(synced):
            place(self._bins.take(), placed, synced)
        for slot, counts in placed.items():
            self._unwritten.setdefault(slot, Counts()).add(counts)
        return placed

    def _are_due(self, synced: bool) -> bool:
        age = self._bins.age()
        if not synced and time.clock_gettime(time.CLOCK_BOOTTIME) < BOOT_S:
            return False
        crossed = slot_of(time.time() - age) != slot_of(time.time())
        return crossed or age >= SLOT_S or self._bins.has_events()
