"""What this machine tells of itself: whether its clock is synchronized."""

import ctypes
from pathlib import Path

TIME_ERROR = 5
"""``adjtimex(2)``: the clock is not synchronized."""
TIMESYNCD = Path("/run/systemd/timesync/synchronized")
"""There once systemd-timesyncd has set the clock (its manual page); the only word where a sandbox forbids adjtimex."""


def clock_synced() -> bool:
    """Whether the clock is held for synchronized, by the kernel or by systemd: a Pi has no clock of its own at boot."""
    try:
        buffer = ctypes.create_string_buffer(512)  # struct timex, modes = 0: read only
        state = ctypes.CDLL(None, use_errno=True).adjtimex(buffer)
    except (OSError, AttributeError):
        state = -1
    return bool(state != TIME_ERROR) if state >= 0 else TIMESYNCD.exists()
