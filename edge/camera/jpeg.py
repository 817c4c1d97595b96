"""Reads the structure of a JPEG file: its size, and whether all of its scans are there.

OpenCV refuses a file without the marker of its end, also where nothing else is missing. So the marker is added, and the
decoder tells whether the last scan is complete.
"""

import re
import struct
from collections.abc import Iterator
from itertools import islice

BEGIN = b"\xff\xd8\xff"
"""The first bytes: the marker SOI, and the begin of another one."""
END = b"\xff\xd9"
"""The marker at the end (EOI). Cameras and programs that are interrupted leave it out."""
PADDING = bytes(4)
"""Where a file ends with this, space was reserved for data that never came."""
MARKER = re.compile(rb"\xff+[^\x00\xd0-\xd7\xff]")
"""The next marker after the data of a scan; restart markers and escaped bytes belong to the data."""
SIZES = (*range(0xC0, 0xC4), *range(0xC5, 0xC8), *range(0xC9, 0xCC), *range(0xCD, 0xD0))
"""Markers of segments with the picture's size (SOF)."""
PROGRESSIVE = (0xC2, 0xC6, 0xCA, 0xCE)
"""Those of files whose scans refine each other."""
SCAN, EOI = 0xDA, 0xD9
MAX_SCANS = 100
"""Scans of a picture at most: programs write up to about 12. Each scan is a pass over the whole picture, however few
bytes it has: 20,000 empty ones in a file of 566 kB take minutes."""
MAX_SCANNED = 800_000_000
"""Pixels of all scans together: 12 scans of the largest picture. The slowest kind, with arithmetic coding and 50 scans
of 4000 x 4000 pixels, takes 1.4 s on x86; 100 scans of 8000 x 8000 would take 12 s."""
MAX_SEGMENTS = 5000
"""Segments of a picture at most. Each takes three bytes or more, and a file may have millions."""
STANDALONE = (0x01, 0xD8)
"""Markers without a segment."""


def size(data: bytes) -> tuple[int, int]:
    """Returns width and height. Raises ``ValueError`` or ``struct.error`` if the header is cut off."""
    for marker, start in segments(data):
        if marker in SIZES:
            height, width = struct.unpack_from(">HH", data, start + 3)
            return width, height
    raise ValueError


def scans(data: bytes) -> int:
    """Returns the number of scans; of a file with too many segments, that of the segments: some may be behind them."""
    markers = [marker for marker, _ in segments(data)]
    return len(markers) if len(markers) >= MAX_SEGMENTS else markers.count(SCAN)


def is_buffered(data: bytes) -> bool:
    """Returns whether a decoder must keep the whole picture, at full size, until the last scan: progressive files, and
    those with a scan for each colour.
    """
    colours = 0
    for marker, start in segments(data):
        if marker in PROGRESSIVE:
            return True
        if marker in SIZES:
            colours = data[start + 7] if len(data) > start + 7 else 0
        elif marker == SCAN:
            return len(data) > start + 2 and data[start + 2] < colours
    return False


def segments(data: bytes) -> Iterator[tuple[int, int]]:
    """Yields each marker with the place behind it, and last the end marker if the file has one."""
    return islice(_segments(data), MAX_SEGMENTS)


def _segments(data: bytes) -> Iterator[tuple[int, int]]:
    place = 2
    while (found := MARKER.search(data, place)) is not None:
        marker, place = data[found.end() - 1], found.end()
        yield marker, place
        if marker == EOI:
            return
        if marker not in STANDALONE:
            place += int.from_bytes(data[place : place + 2], "big")


def completed(data: bytes) -> bytes | None:
    """Returns the file up to its end marker, which is added if it is missing.

    Returns None if more than that is missing for sure: a header is cut off, or scans are missing.
    """
    markers = list(segments(data))
    if markers and markers[-1][0] == EOI:
        whole = data[: markers.pop()[1]]
    else:
        if data.endswith(PADDING):
            data = data.rstrip(b"\0")
            markers = list(segments(data))
        if not markers or markers[-1][0] != SCAN:
            return None
        whole = data.rstrip(b"\xff") + END
    try:
        return whole if _has_all_scans(data, markers) else None
    except (IndexError, ValueError):
        return None


def _has_all_scans(data: bytes, markers: list[tuple[int, int]]) -> bool:
    """Returns whether the scans hold every bit of every coefficient of every colour, as far as their headers tell.

    Raises ``IndexError`` or ``ValueError`` if a header is cut off.
    """
    missing: set[tuple[int, int]] = set()
    progressive = False
    for marker, start in markers:
        if marker in SIZES:
            progressive = marker in PROGRESSIVE
            colours = data[start + 8 : start + 8 + 3 * data[start + 7] : 3]
            missing = {(colour, number) for colour in colours for number in range(64)}
        elif marker == SCAN:
            behind = start + 3 + 2 * data[start + 2]
            first, last, bits = data[behind : behind + 3]
            if not progressive:  # some cameras write other numbers here, and decoders do not look at them
                first, last, bits = 0, 63, 0
            if bits & 15 == 0:
                missing -= {(colour, k) for colour in data[start + 3 : behind : 2] for k in range(first, last + 1)}
    return not missing
