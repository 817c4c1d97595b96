"""Reads what the audit trail says of the days of a report: their checksums, and which configurations were in use."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

TRAIL = "audit.jsonl"


@dataclass(frozen=True, slots=True)
class Checksums:
    """The SHA-256 of each finished day's counts, by day, and the ids of the configurations in use on them."""

    days: Mapping[str, str]
    configs: tuple[str, ...]


def read_checksums(path: Path | None, first: date, last: date) -> Checksums:
    """Reads those from the day ``first`` to the day ``last``. Without a trail, or one that is unreadable, none."""
    lines = [line for line in _day_lines(path) if first.isoformat() <= line["day"] <= last.isoformat()]
    # the last line of a day counts: counts may be added to a finished day when the clock is set back
    return Checksums(
        {line["day"]: line["sha256"] for line in lines},
        tuple(dict.fromkeys(line["config"] for line in lines)),
    )


def _day_lines(path: Path | None) -> Iterable[dict[str, Any]]:
    try:
        text = path.read_text("utf-8", "replace") if path else ""
    except OSError:
        return
    for line in text.splitlines():
        try:
            data = json.loads(line)
        except ValueError:
            continue  # cut by a power cut; maskwatch audit --verify tells of every other fault
        if isinstance(data, dict) and data.get("what") == "day":
            if all(isinstance(data.get(name), str) for name in ("day", "sha256", "config")):
                yield data
