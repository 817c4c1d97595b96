"""Reads the tables of a FlatBuffers file, with every place and length checked. A .tflite file is such a file."""

import struct
from collections.abc import Iterator
from typing import Any


class Damaged(ValueError):
    """The structure of a file is damaged; the text says what is wrong."""


def number(data: bytes, kind: str, place: int) -> Any:
    """Returns the number of a ``struct`` kind at a place. Raises ``Damaged`` outside the file."""
    if not 0 <= place <= len(data) - struct.calcsize(kind):
        raise Damaged("a part of it lies outside the file")
    return struct.unpack_from("<" + kind, data, place)[0]


class Table:
    """A table of the file. Fields have numbers; a field that is not written has its default."""

    def __init__(self, data: bytes, place: int) -> None:
        self._data, self._place = data, place
        self._fields = place - number(data, "i", place)
        self._length = number(data, "H", self._fields)

    def _field(self, index: int) -> int:
        """Returns the place of a field; 0 if it is not written."""
        at = 4 + 2 * index
        offset = number(self._data, "H", self._fields + at) if at + 2 <= self._length else 0
        return self._place + int(offset) if offset else 0

    def number(self, index: int, kind: str, default: float = 0) -> Any:
        """Returns a number."""
        place = self._field(index)
        return number(self._data, kind, place) if place else default

    def has(self, index: int) -> bool:
        """Returns whether a field is written."""
        return bool(self._field(index))

    def table(self, index: int) -> "Table | None":
        """Returns a table below this one."""
        place = self._field(index)
        return Table(self._data, place + number(self._data, "I", place)) if place else None

    def _vector(self, index: int, width: int) -> tuple[int, int]:
        place = self._field(index)
        if not place:
            return 0, 0
        start = place + number(self._data, "I", place)
        length = int(number(self._data, "I", start))
        if start + 4 + width * length > len(self._data):
            raise Damaged("a list in it is longer than the file")
        return start + 4, length

    def numbers(self, index: int, kind: str) -> tuple[Any, ...]:
        """Returns a list of numbers."""
        start, length = self._vector(index, struct.calcsize(kind))
        return struct.unpack_from(f"<{length}{kind}", self._data, start)

    def length(self, index: int) -> int:
        """Returns the number of bytes in a list of bytes."""
        return self._vector(index, 1)[1]

    def tables(self, index: int, most: int, name: str) -> list["Table"]:
        """Returns a list of tables, at most so many."""
        start, length = self._vector(index, 4)
        if length > most:
            raise Damaged(f"it has {length} {name}, and at most {most} are allowed")
        return list(self._tables(start, length))

    def _tables(self, start: int, length: int) -> Iterator["Table"]:
        for place in range(start, start + 4 * length, 4):
            yield Table(self._data, place + number(self._data, "I", place))
