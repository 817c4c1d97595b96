"""Deletes snapshots that are too old or too many. It loads no OpenCV, so that ``maskwatch purge`` starts at once."""

import os
import time
from contextlib import suppress
from pathlib import Path

from ..config.schema import SnapshotsConfig


def purge(folder: Path, rules: SnapshotsConfig, now: float | None = None) -> int:
    """Deletes the pictures that are older than ``keep_days`` or beyond ``keep_mb``, oldest first; returns how many.

    The age follows from the files' modification times: a clock that jumps forward deletes pictures early, never late.
    Raises ``OSError`` if the folder cannot be read.
    """
    now = time.time() if now is None else now
    files = []
    for path in _pictures(folder):
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
