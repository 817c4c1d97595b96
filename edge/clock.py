"""Tells whether the time of this machine can be trusted, and writes times down."""

import ctypes
from datetime import UTC, datetime
from pathlib import Path

TIME_ERROR = 5
"""``adjtimex(2)``: the clock is not synchronized."""
TIMESYNCD = Path("/run/systemd/timesync/synchronized")
"""Exists once systemd-timesyncd has set the clock (its manual page). Needed where a sandbox forbids adjtimex."""


def clock_synced() -> bool:
    """Returns whether the kernel or systemd regards the clock as synchronized. At boot a Pi does not know the time."""
    try:
        buffer = ctypes.create_string_buffer(512)  # struct timex, modes = 0: read only
        state = ctypes.CDLL(None, use_errno=True).adjtimex(buffer)
    except (OSError, AttributeError):
        state = -1
    return bool(state != TIME_ERROR) if state >= 0 else TIMESYNCD.exists()


def utc_iso(moment: float) -> str:
    """Returns a Unix time as UTC ISO 8601 with milliseconds and Z."""
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
