"""Says why a database cannot be written."""

import errno
import os
import sqlite3
from pathlib import Path

from .database import OF_THE_DISK, result_code


def reason(error: Exception, path: Path) -> str:
    """Returns in a few words why a file cannot be written: the same words at every attempt, for the same cause.

    SQLite tells one cause in different ways, one after the other. So the file system is asked again for it.
    """
    if isinstance(error, sqlite3.Error) and result_code(error) in OF_THE_DISK:
        try:
            descriptor = os.open(path.parent, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)
            try:
                os.posix_fallocate(descriptor, 0, 1 << 16)
            finally:
                os.close(descriptor)
        except OSError as cause:
            if cause.errno not in (errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL):  # file systems without such files
                error = cause
    if getattr(error, "errno", None) == errno.ENOSPC or (
        isinstance(error, sqlite3.Error) and result_code(error) == sqlite3.SQLITE_FULL
    ):
        return "the disk is full"
    return getattr(error, "strerror", None) or str(error)
