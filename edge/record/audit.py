"""Keeps the audit trail: who changed which option when, and a checksum of each day's counts.

The file ``audit.jsonl`` in the state folder has one JSON object per line. Each holds the SHA-256 of the line before
it, so that a line that was changed or removed later is noticed.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any


class AuditTrail:
    """Appends to the trail, from any process of this machine: a line is locked, written and synced at once."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, what: str, values: Mapping[str, Any]) -> None:
        """Adds a line: ``time``, ``what``, the values, and the chain. Raises ``OSError``."""
        raise NotImplementedError
