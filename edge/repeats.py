"""Bounds the log: a warning that is repeated is told some times, and then counted."""

import logging
import time
from dataclasses import dataclass

MAX_LINES, MAX_TRACEBACKS, WINDOW_S = 100, 10, 60.0
"""Lines, and tracebacks, of one message within so many seconds; beyond that they are counted."""
MAX_MESSAGES = 500
"""Messages that are counted apart; beyond that, the oldest is forgotten."""


@dataclass(slots=True)
class Count:
    """How often a message was told and left out since ``begin`` (monotonic seconds)."""

    begin: float
    told: int = 0
    left_out: int = 0


class Repeats(logging.Filter):
    """A filter for a log handler: leaves out warnings and errors that are repeated, and says how many those were.

    What changes in a message (addresses, numbers) does not make it another one.
    """

    def __init__(self) -> None:
        super().__init__()
        self._counts: dict[tuple[str, int, str], Count] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Returns whether a record is logged. The handler's lock is not held: counts may be off by one."""
        if record.levelno < logging.WARNING:
            return True
        now, key = time.monotonic(), (record.name, record.levelno, str(record.msg))
        count = self._counts.get(key)
        if count is None or now - count.begin > WINDOW_S:
            self._counts.pop(key, None)
            if len(self._counts) >= MAX_MESSAGES:
                self._counts.pop(next(iter(self._counts)), None)
            if count and count.left_out:
                record.msg = f"{record.getMessage()} (and {count.left_out} times more since the last such line)"
                record.args = ()
            count = self._counts[key] = Count(now)
        count.told += 1
        is_told = count.told <= (MAX_TRACEBACKS if record.exc_info else MAX_LINES)
        count.left_out += not is_told
        return is_told
