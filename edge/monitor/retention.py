"""Deletes snapshots that are too old or too many. It loads no OpenCV, so that ``maskwatch purge`` starts at once."""

import os
import time
from contextlib import suppress
from pathlib import Path

from ..clock import clock_synced
from ..config.schema import SnapshotsConfig


def trusted_time() -> float | None:
    """Returns the Unix time from which ages count; None while the clock is not synchronized.

    Such a clock may be years ahead, and everything would be too old.
    """
    return time.time() if clock_synced() else None


def purge(folder: Path, rules: SnapshotsConfig, now: float | None) -> int:
    """Deletes the pictures that are older than ``keep_days`` or beyond ``keep_mb``, oldest first; returns how many.

    The age follows from the files' modification times; with None for ``now`` it does not count, see ``trusted_time``.
    Raises ``OSError`` if the folder cannot be read.
    """
    files = []
    for path in _pictures(folder):
        with suppress(OSError):
            files.append((path.stat().st_mtime, path.stat().st_size, path))
    kept, deleted = 0, 0
    for stamp, size, path in sorted(files, reverse=True):
        kept += size
        is_old = now is not None and now - stamp > rules.keep_days * 86400
        if is_old or kept > rules.keep_mb * 1e6:
            with suppress(OSError):
                path.unlink()
                deleted += 1
    return deleted


def purge_all(folder: Path) -> int:
    """Deletes every picture; returns how many. Raises ``OSError`` if the folder or a picture refuses."""
    deleted = 0
    for path in _pictures(folder):
        path.unlink(missing_ok=True)
        deleted += 1
    return deleted


def _pictures(folder: Path) -> list[Path]:
    """Returns the pictures in a folder that may not exist. Raises ``OSError`` if it cannot be read, unlike ``glob``."""
    try:
        return [folder / name for name in os.listdir(folder) if name.endswith(".jpg")]
    except (FileNotFoundError, NotADirectoryError):
        return []
