"""Finds alerts among those that are kept: by time, hour of the day, kind, and whether somebody has seen them."""

import math
import os
import sqlite3
import sys
import threading
import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

from ..mqtt.messages import AlertMessage, EventType
from ..outbox.reading import history, purged
from ..outbox.sql import HISTORY_KEPT
from .times import local_iso, parse_moment, unix_time

COLUMNS = (
    "time local_time event_type score frames seen_s x0 y0 x1 y1 frame_width frame_height clock_synced snapshot seen "
    "device model id"
).split()
"""Columns of an exported alert."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An alert, and its time as Unix time."""

    moment: float
    alert: AlertMessage

    @property
    def key(self) -> tuple[float, str]:
        """Returns the place of the alert in the order of time."""
        return self.moment, self.alert.id


@dataclass(frozen=True, slots=True)
class Search:
    """What is asked for: from ``start`` until before ``end`` (Unix time), in one hour of the local day, of one kind."""

    start: float = -math.inf
    end: float = math.inf
    hour: int | None = None
    kind: str = ""
    seen: bool | None = None

    @classmethod
    def parse(cls, query: Mapping[str, str]) -> "Search":
        """Reads from, to, hour, kind and seen; an empty value asks for all. Raises ``ValueError``."""
        start = parse_moment("from", query["from"], end=False) if query.get("from") else -math.inf
        end = parse_moment("to", query["to"], end=True) if query.get("to") else math.inf
        hour, kind, seen = query.get("hour", ""), query.get("kind", ""), query.get("seen", "")
        if hour and hour not in map(str, range(24)):
            raise ValueError(f"hour '{hour[:40]}' is not a whole number from 0 to 23")
        if kind and kind not in get_args(EventType):
            raise ValueError(f"kind '{kind[:40]}' is not one of {', '.join(get_args(EventType))}")
        if seen not in ("", "yes", "no"):
            raise ValueError(f"seen '{seen[:40]}' is not yes or no")
        if end <= start:
            raise ValueError("to is not after from: choose a later time, or exchange the two")
        return cls(start, end, int(hour) if hour else None, kind, {"yes": True, "no": False}.get(seen))

    def matches(self, entry: Entry, seen: Collection[str]) -> bool:
        """Returns whether an alert is asked for; ``seen`` are the ids of the alerts that somebody has seen."""
        return (
            self.start <= entry.moment < self.end
            and (not self.kind or entry.alert.event_type == self.kind)
            and (self.hour is None or time.localtime(entry.moment).tm_hour == self.hour)
            and (self.seen is None or (entry.alert.id in seen) == self.seen)
        )


class AlertIndex:
    """Keeps the alerts of the outbox's history in memory (about 700 bytes each), the newest first.

    A request reads from the file only what has come since the last one. Any thread may call; callers take turns.
    ``outbox`` is the file, or None where alerts are only printed.
    """

    def __init__(self, outbox: Path | None) -> None:
        self._outbox = outbox
        self._entries: dict[str, Entry] = {}
        self._sorted: list[Entry] = []
        self._last = 0
        self._purged = ""
        self._forgotten: set[str] = set()
        self._lock = threading.Lock()

    def load(self) -> list[Entry]:
        """Returns all alerts. Raises ``sqlite3.Error``."""
        with self._lock:
            self._read()
            return self._sort()

    def update(self, recent: Iterable[AlertMessage] = ()) -> list[Entry]:
        """Returns all alerts; ``recent`` are those that the file may not have yet.

        A file that is damaged or locked leaves what was read before: health reports it.
        """
        with self._lock:
            try:
                self._read(recent)
            except (sqlite3.Error, OSError):
                pass
            for alert in recent:
                if alert.id not in self._entries and alert.id not in self._forgotten:
                    self._add(alert)
            return self._sorted if len(self._entries) == len(self._sorted) else self._sort()

    def _sort(self) -> list[Entry]:
        newest = sorted(self._entries.values(), key=lambda entry: entry.key, reverse=True)
        self._sorted = newest[:HISTORY_KEPT]
        self._entries = {entry.alert.id: entry for entry in self._sorted}
        return self._sorted

    def _read(self, recent: Iterable[AlertMessage] = ()) -> None:
        if self._outbox is None or not os.path.exists(self._outbox):
            return
        mark, before = purged(self._outbox)
        if mark not in ("", self._purged):  # somebody has deleted alerts: what is left is read anew
            self._forgotten = {alert.id for alert in recent if moment_of(alert) < before}
            self._purged, self._last, self._entries, self._sorted = mark, 0, {}, []
        self._last, payloads = history(self._outbox, self._last)
        for payload in payloads:
            try:
                self._add(AlertMessage.decode(payload))
            except ValueError:
                continue  # what is left of a damaged file

    def _add(self, alert: AlertMessage) -> None:
        shared = replace(alert, device=sys.intern(alert.device), model=sys.intern(alert.model))
        self._entries[alert.id] = Entry(moment_of(alert), shared)


def exported(entry: Entry, seen: Collection[str]) -> dict[str, Any]:
    """Returns an alert as a row of an export: its time in UTC and in local time, and no position in words."""
    alert = entry.alert
    (x0, y0, x1, y1), (width, height) = alert.box, alert.frame_size
    values = (
        alert.time, local_iso(entry.moment, "milliseconds"), alert.event_type, alert.score, alert.frames, alert.seen_s,
        x0, y0, x1, y1, width, height, alert.clock_synced, alert.snapshot, alert.id in seen, alert.device, alert.model,
        alert.id,
    )  # fmt: skip
    return dict(zip(COLUMNS, values, strict=True))


def moment_of(alert: AlertMessage) -> float:
    """Returns the Unix time of an alert; 0 if it has none."""
    return unix_time(alert.time) or 0.0
