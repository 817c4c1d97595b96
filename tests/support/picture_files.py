"""Picture files of every kind, as bytes."""

import io
import struct
import zlib
from typing import Any

import cv2
import numpy as np
from PIL import Image as PilImage
from support import ROOT

from edge.camera.headers import READABLE

FACE = cv2.imread(str(ROOT / "edge" / "camera" / "door.jpg"))[:, :480]
"""A bare face, 480 x 360."""
KINDS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "PPM", *(["GIF"] if "GIF" in READABLE else []))
"""Kinds of pictures, as Pillow calls them, that OpenCV reads; GIF only since version 4.12."""


def encoded(kind: str, image: Any = FACE, mode: str = "RGB", **options: Any) -> bytes:
    """Encodes a picture with Pillow. ``options`` are those of ``PIL.Image.save``."""
    out = io.BytesIO()
    PilImage.fromarray(np.asarray(image)[:, :, ::-1]).convert(mode).save(out, kind, **options)
    return out.getvalue()


def png_header(width: int, height: int) -> bytes:
    """Returns a PNG file that promises a size and holds one row."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    row = zlib.compress(bytes(1 + 3 * min(width, 100_000)), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", row) + chunk(b"IEND", b"")


def jpeg_variants() -> dict[str, bytes]:
    """Returns the face as JPEG files of different structure."""
    return {
        "baseline": encoded("JPEG"),
        "progressive": encoded("JPEG", progressive=True),
        "restart markers": encoded("JPEG", restart_marker_rows=1),
        "grey": encoded("JPEG", mode="L"),
        "for printing": encoded("JPEG", mode="CMYK"),
        "comment and thumbnail": encoded("JPEG", comment=b"\xff\xd9 ends here", exif=b"Exif\0\0" + b"\xff\xd9" * 50),
    }
