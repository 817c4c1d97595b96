"""Notices that an open database is no longer the file to which its path leads, or that somebody has overwritten it."""

import errno
import os
import stat
from pathlib import Path

LARGEST = 64 << 20
"""Bytes of a file that is read as a whole, at most; an outbox or a record has less than 20 million."""


class Place:
    """The file to which a path leads when it is opened. Belongs to the thread that writes, until ``close``.

    What another program does to the path is seen by the file's device and inode, what it does to the content by
    SQLite's counter of changes and by the size. Raises ``OSError``.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        # stays open: closing any descriptor of a file ends SQLite's locks on it in this process
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        status = os.fstat(self._descriptor)
        self.file = _identity(status)
        self._state = (0, 0)
        if not stat.S_ISREG(status.st_mode):
            self.close()
            raise OSError(errno.EINVAL, "it is not a file")

    def is_current(self) -> bool:
        """Returns whether the path still leads to this file."""
        return _identity(os.stat(self._path)) == self.file

    def change(self) -> str | None:
        """Returns what somebody has done to the file, in words that follow its name; None if nothing."""
        try:
            if not self.is_current():
                return "was replaced by another file"
        except (FileNotFoundError, NotADirectoryError):
            return "was deleted or moved"
        except OSError as error:
            return f"cannot be reached any more ({error.strerror})"
        now = self._read_state()
        return "was overwritten" if any(new < old for new, old in zip(now, self._state, strict=True)) else None

    def written(self) -> None:
        """Notes the state that this program has written."""
        self._state = self._read_state()

    def content(self) -> bytes:
        """Returns the content, also of a file that has no name any more; nothing if it cannot be read."""
        try:
            size = os.fstat(self._descriptor).st_size
            return os.pread(self._descriptor, size, 0) if size <= LARGEST else b""
        except OSError:
            return b""

    def close(self) -> None:
        os.close(self._descriptor)

    def _read_state(self) -> tuple[int, int]:
        """Returns size and counter of changes; both only grow, also when another process writes by SQLite."""
        try:
            return os.fstat(self._descriptor).st_size, int.from_bytes(os.pread(self._descriptor, 4, 24), "big")
        except OSError:
            return 0, 0


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino
