"""Finds the picture files of a folder, and says what it passes over."""

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

from ..addresses import UNPRINTABLE, printable
from ..paths import KINDS
from .headers import UNREADABLE_SUFFIXES
from .pictures import PICTURE_SUFFIXES

COPY_MARK = b"\0\0\0\x27freemaskwatch: an annotated copy\0\0\0"
"""Stands after the end of an annotated copy, where decoders look no further. It is a free box of the AVIF format."""
EXAMPLES = 3
"""Names that are shown for each reason."""


class Walk:
    """Walks through a folder and all folders below it; iterates over its picture files.

    Names are in the order in which people count, so ``2.jpg`` comes before ``10.jpg``. Links are followed, and no
    folder is read twice. After the iteration ``summary`` says what was passed over, and ``failures`` counts the folders
    that could not be read.
    """

    def __init__(self, root: Path) -> None:
        self.failures = 0
        self._root = root
        self._skipped: dict[str, list[str]] = {}
        self._seen: set[tuple[int, int]] = set()

    def __iter__(self) -> Iterator[Path]:
        stack = [iter([self._root])]  # not recursive: folders may be deeper than Python's calls
        while stack:
            if (path := next(stack[-1], None)) is None:
                stack.pop()
            elif (mode := self._mode(path)) is None:
                continue
            elif stat.S_ISDIR(mode):
                stack.append(self._entries(path))
            elif self._is_wanted(path, mode):
                yield path

    def _mode(self, path: Path) -> int | None:
        """Returns the type of a file; None for what is passed over."""
        if path.name.startswith(".") and path != self._root:
            self._skip("hidden", path)
            return None
        try:
            status = path.stat()
        except OSError as error:
            broken = "link that leads nowhere" if path.is_symlink() else f"unreadable: {error.strerror}"
            self._skip(broken, path)
            return None
        if stat.S_ISDIR(status.st_mode):
            place = status.st_dev, status.st_ino
            if place in self._seen:
                self._skip("link to a folder that is read already", path)
                return None
            self._seen.add(place)
        return status.st_mode

    def _entries(self, folder: Path) -> Iterator[Path]:
        try:
            names = os.listdir(folder)
        except OSError as error:
            self.failures += 1
            self._skip(f"folder that cannot be read: {error.strerror}", folder)
            return iter(())
        return iter([folder / name for name in sorted(names, key=as_people_count)])

    def _is_wanted(self, path: Path, mode: int) -> bool:
        suffix = path.suffix.lower()
        if not stat.S_ISREG(mode):
            self._skip(KINDS.get(stat.S_IFMT(mode), "it is no file").removeprefix("it is a "), path)
        elif kind := UNREADABLE_SUFFIXES.get(suffix):
            self._skip(f"{kind} picture, which OpenCV cannot read here: convert it to JPEG", path)
        elif suffix not in PICTURE_SUFFIXES:
            self._skip(f"{suffix.translate(UNPRINTABLE)} file" if suffix else "file without an ending", path)
        elif is_copy(path):
            self._skip("annotated copy of maskwatch", path)
        else:
            return True
        return False

    def _skip(self, reason: str, path: Path) -> None:
        self._skipped.setdefault(reason, []).append(str(path.relative_to(self._root)).translate(UNPRINTABLE))

    def summary(self) -> str:
        """Returns one sentence about what was passed over, or nothing."""
        count = sum(map(len, self._skipped.values()))
        parts = [f"{len(names)} x {reason} ({_examples(names)})" for reason, names in self._skipped.items()]
        entries = "1 entry" if count == 1 else f"{count} entries"
        return f"{printable(self._root)}: passed over {entries}: {'; '.join(parts)}" if count else ""


def _examples(names: list[str]) -> str:
    more = [f"and {len(names) - EXAMPLES} more"] if len(names) > EXAMPLES else []
    return ", ".join(names[:EXAMPLES] + more)


def as_people_count(name: str) -> list[tuple[int, int, str]]:
    """Returns a sort key for a file name: numbers in it count as numbers, and small and capital letters are equal."""
    parts = re.split(r"([0-9]+)", name.casefold())
    key = [(0, int(part), "") if number % 2 else (1, 0, part) for number, part in enumerate(parts)]
    return [*key, (-1, 0, name)]  # the end of a name comes before a number


def is_copy(path: Path) -> bool:
    """Returns whether a file is an annotated copy that ``maskwatch image --out`` wrote."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - len(COPY_MARK)))
            return file.read() == COPY_MARK
    except OSError:
        return False
