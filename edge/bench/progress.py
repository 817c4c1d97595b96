"""Shows how far a measurement is."""

import sys
import time
from collections.abc import Callable
from pathlib import Path

Progress = Callable[[str, int], None]
"""Called with what is measured (a source, for example) and how much of it is done."""
INTERVAL = 0.2
"""Seconds between two updates of the line."""


def no_progress(what: str, count: int) -> None:
    """Shows nothing."""


class ProgressLine:
    """Shows one line on a terminal, and nothing where standard error is not a terminal."""

    def __init__(self) -> None:
        self._next_update = 0.0

    def show(self, what: str, count: int) -> None:
        """Replaces the line (a ``Progress``)."""
        if sys.stderr.isatty() and time.monotonic() >= self._next_update:
            self._next_update = time.monotonic() + INTERVAL
            print(f"\r\x1b[K{Path(what).name}: {count}", end="", file=sys.stderr, flush=True)

    def clear(self) -> None:
        """Removes the line."""
        if sys.stderr.isatty():
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
