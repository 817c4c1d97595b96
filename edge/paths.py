"""Opens paths that people name.

A path may be anything that a Linux system allows: a name that is not UTF-8, a folder, a named pipe, a name that is too
long. Every function raises ``OSError`` with a ``strerror`` that completes the sentence "PATH cannot be read: ...".
"""

import errno
import os
import stat
from pathlib import Path

KINDS = {
    stat.S_IFDIR: "it is a folder",
    stat.S_IFIFO: "it is a named pipe",
    stat.S_IFSOCK: "it is a socket",
    stat.S_IFCHR: "it is a device",
    stat.S_IFBLK: "it is a device",
}
"""What is no regular file, by its type in ``st_mode``."""


def check_file(path: Path) -> None:
    """Raises ``OSError`` for what is no regular file that can be read. A named pipe is not waited for."""
    os.close(_open(path))


def fault(path: Path) -> str:
    """Returns why a path is no regular file that can be read; an empty text if it is one."""
    try:
        check_file(path)
    except OSError as error:
        return error.strerror or str(error)
    return ""


def read_bytes(path: Path, limit: int = 2**29) -> bytes:
    """Reads a regular file of at most ``limit`` bytes. Raises ``OSError``."""
    with os.fdopen(_open(path), "rb") as file:
        size = os.fstat(file.fileno()).st_size
        content = file.read(size + 1) if size <= limit else b""
        while size < len(content) <= limit and (more := file.read(2**20)):  # it grows, or is one of /proc
            content += more
    if max(size, len(content)) > limit:
        raise OSError(errno.EFBIG, f"it has more than {limit >> 20} MiB", str(path))
    return content


def read_pipe(path: Path, limit: int = 2**20) -> bytes:
    """Reads what a shell hands over as a pipe, or a regular file. Raises ``OSError``.

    A named pipe that nobody writes to is empty at once: opening it for reading would wait for ever.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        os.set_blocking(descriptor, True)  # a writer that is there may not have written yet
        content = file.read(limit + 1)
    if len(content) > limit:
        raise OSError(errno.EFBIG, f"it has more than {limit >> 20} MiB", str(path))
    return content


def read_text(path: Path) -> str:
    """Reads a regular file of UTF-8 text. Raises ``OSError``, and ``UnicodeDecodeError`` for another encoding."""
    return read_bytes(path).decode("utf-8")


def open_at_once(name: str, flags: int) -> int:
    """Opens a file for ``open(..., opener=open_at_once)``. A pipe there is not waited for. Raises ``OSError``."""
    return os.open(name, flags | os.O_NONBLOCK)


def opencv_path(path: Path) -> str:
    """Returns the path as text for OpenCV, which takes UTF-8 only and crashes the process at any other name.

    Raises ``OSError`` if ``path`` is no regular file that can be read, or has another name.
    """
    check_file(path)
    try:
        is_utf8 = str(path).encode("utf-8") == os.fsencode(path)
    except UnicodeEncodeError:
        is_utf8 = False
    if not is_utf8:
        raise OSError(errno.EILSEQ, "its name is not UTF-8, and OpenCV takes no other; rename it", str(path))
    return str(path)


def _open(path: Path) -> int:
    """Opens a regular file for reading; looks at its kind first, because opening a device may do things."""
    try:
        kind = stat.S_IFMT(os.stat(path).st_mode)
    except ValueError:  # a zero byte
        raise OSError(errno.EINVAL, "its name has a zero byte", str(path)) from None
    if kind != stat.S_IFREG:
        raise OSError(errno.EINVAL, KINDS.get(kind, "it is no file"), str(path))
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if (kind := stat.S_IFMT(os.fstat(descriptor).st_mode)) != stat.S_IFREG:  # it was replaced meanwhile
        os.close(descriptor)
        raise OSError(errno.EINVAL, KINDS.get(kind, "it is no file"), str(path))
    return descriptor
