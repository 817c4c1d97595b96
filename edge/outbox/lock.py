"""Keeps a file for one process, by a lock on another file beside it."""

import fcntl
import os
from pathlib import Path


def take_lock(path: Path) -> int | None:
    """Locks ``NAME.lock`` beside a file; returns the descriptor that holds the lock until it is closed.

    None where that cannot be: opening the file itself says why, and some network file systems know no locks. Raises
    ``BlockingIOError`` where another process has the lock.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise
    except OSError:
        pass
    return lock
