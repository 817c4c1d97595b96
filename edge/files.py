"""A file is written whole or not at all."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Where to write what then takes the place of ``path``: beside it, hidden, with its suffix (encoders go by that).

    Whatever fails inside, ``path`` stays as it was and nothing is left beside it; only a power cut can leave the
    hidden file, and the next writing replaces that. Raises ``OSError`` where the place cannot be taken.
    """
    new = path.with_name(f".{path.stem}.new{path.suffix}")
    try:
        yield new
        new.replace(path)
    finally:
        with suppress(OSError):
            new.unlink(missing_ok=True)
