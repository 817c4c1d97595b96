"""What doors say to a store, and what a store then holds."""

import json
import time
from collections.abc import Iterable
from typing import Any

from support import until

from edge.mqtt.day_counts import SLOT_COLUMNS
from edge.mqtt.messages import AlertMessage, encode, uuid7
from edge.store.engine import Engine
from edge.store.spool import Spool
from edge.store.writer import StoreWriter

QUARTER = 900


def alert(door: str = "porch", at: float | None = None, **more: Any) -> bytes:
    """An alert as a door sends it, with a track, a face's place and all else that a store must not keep."""
    moment = time.time() if at is None else at
    text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(moment)) + f".{int(moment * 1000) % 1000:03}Z"
    values: dict[str, Any] = {
        "event_type": "no_mask", "id": str(uuid7()), "device": door, "time": text, "score": 0.97, "frames": 6,
        "seen_s": 0.4, "track": "canary-of-a-track", "box": (1, 2, 3, 4), "frame_size": (640, 480),
        "clock_synced": True, "model": "mask@1234abcd",
    }  # fmt: skip
    return encode(AlertMessage(**values | more))


def counts(*slots: tuple[float, ...], detector: str = "yunet", model: str = "mask@1234abcd") -> bytes:
    """The counts of a day; each slot has its start, people with a mask, and seconds of watching."""
    rows = [[start, people, people, 0, 0, 0, 0, watched, 0, 0, 0] for start, people, watched in slots]
    assert all(len(row) == len(SLOT_COLUMNS) for row in rows)
    series = [{"detector": detector, "model": model, "slots": rows}]
    return json.dumps({"schema": 1, "day": "2026-11-27", "hours": [], "series": series}).encode()


def health(camera: str = "ok", problem: str | None = None) -> bytes:
    return json.dumps({"schema": 1, "camera": camera, "model": "mask@1234abcd", "problem": problem}).encode()


def slot_before(seconds: float = 0) -> int:
    """The start of a slot so many seconds ago."""
    return int((time.time() - seconds) // QUARTER * QUARTER)


class Stored:
    """A writer between a spool and a database, and what it has reported."""

    def __init__(self, spool: Spool, engine: Engine, keep_days: int = 400, synced: bool = True) -> None:
        self.spool = spool
        self.reports: list[str | None] = []
        self.writer = StoreWriter(spool, engine, keep_days, self.reports.append, synced=lambda: synced)

    def take(self, *messages: tuple[str, str, bytes], retained: bool = False) -> None:
        """Spools messages, and waits until they are in the database."""
        self.spool.put_all([(*message, retained) for message in messages])
        self.settle()

    def settle(self) -> None:
        until(lambda: not self.spool.batch(1), "the spool is empty", 30)

    def close(self) -> None:
        assert self.writer.close(), "something waits"


def everything(engine: Engine, tables: Iterable[str]) -> str:
    """All that the tables hold, as one text."""
    return "\n".join(str(engine.rows(f"SELECT * FROM {table}")) for table in tables)
