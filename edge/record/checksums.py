"""Reads what the audit trail says of the days of a report: their checksums, and which configurations were in use."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from .audit_reading import entries, read_lines
from .day_lines import last_lines

TRAIL = "audit.jsonl"
"""The file of the audit trail, beside that of the counts."""


@dataclass(frozen=True, slots=True)
class Checksums:
    """The SHA-256 of each finished day's counts, by day, and the ids of the configurations in use on them."""

    days: Mapping[str, str]
    configs: tuple[str, ...]


def read_checksums(path: Path | None, first: date, last: date) -> Checksums:
    """Reads those from the day ``first`` to the day ``last``; none without a trail, or from one that is unreadable."""
    days: dict[str, dict[str, Any]] = {}
    if path is not None:
        with suppress(OSError):  # maskwatch audit says why
            days = last_lines(entries(read_lines(path)))
    chosen = {day: line for day, line in sorted(days.items()) if first.isoformat() <= day <= last.isoformat()}
    return Checksums(
        {day: str(line.get("sha256")) for day, line in chosen.items()},
        tuple(dict.fromkeys(str(line["config"]) for line in chosen.values() if "config" in line)),
    )
