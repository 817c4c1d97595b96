"""Deletes snapshots that are too old or too many. It loads no OpenCV, so that ``maskwatch purge`` starts at once."""

import time
from contextlib import suppress
from pathlib import Path

from ..config.schema import SnapshotsConfig


def purge(folder: Path, rules: SnapshotsConfig, now: float | None = None) -> int:
    """Deletes the pictures that are older than ``keep_days`` or beyond ``keep_mb``, oldest first; returns how many.

    The age follows from the files' modification times: a clock that jumps forward deletes pictures early, never late.
    """
    now = time.time() if now is None else now
    files = []
    for path in folder.glob("*.jpg") if folder.is_dir() else ():
        with suppress(OSError):
            files.append((path.stat().st_mtime, path.stat().st_size, path))
    kept, deleted = 0, 0
    for stamp, size, path in sorted(files, reverse=True):
        kept += size
        if now - stamp > rules.keep_days * 86400 or kept > rules.keep_mb * 1e6:
            with suppress(OSError):
                path.unlink()
                deleted += 1
    return deleted


def purge_all(folder: Path) -> int:
    """Deletes every picture; returns how many."""
    deleted = 0
    for path in folder.glob("*.jpg") if folder.is_dir() else ():
        path.unlink(missing_ok=True)
        deleted += 1
    return deleted
