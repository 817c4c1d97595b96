"""Reads, writes, encodes and decodes pictures. No other module calls OpenCV for that."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from ..errors import FileError, SourceError
from ..files import replacing
from .frames import Image

PICTURE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp"})
"""Endings of the names of picture files, in lower case."""


def read(path: Path) -> Image:
    """Reads a picture file, turned as its EXIF data say. Raises ``SourceError`` if it cannot be decoded."""
    image = _decoded(lambda: cv2.imread(str(path), cv2.IMREAD_COLOR))
    if image is None:
        raise SourceError(f"{path} is not a readable picture ({', '.join(sorted(PICTURE_SUFFIXES))})")
    return image


def decode(data: bytes) -> Image:
    """Decodes the bytes of a picture file, turned as its EXIF data say. Raises ``SourceError``."""
    image = _decoded(lambda: cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR))
    if image is None:
        raise SourceError(f"the picture of {len(data)} bytes cannot be decoded; is it complete?")
    return image


def _decoded(decoder: Callable[[], Any]) -> Image | None:
    """Returns what OpenCV decodes; None for what it refuses: no data, no picture, or too many pixels."""
    try:
        image = decoder()
    except cv2.error:
        return None
    return None if image is None else np.asarray(image, np.uint8)


def encode_jpeg(image: Image, quality: int) -> bytes:
    """Encodes a picture as JPEG of ``quality`` 0..100. Raises ``ValueError`` for an image that JPEG cannot hold."""
    success, jpeg = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not success:
        raise ValueError("the picture cannot be encoded")
    return jpeg.tobytes()


def write(image: Image, path: Path) -> None:
    """Writes a picture file, completely or not at all. Raises ``FileError`` naming the file."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as new:
            if not cv2.imwrite(str(new), image):
                raise FileError(f"{path} cannot be written; is the disk full or read-only?")
    except cv2.error as error:
        raise FileError(f"{path} cannot be written: OpenCV has no encoder for {path.suffix}") from error
    except OSError as error:
        raise FileError(f"{path} cannot be written: {error.strerror}") from error
