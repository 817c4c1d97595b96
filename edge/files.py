"""Writes files whole or not at all.

Everything is done through descriptors of the folder and of the new file, so that nobody who may write in the folder
can have another file changed or given. Where the folder itself may be replaced, see owners.py.
"""

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
FOLDER = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC
PRIVATE, PUBLIC = 0o600, 0o666
"""Permissions of a new file: for its owner only; for everybody whom the process does not exclude (umask)."""
NOT_COPIED = ("security.", "trusted.")
"""Attributes that a new file does not get from the old one: capabilities, for example."""


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yields a temporary path beside ``path``; after the block the file there replaces ``path`` like in ``replace``.

    It is for encoders that write to a path only. The temporary file is hidden and has the suffix of ``path``, because
    they choose the format by it. If the block fails, ``path`` is unchanged and nothing is left beside it; only a kill
    or a power cut can leave the temporary file.
    """
    with _folder_of(path) as folder:
        new = _temporary(path)
        try:
            yield path.with_name(new)
            with open(_open_written(folder, new), "rb") as file:
                _copy_rights(folder, path.name, file.fileno())
                _put_in_place(folder, file.fileno(), new, path.name, durable=True)
        finally:
            with suppress(OSError):
                os.unlink(new, dir_fd=folder)


def replace(path: Path, content: bytes, *, durable: bool = True, mode: int = PRIVATE) -> None:
    """Replaces a file atomically. Raises ``OSError``, and then it is unchanged.

    Afterwards the new file survives a power cut, unless ``durable`` is False: then the old or the new one may be
    there. That costs two waits for the disk, too long for the loop's thread. The file keeps its permissions and, for
    root, its owner; a new one gets ``mode``. A symbolic link is replaced, not the file that it names.
    """
    with _folder_of(path) as folder:
        new = _temporary(path)
        with suppress(FileNotFoundError):
            os.unlink(new, dir_fd=folder)  # of a process that was killed
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC  # O_EXCL follows no link either
            with open(os.open(new, flags, mode, dir_fd=folder), "wb") as file:
                _copy_rights(folder, path.name, file.fileno())
                file.write(content)
                file.flush()
                _put_in_place(folder, file.fileno(), new, path.name, durable=durable)
        finally:
            with suppress(OSError):
                os.unlink(new, dir_fd=folder)


def write_whole(path: Path, content: bytes) -> None:
    """Writes a text file whole or not at all; a symbolic link is kept, a new file may be read by its owner only.

    The file is replaced like in ``replace``. Where that cannot be, or would not be the same file any more, it is
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


@contextmanager
def _folder_of(path: Path) -> Iterator[int]:
    folder = os.open(path.parent, FOLDER)
    try:
        yield folder
    finally:
        os.close(folder)


def _open_written(folder: int, name: str) -> int:
    """Opens what an encoder has written. Raises ``OSError`` if somebody has put something else in its place."""
    file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    status = os.fstat(file)
    if not stat.S_ISREG(status.st_mode) or status.st_nlink != 1 or status.st_uid != os.geteuid():
        os.close(file)
        raise OSError(errno.EINVAL, "another user has replaced the file while it was written", name)
    return file


def _temporary(path: Path) -> str:
    """Returns the name of the temporary file for a path."""
    stem = os.fsdecode(os.fsencode(path.stem)[:LONGEST_STEM])  # a file name has 255 bytes at most
    return f".{stem}.{os.getpid()}.new{path.suffix}"


def _put_in_place(folder: int, file: int, new: str, name: str, *, durable: bool) -> None:
    """Renames a new file, which is open, to its name. A rename is only as durable as its folder."""
    if durable:
        os.fsync(file)
    os.replace(new, name, src_dir_fd=folder, dst_dir_fd=folder)
    if durable:
        sync_folder(".", folder)


def sync_folder(path: str | Path, folder: int | None = None) -> None:
    """Waits until the names in a folder are on the disk; some folders cannot be opened, or have no sync.

    A relative path begins in ``folder``.
    """
    with suppress(OSError):
        opened = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=folder)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)


def _copy_rights(folder: int, name: str, new: int) -> None:
    """Gives a new file, which is open, the permissions of the file that it will replace, and for root its owner.

    Not the permission to run with its owner's rights: the name may be a link to a program of root.
    """
    with suppress(FileNotFoundError):
        rights = os.stat(name, dir_fd=folder, follow_symlinks=False)
        if not stat.S_ISREG(rights.st_mode):
            return
        if os.geteuid() == 0:
            os.fchown(new, rights.st_uid, rights.st_gid)
        os.fchmod(new, rights.st_mode & 0o777)
        _copy_attributes(folder, name, new)


def _copy_attributes(folder: int, name: str, new: int) -> None:
    """Copies what else a file has, access control lists for example, as far as that can be."""
    with suppress(OSError):
        old = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
        try:
            for attribute in os.listxattr(old):
                if not attribute.startswith(NOT_COPIED):
                    with suppress(OSError):
                        os.setxattr(new, attribute, os.getxattr(old, attribute))
        finally:
            os.close(old)
