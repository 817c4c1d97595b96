"""Writes files whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def replacing(path: Path, *, durable: bool = True) -> Iterator[Path]:
    """Gives the place to write a file that then replaces ``path``: beside it, hidden, with its suffix.

    The suffix stays because encoders go by it. Whatever fails inside, ``path`` stays as it was and nothing is left
    beside it; only a power cut can leave the hidden file. After the block the new file survives a power cut, unless
    ``durable`` is False: then the old or the new one may be there. The file keeps its permissions and, for root, its
    owner; a symbolic link stays one. Raises ``OSError`` where the place cannot be taken.
    """
    target = Path(os.path.realpath(path))
    new = target.with_name(f".{target.stem}.{os.getpid()}.new{target.suffix}")
    try:
        yield new
        _copy_rights(target, new)
        if durable:
            _sync(new)
        new.replace(target)
        if durable:
            _sync(target.parent)
    finally:
        with suppress(OSError):
            new.unlink(missing_ok=True)


def _copy_rights(old: Path, new: Path) -> None:
    with suppress(FileNotFoundError):
        rights = old.stat()
        new.chmod(rights.st_mode & 0o7777)
        if os.geteuid() == 0:
            os.chown(new, rights.st_uid, rights.st_gid)


def _sync(path: Path) -> None:
    """Writes a file's content, or a folder's names, to the disk. A rename is only as durable as its folder."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
