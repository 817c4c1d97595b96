"""Leaves out of a PNG file what no picture needs, so that little work hides in a small file.

A decoder inflates texts, colour profiles and data behind the last row too, however large they are: a file of 9 MB kept
it busy for 31 s, with a picture of 64 x 64 pixels.
"""

import zlib
from collections.abc import Iterator

KEPT = (b"tRNS", b"eXIf")
"""Chunks that a decoder may leave out and that this one needs: transparent colours, and how the picture is turned."""
LOWER_CASE = 0x20
"""The bit in the first letter of a chunk's kind that tells that a decoder may leave it out."""
SMALL = 2**18
"""Bytes of packed rows that are not looked at: they hold 270 MB at most, which take 0.5 s."""
BYTES_PER_PIXEL = 10
"""Unpacked bytes at most: four colours of 16 bits, and the marks of the rows, also where a row has one pixel."""
PIECE, MARGIN = 2**16, 2**20


def essential(data: bytes) -> bytes | None:
    """Returns the file without the chunks that do not change its picture; animations keep their first picture only.

    Returns None if the file is cut off, or if its rows hold much more than its picture.
    """
    chunks = list(_chunks(data))
    if not chunks or chunks[-1][0] != b"IEND":
        return None
    rows = [data[start + 8 : end - 4] for kind, start, end in chunks if kind == b"IDAT"]
    if sum(map(len, rows)) > SMALL and _is_overfull(rows, _pixels(data)):
        return None
    return data[:8] + b"".join(
        data[start:end] for kind, start, end in chunks if not kind[0] & LOWER_CASE or kind in KEPT
    )


def _chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Yields kind, start and end of each chunk that is whole, up to that of the end."""
    start, kind = 8, b""
    while kind != b"IEND" and start + 12 <= len(data):
        end = start + 12 + int.from_bytes(data[start : start + 4], "big")
        kind = data[start + 4 : start + 8]
        if end > len(data):
            return
        yield kind, start, end
        start = end


def _pixels(data: bytes) -> int:
    return int.from_bytes(data[16:20], "big") * int.from_bytes(data[20:24], "big")


def _is_overfull(rows: list[bytes], pixels: int) -> bool:
    inflating, left = zlib.decompressobj(), BYTES_PER_PIXEL * pixels + MARGIN
    packed = b"".join(rows)
    try:
        for at in range(0, len(packed), PIECE):
            piece = packed[at : at + PIECE]
            while piece:
                left -= len(inflating.decompress(piece, MARGIN))
                if left < 0:
                    return True
                piece = inflating.unconsumed_tail
            if inflating.eof:
                break
    except zlib.error:
        pass  # the decoder ends there too
    return False
