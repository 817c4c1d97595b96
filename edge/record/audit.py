"""Keeps the audit trail: who changed which option when, and a checksum of each day's counts.

The file ``audit.jsonl`` in the state folder has one JSON object per line. Each holds the SHA-256 of the line before
it, so that a line that was changed or removed later is noticed.
"""

import errno
import fcntl
import hashlib
import json
import os
import re
import stat
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ..clock import clock_synced, utc_iso
from ..files import replace, sync_folder

MOST_BYTES = 5_000_000
"""Bytes of the file at most: 14,000 changes, or the checksums of 30 years."""
KEPT_BYTES = MOST_BYTES // 2
"""Bytes of the newest lines that stay when the file is full."""
FIRST = "0" * 64
"""What the first line of a trail has as the hash of the line before it."""
DROPPED = "dropped"
"""The first line of a file that was full: how many lines were dropped, and the hash of the last of them."""
LOCKED_S = 5.0
"""Seconds for which another process may hold the lock: it writes one line."""
HASH = re.compile(rb',"hash":"([0-9a-f]{64})"}\Z')
Values = Mapping[str, Any]


class AuditTrail:
    """Appends to the trail, from any thread and process of this machine: a line is locked, written and synced at once.

    What a power cut has left of a line is cut off by the next one, which says how many bytes that were.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._last: str | None = None  # hash of the last line, so that a file that was deleted meanwhile is noticed

    def append(self, what: str, values: Values, moment: float | None = None) -> None:
        """Adds a line: ``time``, ``what``, the values, and the chain. Raises ``OSError``, and then nothing is added.

        ``moment`` is when it happened (Unix time), now if it is None.
        """
        head = {"time": utc_iso(time.time() if moment is None else moment), "what": what, **values}
        if not clock_synced():
            head["clock_synced"] = False
        try:
            with locked(self.path, os.O_RDWR | os.O_CREAT) as file:
                self._last = _append(self.path, file, head, self._last)
        except OSError as error:
            raise OSError(error.errno, error.strerror or str(error), str(self.path)) from error


def hash_of(line: bytes) -> str:
    """Returns the hash with which a line, without its end, is referred to by the next one."""
    found = HASH.search(line, max(0, len(line) - 80))
    return found[1].decode() if found else hashlib.sha256(line).hexdigest()


def is_intact(line: bytes) -> bool:
    """Returns whether a line, without its end, is as it was written."""
    found = HASH.search(line, max(0, len(line) - 80))
    return found is not None and found[1].decode() == hashlib.sha256(line[: found.start()]).hexdigest()


@contextmanager
def locked(path: Path, flags: int) -> Iterator[int]:
    """Yields the open and locked file of a trail, to be read or appended to. Raises ``OSError``."""
    deadline = time.monotonic() + LOCKED_S
    while True:
        file = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
        try:
            if not stat.S_ISREG(os.fstat(file).st_mode):
                raise OSError(errno.EINVAL, "it is no file")
            _lock(file, fcntl.LOCK_SH if flags == os.O_RDONLY else fcntl.LOCK_EX, deadline)
            if _is_at(path, file):  # else another process has replaced the file
                yield file
                return
        finally:
            os.close(file)


def _lock(file: int, how: int, deadline: float) -> None:
    while True:
        try:
            return fcntl.flock(file, how | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise OSError(errno.EAGAIN, "another process holds it locked") from None
            time.sleep(0.01)
        except OSError as error:
            if error.errno not in (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS):
                raise
            return  # some network file systems know no locks


def _is_at(path: Path, file: int) -> bool:
    with suppress(FileNotFoundError):
        return os.path.samestat(os.stat(path), os.fstat(file))
    return False


def _append(path: Path, file: int, head: dict[str, Any], known: str | None) -> str:
    """Appends a line to the open file; returns its hash."""
    size = os.fstat(file).st_size
    last, rest = _last_line(file, size)
    if rest and is_intact(rest):  # only its end is missing: an editor has removed it
        last, rest, size = rest, b"", size + 1
    if rest:
        head |= {"cut": len(rest)}
    line = _sealed(head, hash_of(last) if last else known or FIRST)
    end = size - len(rest)
    if end + len(line) > MOST_BYTES:
        replace(path, _newest(os.pread(file, end, 0).ljust(end, b"\n")) + line)
    else:
        _write(file, line, end)
        if not end:
            sync_folder(path.parent)
    return hash_of(line[:-1])


def _write(file: int, line: bytes, end: int) -> None:
    """Writes a line behind ``end`` bytes, whole or not at all. The end of the line before it may be missing there."""
    size = min(end, os.fstat(file).st_size)
    try:
        os.ftruncate(file, size)
        _write_at(file, b"\n" * bool(end) + line, max(0, end - 1))
        os.fsync(file)
    except OSError:
        with suppress(OSError):
            os.ftruncate(file, size)
        raise


def _last_line(file: int, size: int) -> tuple[bytes, bytes]:
    """Returns the last whole line without its end, and what follows it."""
    length = 4096
    while True:
        length = min(length * 4, size)
        tail = os.pread(file, length, size - length)
        lines, _, rest = tail.rpartition(b"\n")
        if length == size or b"\n" in lines:
            return lines.rpartition(b"\n")[2], rest


def _sealed(values: Values, previous: str) -> bytes:
    """Returns the line of some values. The hash is that of the bytes before it."""
    text = json.dumps({**values, "prev": previous}, separators=(",", ":")).encode()[:-1]
    return text + b',"hash":"%s"}\n' % hashlib.sha256(text).hexdigest().encode()


def _newest(content: bytes) -> bytes:
    """Returns the newest lines, after one that says how many were dropped, and from which hash they continue."""
    start = content.index(b"\n", len(content) - KEPT_BYTES) + 1
    dropped = content[: start - 1].split(b"\n")
    count = len(dropped)
    with suppress(ValueError, TypeError, AttributeError):
        first = json.loads(dropped[0])
        count += first["lines"] - 1 if first.get("what") == DROPPED else 0
    head = {"time": utc_iso(time.time()), "what": DROPPED, "lines": count, "continues": hash_of(dropped[-1])}
    return _sealed(head, FIRST) + content[start:]


def _write_at(file: int, content: bytes, place: int) -> None:
    while content:
        written = os.pwrite(file, content, place)
        content, place = content[written:], place + written
