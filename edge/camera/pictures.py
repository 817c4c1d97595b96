"""Converts picture files and bytes to arrays, and arrays to files and bytes."""

from pathlib import Path

import cv2
import numpy as np

from ..errors import SourceError
from ..files import replacing
from .frames import Image

PICTURES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp"})


def read(path: Path) -> Image:
    """The picture as BGR, turned as its EXIF data say. Raises ``SourceError`` if it cannot be decoded."""
    try:
        image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    except cv2.error:  # more pixels than OpenCV is willing to decode
        image = None
    if image is None:
        raise SourceError(f"{path} is no picture that can be read ({', '.join(sorted(PICTURES))})")
    return np.asarray(image, np.uint8)


def as_jpeg(image: Image, quality: int) -> bytes:
    """The picture as JPEG, ``quality`` 0..100. Raises ``ValueError`` for one that JPEG cannot hold."""
    done, jpeg = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise ValueError("the picture cannot be encoded")
    return jpeg.tobytes()


def write(image: Image, path: Path) -> None:
    """Writes a picture, whole or not at all. Raises ``SourceError`` naming the file."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as new:
            if not cv2.imwrite(str(new), image):
                raise SourceError(f"{path} cannot be written; is the disk full or read-only?")
    except cv2.error as error:
        raise SourceError(f"{path} cannot be written: OpenCV has no encoder for {path.suffix}") from error
    except SourceError:  # it is an OSError too
        raise
    except OSError as error:
        raise SourceError(f"{path} cannot be written: {error.strerror}") from error
