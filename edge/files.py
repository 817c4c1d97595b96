"""Writes files whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def replacing(path: Path, *, durable: bool = True) -> Iterator[Path]:
    """Yields a temporary path beside ``path``; after the block the file there replaces ``path`` atomically.

    The temporary file is hidden and has the suffix of ``path``, because encoders choose the format by it. If the block
    fails, ``path`` is unchanged and nothing is left beside it; only a power cut can leave the temporary file. After the
    block the new file survives a power cut, unless ``durable`` is False: then the old or the new one may be there. The
    file keeps its permissions and, for root, its owner; a symbolic link stays one. Raises ``OSError`` if the
    file cannot be replaced.
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
