"""Makes the line of a day in the audit trail, with a checksum of its counts, and tells whether they are the same."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from .counts import Counts
from .reading import Slot
from .sql import DAYS_KEPT, SLOTS_KEPT
from .times import day_bounds, local_iso, unix_time

DAY = "day"
"""What a line of the audit trail is that has a checksum."""
Read = Callable[[float, float], Sequence[Slot]]


def checksum(slots: Iterable[Slot]) -> str:
    """Returns the SHA-256 of slots: of one JSON list per slot and line, ordered by time, detector and model."""
    digest = hashlib.sha256()
    for slot in sorted(slots, key=lambda slot: (slot.start, slot.detector, slot.model)):
        values = [slot.start, slot.detector, slot.model, *slot.counts.row]
        digest.update(json.dumps(values, separators=(",", ":")).encode() + b"\n")
    return digest.hexdigest()


def day_values(day: date, slots: Sequence[Slot]) -> dict[str, Any]:
    """Returns what the trail keeps of a day. Its bounds are named, because the time zone may change later."""
    start, end = day_bounds(day)
    sums = _sums(slots)
    return {
        "day": day.isoformat(),
        "start": local_iso(start),
        "end": local_iso(end),
        "slots": len(slots),
        "people": sums.people,
        "alerts": sums.alerts,
        "sha256": checksum(slots),
    }


def last_lines(entries: Iterable[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Returns the last line of each day, by the day."""
    return {str(entry.get("day")): entry for entry in entries if entry.get("what") == DAY}


def up_to_date(lines: Mapping[str, dict[str, Any]], written: Mapping[date, str]) -> list[dict[str, Any]]:
    """Returns the lines of days whose counts maskwatch has not changed since; ``written`` are the marks of its changes.

    The others get a further line, by a maskwatch that runs: at its start, and in the course of its work.
    """
    marks = {day.isoformat(): mark for day, mark in written.items()}
    return [line for day, line in lines.items() if line.get("mark") == marks.get(day, line.get("mark"))]


def kept_from(starts: Sequence[int], now: float) -> float:
    """Returns from when on no counts were deleted for their age or number; ``starts`` are those of all slots."""
    by_number = day_bounds(date.fromtimestamp(starts[0]))[1] if len(starts) >= SLOTS_KEPT else 0.0
    return max(by_number, now - DAYS_KEPT * 86400)


def faults_of_days(lines: Iterable[dict[str, Any]], read: Read, oldest: float, now: float) -> Iterator[str]:
    """Gives one sentence for each day whose counts are not those of its checksum.

    Counts before ``oldest`` (Unix time) may have been deleted for their age. A day that lasts until after ``now``
    is one of a clock that was set back, and counts are still added to it.
    """
    for line in lines:
        start, end = unix_time(line.get("start")), unix_time(line.get("end"))
        if start is None or end is None:
            yield f"{line.get('day')}: the line of this day does not say when it began and ended"
        elif oldest <= start and end <= now:
            slots = read(start, end)
            if checksum(slots) != line.get("sha256"):
                yield _difference(line, slots)


def _difference(line: dict[str, Any], slots: Sequence[Slot]) -> str:
    sums = _sums(slots)
    was = f"{line.get('slots')} slots, {line.get('people')} people and {line.get('alerts')} alerts"
    return (
        f"{line.get('day')}: the counts are not those of its checksum any more: they were {was}, and are now "
        f"{len(slots)} slots, {sums.people} people and {sums.alerts} alerts"
    )


def _sums(slots: Iterable[Slot]) -> Counts:
    sums = Counts()
    for slot in slots:
        sums.add(slot.counts)
    return sums
