"""Writes files whole or not at all."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def replacing(path: Path, *, durable: bool = True, follow_link: bool = False) -> Iterator[Path]:
    """Yields a temporary path beside ``path``; after the block the file there replaces ``path`` atomically.

    The temporary file is hidden and has the suffix of ``path``, because encoders choose the format by it. If the block
    fails, ``path`` is unchanged and nothing is left beside it; only a kill or a power cut can leave the temporary file.
    After the block the new file survives a power cut, unless ``durable`` is False: then the old or the new one may be
    there. That costs two waits for the disk, too long for the loop's thread. The file keeps its permissions and, for
    root, its owner. A symbolic link is replaced or, with ``follow_link``, kept: then the file that it names is
    replaced. Raises ``OSError`` if the file cannot be replaced.
    """
    target = Path(os.path.realpath(path)) if follow_link else path
    new = target.with_name(f".{target.stem}.{os.getpid()}.new{target.suffix}")
    try:
        yield new
        _copy_rights(target, new)
        if durable:
            _sync(new)
        new.replace(target)
        if durable:
            with suppress(OSError):  # the file is replaced; some folders cannot be opened, or have no sync
                _sync(target.parent)
    finally:
        with suppress(OSError):
            new.unlink(missing_ok=True)


def _copy_rights(old: Path, new: Path) -> None:
    with suppress(FileNotFoundError):
        rights = old.stat(follow_symlinks=False)
        if stat.S_ISLNK(rights.st_mode):
            return
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
