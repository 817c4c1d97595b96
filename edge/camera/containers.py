"""Reads from the structure of a video file whether it is whole. Nothing is decoded."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

MAX_BOXES = 100_000
"""Boxes of an MP4 file that are looked at. A recording in fragments of one second has two per second."""
_EBML, _SEGMENT = b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67"


class Container(NamedTuple):
    """What is known of a container: whether its frame count is exact, and whether the file ends before it does."""

    count_is_exact: bool = False
    is_cut_off: bool = False


def examine(path: Path) -> Container:
    """Examines MP4, AVI, Matroska and WebM. Nothing is known of other files, such as transport streams."""
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            start = file.read(12)
            if start[4:8] == b"ftyp":
                boxes = list(_boxes(file, size))
                return Container(b"moof" not in dict(boxes), any(end > size for _, end in boxes))
            if start[:4] == b"RIFF":
                return Container(True, any(end > size for end in _riffs(file, size)))
            return Container(is_cut_off=start[:4] == _EBML and _segment_end(file) > size)
    except (OSError, ValueError):
        return Container()


def _boxes(file: BinaryIO, size: int) -> Iterator[tuple[bytes, int]]:
    """Yields type and end of each box of an MP4 file."""
    at = 0
    for _ in range(MAX_BOXES):
        file.seek(at)
        header = file.read(16)
        length = int.from_bytes(header[:4], "big")
        if length == 1:  # the length follows as 64 bits
            length = int.from_bytes(header[8:], "big")
        if len(header) < 8 or length < 8:  # 0 is a box that goes to the end of the file, the others are damaged
            return
        at += length
        yield header[4:8], at
        if at >= size:
            return


def _riffs(file: BinaryIO, size: int) -> Iterator[int]:
    """Yields the end of each part of an AVI file; one of more than a gigabyte has several."""
    at = 0
    while at < size:
        file.seek(at)
        header = file.read(8)
        if header[:4] != b"RIFF":
            return
        at += 8 + int.from_bytes(header[4:], "little")
        yield at


def _segment_end(file: BinaryIO) -> int:
    """Returns where the segment of a Matroska file ends; 0 if the recorder did not write it down."""
    file.seek(4)
    file.seek(_length(file), os.SEEK_CUR)
    if file.read(4) != _SEGMENT:
        return 0
    length = _length(file)
    return file.tell() + length if length else 0


def _length(file: BinaryIO) -> int:
    """Reads a length of Matroska: the leading zero bits tell its size. Returns 0 for one that is unknown."""
    first = file.read(1)
    if not first or not first[0]:
        return 0
    more = 8 - first[0].bit_length()
    bits = 7 * (more + 1)
    value = int.from_bytes(first + file.read(more), "big") & ((1 << bits) - 1)
    return value if value != (1 << bits) - 1 else 0
