"""Decides what the next text says and when it is due: at once, gathered with others, or after quiet hours."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from ..mqtt.messages import AlertMessage
from .quiet import QuietHours
from .store import Entry
from .texts import Text, alert_text, burst_text, fault_text, summary_text, test_text

LONGEST_WAIT = 20.0
"""Seconds after which the time of day is looked at again: a clock may be set."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Entries that become one text."""

    entries: Sequence[Entry]
    text: Text


@dataclass(frozen=True, slots=True)
class Window:
    """The time after a text about a door, for which further alerts of this door are gathered."""

    until: float
    told: Sequence[AlertMessage]


class Plan:
    """Plans the texts of one phone. ``now`` is in monotonic seconds, ``clock`` is local time."""

    def __init__(self, burst: float, quiet: QuietHours | None) -> None:
        self._burst = burst
        self._quiet = quiet
        self._windows: dict[str, Window] = {}

    def next(self, entries: Sequence[Entry], now: float, clock: datetime) -> Batch | float:
        """Returns what is due, or the seconds for which nothing will be if nothing arrives."""
        for entry in entries:
            if entry.kind == "test":
                return Batch([entry], test_text(entry.device, entry.device))
        if self._quiet and self._quiet.contains(clock):
            for entry in entries:
                entry.held, entry.since = True, now
            return LONGEST_WAIT
        if held := [entry for entry in entries if entry.held]:
            return self._held(held)
        doors = dict.fromkeys(entry.device for entry in entries)
        plans = [self._door(door, [entry for entry in entries if entry.device == door], now) for door in doors]
        batches = [plan for plan in plans if isinstance(plan, Batch)]
        if batches:
            return min(batches, key=lambda batch: batch.entries[0].since)
        return min([LONGEST_WAIT, *(plan for plan in plans if not isinstance(plan, Batch))])

    def restore(self, entries: Iterable[Entry]) -> None:
        """Marks what an earlier run held back in quiet hours."""
        for entry in entries:
            entry.held = bool(self._quiet and self._quiet.contains(datetime.fromtimestamp(entry.received)))

    def sent(self, batch: Batch, now: float) -> None:
        """Notes that a text was accepted."""
        alerts = [alert for entry in batch.entries if (alert := decoded(entry))]
        if self._burst and alerts and batch.text.device:
            # only a text about one person is followed up: "5 people (4 more since ...)"
            self._windows[batch.text.device] = Window(now + self._burst, alerts if len(alerts) == 1 else [])

    def _held(self, held: Sequence[Entry]) -> Batch:
        if len(held) == 1:
            return _single(held[0])
        alerts: dict[str, list[AlertMessage]] = {}
        for entry in held:
            if alert := decoded(entry):
                alerts.setdefault(entry.device, []).append(alert)
        faults = [(entry.device, condition_of(entry)) for entry in held if entry.kind == "fault"]
        return Batch(held, summary_text(alerts, faults))

    def _door(self, device: str, entries: Sequence[Entry], now: float) -> Batch | float:
        """Returns what is due of one door, or the seconds until something may be."""
        for entry in entries:
            if entry.kind == "fault":
                return _single(entry)
        pictures_due = max(0.0 if entry.picture else entry.picture_due for entry in entries[:1])
        if now < pictures_due:
            return pictures_due - now
        if not self._burst:
            return _single(entries[0])
        window = self._windows.get(device, Window(0.0, []))
        if now < window.until:
            return window.until - now
        alerts = [alert for entry in entries if (alert := decoded(entry))]
        told = window.told if entries[0].since < window.until else []
        if len(alerts) <= 1 and not told:
            return _single(entries[0])
        picture = next((entry.picture for entry in entries if entry.picture), None)
        return Batch(entries, burst_text(alerts, told, picture))


def decoded(entry: Entry) -> AlertMessage | None:
    """Returns the alert of an entry; None if it is not about one, or was damaged on disk."""
    try:
        return AlertMessage.decode(entry.payload) if entry.kind == "alert" else None
    except ValueError:
        return None


def condition_of(entry: Entry) -> str:
    """Returns the condition of a door that an entry is about."""
    return entry.payload.decode() if entry.kind == "fault" else "has an alert that cannot be read"


def _single(entry: Entry) -> Batch:
    alert = decoded(entry)
    if alert:
        return Batch([entry], alert_text(alert, entry.picture))
    return Batch([entry], fault_text(entry.device, condition_of(entry), datetime.fromtimestamp(entry.received)))
