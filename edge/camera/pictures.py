"""Reads, writes, encodes and decodes pictures. No other module calls OpenCV for that.

Files are read and written as bytes: OpenCV crashes the process at a name that is not UTF-8. The bytes of a file, of an
upload and of a training picture go through the same checks and the same decoder, so they get the same answer.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from ..addresses import printable
from ..errors import FileError, SourceError
from ..files import PUBLIC, replace
from ..owners import as_owner
from ..paths import read_bytes
from . import jpeg, png
from .frames import Image
from .headers import READABLE, SUFFIXES, Header, Size, read_header
from .memory import free_memory
from .printed import Printed

PICTURE_SUFFIXES = frozenset(suffix for kind in READABLE for suffix in SUFFIXES[kind])
"""Endings of the names of picture files that this OpenCV reads, in lower case."""
MAX_PIXELS = 64_000_000
"""Largest picture. The largest of common phones have 50 million pixels, and take 1.2 GB to be searched."""
BYTES_PER_PIXEL = 24
"""Memory to decode and search a picture: 290 MB for 12 million pixels with the cascade and ``min_face`` 32."""
LARGEST_JPEG = 2**24
"""Bytes of a file in which the end of its first JPEG picture is looked for."""
MAX_BUFFERED = 16_000_000
"""Largest picture that is decoded whole before it is reduced: 48 MB, and 64 MB more inside the decoder of WebP."""
REDUCED = {8: cv2.IMREAD_REDUCED_COLOR_8, 4: cv2.IMREAD_REDUCED_COLOR_4, 2: cv2.IMREAD_REDUCED_COLOR_2}
"""What libjpeg decodes directly, by factor."""
OF_CAMERAS = ("JPEG", "PNG", "WebP", "BMP")
"""Kinds that a network camera may send: the headers of others tell too little of what their decoders will do."""
SMALL = 4_000_000
"""Pixels up to which the memory is not looked at."""
MADE_UP = (b"premature end of data", b"Premature end of JPEG", b"bad Huffman code", b"instead of RST")
"""Parts of what libjpeg prints when it fills in a part of a picture. It prints other warnings about whole pictures. In
14,111 pictures of seven collections it prints nothing."""

PRINTED = Printed()
"""The only one: a process has one standard error."""


class Unreadable(ValueError):
    """The bytes are not a picture that can be read; the text is the reason.

    ``code`` and ``details`` say the same to a page that has words of its own.
    """

    def __init__(self, text: str, code: str, **details: int | str) -> None:
        super().__init__(text)
        self.code = code
        self.details = details


def read(path: Path) -> Image:
    """Reads a picture file, turned as its EXIF data say. Raises ``SourceError`` if it cannot be read."""
    try:
        with within_memory():
            return _decode(read_bytes(path))
    except OSError as error:
        reason = error.strerror or str(error)
    except Unreadable as error:
        reason = str(error)
    raise SourceError(f"{printable(path)} is not a readable picture: {reason}")


def is_single_jpeg(path: Path) -> bool:
    """Returns whether a file is one JPEG picture, whatever its name: FFmpeg would play it, and fill in what is missing.

    Files of many JPEG pictures, one behind the other, are videos.
    """
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_JPEG) if file.read(3) == jpeg.BEGIN else b""
    except OSError:
        return False
    return bool(data) and jpeg.END + jpeg.BEGIN not in data


def decode(data: bytes, kinds: tuple[str, ...] = READABLE) -> Image:
    """Decodes the bytes of a picture file of these kinds, turned as its EXIF data say. Raises ``SourceError``."""
    header = read_header(data)
    if header and header.kind in READABLE and header.kind not in kinds:
        raise SourceError(f"the picture is {header.kind}; only {', '.join(kinds)} can be read here")
    try:
        return _decode(data)
    except Unreadable as error:
        raise SourceError(f"the picture of {len(data)} bytes cannot be decoded: {error}") from error


def decode_reduced(data: bytes, longest: int) -> tuple[Image, Size]:
    """Decodes the bytes of a picture file, reduced to ``longest`` pixels at its longer side, and turned.

    Returns the size of the picture that is not reduced, too. A JPEG is decoded at a half, a quarter or an eighth: that
    takes no more memory for 50 million pixels than for one. Raises ``Unreadable``.
    """
    header = read_header(data)
    checked = _check_header(data, header)
    buffered = checked.kind != "JPEG" or jpeg.is_buffered(data)
    if buffered and checked.width * checked.height > MAX_BUFFERED:
        kind = "progressive JPEG" if checked.kind == "JPEG" else checked.kind
        raise _too_large(checked._replace(kind=kind), MAX_BUFFERED)
    fitting = (f for f in REDUCED if checked.kind == "JPEG" and max(checked[1:]) >= f * longest)
    factor = next(fitting, 1)
    image = _decode_checked(data, checked, REDUCED.get(factor, cv2.IMREAD_COLOR))
    height, width = image.shape[:2]
    is_turned = (width > height) != (checked.width > checked.height)
    size_turned = checked[2:0:-1] if is_turned and checked.width != checked.height else checked[1:]
    scale = longest / max(width, height)
    if scale < 1:
        small = (max(1, round(width * scale)), max(1, round(height * scale)))
        image = np.asarray(cv2.resize(image, small, interpolation=cv2.INTER_AREA), np.uint8)
    return image, size_turned


def _decode(data: bytes) -> Image:
    """Decodes what the header promises. Raises ``Unreadable``."""
    header = _check_header(data, read_header(data))
    _check_memory(header)
    return _decode_checked(data, header, cv2.IMREAD_COLOR)


def _decode_checked(data: bytes, header: Header, mode: int) -> Image:
    with within_memory():
        whole = {"JPEG": jpeg.completed, "PNG": png.essential}.get(header.kind, bytes)(data)
        image = None if whole is None else _decoded(whole, mode)
    if image is None:
        raise Unreadable("it is cut off or damaged", "damaged")
    return image


def _check_header(data: bytes, header: Header | None) -> Header:
    if not data:
        raise Unreadable("the file is empty", "empty")
    if header is None:
        raise Unreadable(f"it is none of {', '.join(READABLE)}", "unknown")
    if header.kind not in READABLE:
        text = f"it is a {header.kind} picture, which OpenCV cannot read here; convert it to JPEG"
        raise Unreadable(text, "kind", kind=header.kind)
    pixels = header.width * header.height
    if not pixels:
        raise Unreadable("its header is cut off or damaged", "damaged")
    if pixels > MAX_PIXELS:
        raise _too_large(header, MAX_PIXELS)
    limit = min(jpeg.MAX_SCANS, jpeg.MAX_SCANNED // pixels)
    if header.kind == "JPEG" and (scans := jpeg.scans(data)) > limit:
        text = f"it has {scans} scans, and at most {limit} are read; save it again as JPEG"
        raise Unreadable(text, "scans", scans=scans, limit=limit)
    return header


def _too_large(header: Header, most: int) -> Unreadable:
    kind, width, height = header
    limit = most // 10**6
    of_kind = "" if most == MAX_PIXELS else f" of a {kind}"
    text = f"it has {width} x {height} pixels, and at most {limit} million are read{of_kind}; make it smaller"
    return Unreadable(text, "pixels", kind=kind, width=width, height=height, limit=limit)


def _check_memory(header: Header) -> None:
    """Raises ``Unreadable`` if a picture that is not reduced needs more memory than is free."""
    pixels = header.width * header.height
    if pixels > SMALL and (needed := BYTES_PER_PIXEL * pixels) > (free := free_memory()):
        need = f"{needed / 1e6:.0f} MB of memory for its {header.width} x {header.height} pixels"
        raise Unreadable(f"it needs {need}, and {max(0, free) / 1e6:.0f} MB are free; make it smaller", "memory")


@contextmanager
def sparing_memory(path: Path) -> Iterator[None]:
    """Raises ``SourceError`` if the block, which works on the picture ``path``, runs out of memory."""
    try:
        with within_memory():
            yield
    except Unreadable as error:
        raise SourceError(f"{printable(path)} cannot be checked: {error}") from error


@contextmanager
def within_memory() -> Iterator[None]:
    """Raises ``Unreadable`` if the block runs out of memory, which OpenCV and NumPy each say in their own way."""
    try:
        yield
    except (MemoryError, cv2.error) as error:
        if isinstance(error, cv2.error) and not _is_memory(error):
            raise
        raise Unreadable("it needs more memory than is free; make it smaller", "memory") from error


def _is_memory(error: cv2.error) -> bool:
    return any(text in str(error) for text in ("nsufficient memory", "bad_alloc"))


def _decoded(data: bytes, mode: int) -> Image | None:
    """Returns what OpenCV decodes; None for what it refuses, and for a picture of which a part was made up."""
    try:
        image, printed = PRINTED.during(lambda: cv2.imdecode(np.frombuffer(data, np.uint8), mode))
    except cv2.error as error:
        if _is_memory(error):
            raise
        return None
    if image is None or any(text in printed for text in MADE_UP):
        return None
    return np.asarray(image, np.uint8)


def encode_jpeg(image: Image, quality: int) -> bytes:
    """Encodes a picture as JPEG of ``quality`` 0..100. Raises ``ValueError`` for an image that JPEG cannot hold."""
    success, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not success:
        raise ValueError("the picture cannot be encoded")
    return data.tobytes()


def write(image: Image, path: Path, *, mark: bytes = b"") -> None:
    """Writes a picture file, completely or not at all, with ``mark`` after the end of the picture.

    Raises ``FileError`` naming the file.
    """
    kind = next((kind for kind in READABLE if path.suffix.lower() in SUFFIXES[kind]), None)
    if kind is None:
        raise FileError(f"{printable(path)} cannot be written: OpenCV has no encoder for '{printable(path.suffix)}'")
    try:
        success, data = cv2.imencode(SUFFIXES[kind][0], image)
    except cv2.error:
        success = False
    if not success:
        height, width = image.shape[:2]
        raise FileError(f"{printable(path)} cannot be written: {kind} cannot hold {width} x {height} pixels")
    try:
        as_owner(path, partial(_write_whole, path, data.tobytes() + mark), FileError)
    except OSError as error:
        raise FileError(f"{printable(path)} cannot be written: {error.strerror}") from error


def _write_whole(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    replace(path, content, mode=PUBLIC)
