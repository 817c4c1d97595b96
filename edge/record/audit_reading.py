"""Reads the audit trail, and tells whether it is whole."""

import errno
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from .audit import DROPPED, FIRST, MOST_BYTES, hash_of, is_intact, locked


def read_lines(path: Path) -> list[bytes]:
    """Returns the lines of a trail without their ends; what a power cut has left of the last one is left out.

    Empty if there is no trail. Raises ``OSError``.
    """
    try:
        with locked(path, os.O_RDONLY) as file:
            size = os.fstat(file).st_size
            if size > 2 * MOST_BYTES:
                raise OSError(errno.EFBIG, f"it has more than {2 * MOST_BYTES} bytes", str(path))
            return os.pread(file, size, 0).split(b"\n")[:-1]
    except FileNotFoundError:
        return []


def entries(lines: Sequence[bytes]) -> Iterator[dict[str, Any]]:
    """Gives what the lines say; those that are damaged are left out."""
    for line in lines:
        if (values := parsed(line)) is not None:
            yield values


def faults_of_chain(lines: Sequence[bytes]) -> Iterator[str]:
    """Gives one sentence for each line that was changed, and for each place where lines were removed."""
    previous = FIRST
    for number, line in enumerate(lines, 1):
        values = parsed(line)
        if values is None:
            yield f"line {number} is damaged: it is no line of an audit trail"
        elif not is_intact(line):
            yield f"line {number} ({_named(values)}) was changed after it was written"
        if values is not None and values.get("prev") != previous:
            yield _gap(number, values)
        begins = number == 1 and values is not None and values.get("what") == DROPPED
        previous = str(values.get("continues")) if begins and values else hash_of(line)


def _gap(number: int, values: dict[str, Any]) -> str:
    if number == 1:
        return f"line 1 ({_named(values)}) is not the first one: lines before it were removed"
    return (
        f"line {number} ({_named(values)}) does not continue line {number - 1}: lines between them were removed or "
        f"moved, or line {number - 1} was changed and its checksum too"
    )


def _named(values: dict[str, Any]) -> str:
    return f"{str(values.get('what'))[:20]} of {str(values.get('time'))[:30]}"


def parsed(line: bytes) -> dict[str, Any] | None:
    """Returns what a line says; None for one that is damaged."""
    try:
        values = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return values if isinstance(values, dict) else None
