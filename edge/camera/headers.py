"""Reads what kind of picture a file holds, and its size, from the first bytes and without a decoder.

A small file can be a huge picture: a PNG of 61 kB decodes to 367 MB. So the size is known before anything is decoded.
"""

import re
import struct
from collections.abc import Callable
from typing import NamedTuple

import cv2

from . import jpeg

Size = tuple[int, int]
"""Width and height in pixels."""
SUFFIXES = {
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "PNG": (".png",),
    "WebP": (".webp",),
    "BMP": (".bmp", ".dib"),
    "GIF": (".gif",),
    "TIFF": (".tif", ".tiff"),
    "AVIF": (".avif",),
    "PNM": (".pbm", ".pgm", ".ppm", ".pnm"),
    "JPEG 2000": (".jp2",),
    "Sun raster": (".ras", ".sr"),
}
"""Kinds of pictures that OpenCV can read, and the endings of their names; some builds of it lack the later kinds."""
READABLE = tuple(kind for kind, suffixes in SUFFIXES.items() if cv2.haveImageWriter(suffixes[0]))
"""The kinds that this OpenCV reads: it has a reader wherever it has a writer."""
UNREADABLE_SUFFIXES = {".heic": "HEIC", ".heif": "HEIC", ".hif": "HEIC"} | {
    suffix: kind for kind, suffixes in SUFFIXES.items() for suffix in suffixes if kind not in READABLE
}
"""Endings of the names of other pictures, with their kind."""
HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
BOX_SEARCH = 65536
"""Bytes of an AVIF or JPEG 2000 file that may hold its size."""


class Header(NamedTuple):
    """The kind of a picture (a key of ``SUFFIXES``, or HEIC), and its size in pixels before it is turned."""

    kind: str
    width: int
    height: int


def read_header(data: bytes) -> Header | None:
    """Reads the header of a picture file; the size is 0 x 0 if that part is damaged. Returns None for anything else."""
    for kind, is_kind, size in FORMATS:
        if is_kind(data):
            try:
                width, height = size(data)
            except (struct.error, IndexError, ValueError):
                width = height = 0
            return Header(kind, width, height)
    return None


def _webp(data: bytes) -> Size:
    if data[12:16] == b"VP8X":
        return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
    if data[12:16] == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    width, height = struct.unpack_from("<HH", data, 26)
    return width & 0x3FFF, height & 0x3FFF


def _bmp(data: bytes) -> Size:
    if struct.unpack_from("<I", data, 14) == (12,):  # the header of OS/2
        width, height = struct.unpack_from("<HH", data, 18)
    else:
        width, height = struct.unpack_from("<ii", data, 18)
    return abs(width), abs(height)


def _tiff(data: bytes) -> Size:
    """Reads the tags 256 and 257 of the first page."""
    order = "<" if data[:2] == b"II" else ">"
    (start,) = struct.unpack_from(order + "I", data, 4)
    (count,) = struct.unpack_from(order + "H", data, start)
    values = {}
    for entry in range(start + 2, start + 2 + 12 * count, 12):
        tag, kind = struct.unpack_from(order + "HH", data, entry)
        if tag in (256, 257):  # libtiff takes other kinds from another place, and the first of two tags
            if tag in values or kind not in (3, 4):
                raise ValueError
            (values[tag],) = struct.unpack_from(order + ("H" if kind == 3 else "I"), data, entry + 8)
    if len(values) < 2:
        raise ValueError
    return values[256], values[257]


def _avif(data: bytes) -> Size:
    """Returns the largest of the sizes in the file: others are those of tiles and thumbnails."""
    boxes = [found.end() + 4 for found in re.finditer(b"ispe", data[:BOX_SEARCH])]
    return max((struct.unpack_from(">II", data, box) for box in boxes), key=lambda size: size[0] * size[1])


def _pnm(data: bytes) -> Size:
    found = re.match(rb"P[1-6](?:\s+|#[^\n]*\n)*(\d{1,9})(?:\s+|#[^\n]*\n)+(\d{1,9})", data[:4096])
    if not found:
        raise ValueError
    return int(found[1]), int(found[2])


def _jp2(data: bytes) -> Size:
    height, width = struct.unpack_from(">II", data, data.index(b"ihdr", 0, BOX_SEARCH) + 4)
    return width, height


def _brands(data: bytes) -> bytes:
    return data[8 : min(256, int.from_bytes(data[:4], "big"))] if data[4:8] == b"ftyp" else b""


def _is_heic(data: bytes) -> bool:
    return any(brand in _brands(data) for brand in HEIC_BRANDS)


FORMATS: tuple[tuple[str, Callable[[bytes], bool], Callable[[bytes], Size]], ...] = (
    ("JPEG", lambda data: data[:3] == jpeg.BEGIN, jpeg.size),
    ("PNG", lambda data: data[:8] == b"\x89PNG\r\n\x1a\n", lambda data: struct.unpack_from(">II", data, 16)),
    ("WebP", lambda data: data[:4] == b"RIFF" and data[8:12] == b"WEBP", _webp),
    ("BMP", lambda data: data[:2] == b"BM", _bmp),
    ("GIF", lambda data: data[:6] in (b"GIF87a", b"GIF89a"), lambda data: struct.unpack_from("<HH", data, 6)),
    ("TIFF", lambda data: data[:4] in (b"II*\0", b"MM\0*"), _tiff),
    ("AVIF", lambda data: b"avif" in _brands(data) or b"avis" in _brands(data), _avif),
    ("HEIC", _is_heic, lambda data: (0, 0)),
    ("JPEG 2000", lambda data: data[:12] == b"\0\0\0\x0cjP  \r\n\x87\n", _jp2),
    ("Sun raster", lambda data: data[:4] == b"\x59\xa6\x6a\x95", lambda data: struct.unpack_from(">II", data, 4)),
    ("PNM", lambda data: re.match(rb"P[1-6]\s", data) is not None, _pnm),
)
"""Kind, what its files begin with, and where they have the size."""
