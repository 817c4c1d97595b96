"""Writes files whole or not at all."""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path

LONGEST_STEM = 200
"""Bytes of a name that its temporary file takes over."""

NOT_REPLACEABLE = (errno.EBUSY, errno.EXDEV, errno.EACCES, errno.EPERM, errno.EROFS)
"""Errors after which a file may still be written in place. A full disk is not among them."""


@contextmanager
def replacing(path: Path, *, durable: bool = True) -> Iterator[Path]:
    """Yields a temporary path beside ``path``; after the block the file there replaces ``path`` atomically.

    The temporary file is hidden and has the suffix of ``path``, because encoders choose the format by it. If the block
    fails, ``path`` is unchanged and nothing is left beside it; only a kill or a power cut can leave the temporary file.
    After the block the new file survives a power cut, unless ``durable`` is False: then the old or the new one may be
    there. That costs two waits for the disk, too long for the loop's thread. The file keeps its permissions and, for
    root, its owner. A symbolic link is replaced, not the file that it names. Raises ``OSError`` if the file cannot be
    replaced.
    """
    stem = os.fsdecode(os.fsencode(path.stem)[:LONGEST_STEM])  # a file name has 255 bytes at most
    new = path.with_name(f".{stem}.{os.getpid()}.new{path.suffix}")
    try:
        yield new
        _copy_rights(path, new)
        if durable:
            _sync(new)
        new.replace(path)
        if durable:
            with suppress(OSError):  # the file is replaced; some folders cannot be opened, or have no sync
                _sync(path.parent)
    finally:
        with suppress(OSError):
            new.unlink(missing_ok=True)


def replace(path: Path, content: bytes) -> None:
    """Replaces a file like ``replacing``; a new one may be read by its owner only. Raises ``OSError``."""
    with replacing(path) as new:
        new.unlink(missing_ok=True)  # of a process that was killed; O_EXCL follows no link that somebody put there
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
            file.write(content)


def write_whole(path: Path, content: bytes) -> None:
    """Writes a text file whole or not at all; a symbolic link is kept, a new file may be read by its owner only.

    The file is replaced like in ``replacing``. Where that cannot be, or would not be the same file any more, it is
    written in place: a bind mount, a folder that may not be written, a hard link, a file of another user. Raises
    ``OSError``, and then the file is unchanged.
    """
    target = Path(os.path.realpath(path))
    if path.exists() and not target.exists():
        raise FileNotFoundError(errno.ENOENT, "the file has been deleted", str(path))
    if not _must_stay(target):
        try:
            return replace(target, content)
        except OSError as error:
            if error.errno not in NOT_REPLACEABLE or not target.exists():
                raise
    _overwrite(target, content)


def _must_stay(path: Path) -> bool:
    try:
        status = path.stat()
    except FileNotFoundError:
        return False
    return status.st_nlink > 1 or os.geteuid() not in (0, status.st_uid)


def _overwrite(path: Path, content: bytes) -> None:
    """Writes a file in place; writes the old content back if that fails.

    One write covers the old content too, with line ends: a process that is killed before the file is cut has written
    empty lines at its end, not a piece of the old text.
    """
    with open(path, "r+b", buffering=0) as file:
        old = file.read()
        try:
            _write_all(file, content.ljust(len(old), b"\n"))
            file.truncate(len(content))
            os.fsync(file.fileno())
        except BaseException:
            _write_all(file, old)
            file.truncate(len(old))
            raise


def _write_all(file: FileIO, content: bytes) -> None:
    file.seek(0)
    view = memoryview(content)
    while view:
        view = view[file.write(view) :]


def _copy_rights(old: Path, new: Path) -> None:
    with suppress(FileNotFoundError):
        rights = old.stat(follow_symlinks=False)
        if stat.S_ISLNK(rights.st_mode):
            return
        new.chmod(rights.st_mode & 0o7777)
        if os.geteuid() == 0:
            os.chown(new, rights.st_uid, rights.st_gid)
        for name in os.listxattr(old):  # access control lists, for example
            with suppress(OSError):
                os.setxattr(new, name, os.getxattr(old, name))


def _sync(path: Path) -> None:
    """Writes a file's content, or a folder's names, to the disk. A rename is only as durable as its folder."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
