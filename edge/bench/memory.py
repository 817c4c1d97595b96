"""Measures the memory of a process and its children together, as the kernel charges a service with it."""

import os
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

MAPPING = re.compile(r"^[0-9a-f]+-[0-9a-f]+ \S+ ([0-9a-f]+) \S+ \d+ *(.*)$")


def tree_memory_mb(pid: int) -> float:
    """Returns megabytes (10^6 bytes): what each process has alone, and each page of a file once.

    The kernel's own sum (PSS) would be less where other programs of this machine use the same libraries.
    """
    files: Counter[tuple[str, str]] = Counter()
    alone = 0
    memory: dict[int, int] = {}
    for process in tree(pid):
        with suppress(OSError):
            alone += _add(Path(f"/proc/{process}/smaps").read_text("utf-8", "replace"), files)
            memory |= _memory_files(process)
    return (alone + sum(files.values()) + sum(memory.values())) / 1e6


def tree(pid: int) -> Iterator[int]:
    """Yields a process and its descendants."""
    yield pid
    with suppress(OSError):
        for children in Path(f"/proc/{pid}/task").glob("*/children"):
            for child in children.read_text("ascii").split():
                yield from tree(int(child))


def _add(smaps: str, files: Counter[tuple[str, str]]) -> int:
    """Returns the bytes that only this process has; raises those of each part of a file to what this process has."""
    alone, key, resident = 0, ("", ""), 0
    for line in smaps.splitlines():
        if mapping := MAPPING.match(line):
            key = (mapping[2], mapping[1])
        elif line.startswith("Rss:"):
            resident = int(line.split()[1]) * 1024
        elif line.startswith("Anonymous:"):
            anonymous = int(line.split()[1]) * 1024
            alone += anonymous
            if key[0].startswith("/"):
                files[key] = max(files[key], resident - anonymous)
    return alone


def _memory_files(pid: int) -> dict[int, int]:
    """Returns the bytes of each file in memory that a process has open, by inode: uploads are there."""
    sizes = {}
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(OSError):
            if os.readlink(descriptor).startswith("/memfd:"):
                status = descriptor.stat()
                sizes[status.st_ino] = status.st_blocks * 512
    return sizes
