"""Databases filled with the counts and alerts of doors, fast, by the statements of the store's writer."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from edge.record.counts import SLOT_S, Counts
from edge.store.engine import Engine
from edge.store.sql import COLUMNS, PUT_ALERT, PUT_CONDITION, PUT_COUNTS, PUT_SPAN

MODEL = "mask@12345678"
BATCH = 20_000
StoredCounts = tuple[str, float, Counts]


def fill_doors(engine: Engine, rows: Iterable[StoredCounts], detector: str = "yunet", model: str = MODEL) -> None:
    """Writes counts, each of a door into the slot in which its moment lies; the doors have announced themselves."""
    waiting, spans = iter(rows), dict[str, list[int]]()
    while batch := list(islice(waiting, BATCH)):
        slots = [(door, int(moment // SLOT_S) * SLOT_S, counts) for door, moment, counts in batch]
        for door, slot, _ in slots:
            span = spans.setdefault(door, [slot, slot])
            span[:] = [min(span[0], slot), max(span[1], slot)]
        times = {slot for _, slot, _ in slots}
        engine.prepare({"counts": times}, max(times))
        engine.write((PUT_COUNTS, (door, slot, detector, model, *counts.row, 0)) for door, slot, counts in slots)
    engine.write((PUT_SPAN, (door, *span)) for door, span in spans.items())
    engine.write((PUT_CONDITION, (door, "ok", None, model)) for door in spans)


def fill_alerts(engine: Engine, rows: Iterable[dict[str, Any]]) -> None:
    """Writes alerts; what a row lacks is made up."""
    made = {"event_type": "no_mask", "score": 0.9, "frames": 5, "seen_s": 1.5, "clock_synced": True, "snapshot": False}
    alerts = [made | {"model": MODEL, "received": row["moment"]} | row for row in rows]
    engine.prepare({"alerts": {row["moment"] for row in alerts}}, max(row["moment"] for row in alerts) // 1000)
    engine.write((PUT_ALERT, tuple(row[name] for name in COLUMNS["alerts"])) for row in alerts)


def quarters(door: str, start: float, end: float, counts: Counts) -> Iterator[StoredCounts]:
    """Gives the same counts for every slot between two Unix times."""
    moment = start
    while moment < end:
        yield door, moment, counts
        moment += SLOT_S
