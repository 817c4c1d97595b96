"""Tells whether a JPEG file is complete.

libjpeg fills what is missing with grey and says so on standard error only. OpenCV refuses a file without the marker of
its end, also where nothing else is missing, and accepts a file that was cut off and ended with that marker. So what
decides is whether the pixels depend on what follows the file's data.
"""

import re
import struct
from collections.abc import Iterator

END = b"\xff\xd9"
"""The marker at the end (EOI). Cameras and programs that are interrupted leave it out."""
PADDING = bytes(4)
"""Where a file ends with this, space was reserved for data that never came."""
TAIL = bytes((37 * number) % 251 + 1 for number in range(64))
"""Stands for data after the end: it has no markers, and decodes to blocks that no picture has there."""
MARKER = re.compile(rb"\xff+[^\x00\xd0-\xd7\xff]")
"""The next marker after the data of a scan; restart markers and escaped bytes belong to the data."""
SIZES = (*range(0xC0, 0xC4), *range(0xC5, 0xC8), *range(0xC9, 0xCC), *range(0xCD, 0xD0))
"""Markers of segments with the picture's size (SOF)."""
SCAN, EOI = 0xDA, 0xD9


def size(data: bytes) -> tuple[int, int]:
    """Returns width and height. Raises ``ValueError`` or ``struct.error`` if the header is cut off."""
    for marker, start in segments(data):
        if marker in SIZES:
            height, width = struct.unpack_from(">HH", data, start + 3)
            return width, height
    raise ValueError


def segments(data: bytes) -> Iterator[tuple[int, int]]:
    """Yields each marker with the place of its segment, and last the end marker if the file has one."""
    place = 2
    while (found := MARKER.search(data, place)) is not None:
        marker, start = data[found.end() - 1], found.end()
        yield marker, start
        if marker == EOI:
            return
        standalone = marker in (0x01, 0xD8)
        place = start if standalone else start + int.from_bytes(data[start : start + 2], "big")


def completed(data: bytes) -> bytes | None:
    """Returns the file with the end marker that it lacks. Returns None if more than that marker is missing for sure."""
    if data.endswith(PADDING):
        data = data.rstrip(b"\0")
    markers = list(segments(data))
    if not markers or markers[-1][0] != SCAN or not _all_scans(data, markers):
        return None
    return data.removesuffix(b"\xff") + END


def with_tail(data: bytes) -> bytes:
    """Returns the file with other data between its own and the end marker."""
    ends = [start - 2 for marker, start in segments(data) if marker == EOI]
    return data[: ends[0] if ends else len(data)] + TAIL + END


def _all_scans(data: bytes, markers: list[tuple[int, int]]) -> bool:
    """Returns whether the scans hold every bit of every coefficient of every colour, as far as their headers tell."""
    missing: set[tuple[int, int]] = set()
    for marker, start in markers:
        if marker in SIZES:
            colours = data[start + 8 : start + 8 + 3 * data[start + 7] : 3]
            missing = {(colour, number) for colour in colours for number in range(64)}
        elif marker == SCAN:
            count = data[start + 2]
            first, last, bits = data[start + 3 + 2 * count : start + 6 + 2 * count]
            if bits & 15 == 0:
                done = {(c, k) for c in data[start + 3 : start + 3 + 2 * count : 2] for k in range(first, last + 1)}
                missing -= done
    return not missing
