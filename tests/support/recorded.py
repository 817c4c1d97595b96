"""Files of counts, and outboxes with a history, for tests of what is made of them."""

from collections.abc import Callable, Iterable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from edge.mqtt.messages import AlertMessage, encode, uuid7
from edge.outbox.database import connect, transaction
from edge.outbox.sql import PUT_HISTORY
from edge.outbox.sql import SCHEMA as OUTBOX_SCHEMA
from edge.record.counts import SLOT_S, Counts
from edge.record.recorder import Recorder
from edge.record.sql import ADD, SCHEMA

MODEL = "mask@12345678"


def recorder(path: Path | None, report: Callable[[str | None], None] = lambda text: None) -> Recorder:
    """A recorder on a machine whose clock is synchronized."""
    return Recorder(path, detector="yunet", model=MODEL, report=report, clock_synced=lambda: True)


def fill_counts(path: Path, slots: Iterable[tuple[float, Counts]], detector: str = "yunet") -> None:
    """Writes counts into a file as a recorder does, each into the slot in which its moment lies."""
    with closing(connect(path, SCHEMA)) as db, transaction(db):
        for moment, counts in slots:
            db.execute(ADD, (int(moment // SLOT_S) * SLOT_S, detector, MODEL, *counts.row))


def alert(moment: float, **values: Any) -> AlertMessage:
    """An alert raised at a Unix time."""
    time = datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    fields: dict[str, Any] = {
        "event_type": "no_mask", "id": str(uuid7()), "device": "entrance", "time": time, "score": 0.97, "frames": 6,
        "seen_s": 0.4, "track": "abcd1234-1", "box": (1, 2, 3, 4), "frame_size": (640, 480), "clock_synced": True,
        "model": MODEL, "snapshot": False,
    }  # fmt: skip
    return AlertMessage(**fields | values)


def history_of(path: Path, count: int, *, newest: float, apart: float = 60.0) -> list[AlertMessage]:
    """Writes alerts into the history of an outbox, every fourth of the other kind; returns them, the newest first."""
    kinds = ("no_mask", "no_mask", "no_mask", "incorrect_mask")
    made = [alert(newest - apart * age, event_type=kinds[age % 4]) for age in range(count)]
    fill_history(path, reversed(made))
    return made


def fill_history(path: Path, alerts: Iterable[AlertMessage]) -> None:
    """Writes alerts into the history of an outbox file, as delivered ones."""
    with closing(connect(path, OUTBOX_SCHEMA)) as db, transaction(db):
        for one in alerts:
            db.execute(PUT_HISTORY, (encode(one),))
