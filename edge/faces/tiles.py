"""Searches a large single image part by part: a detector's memory grows with the area that it searches at once."""

import math

from ..camera.frames import Image
from .classifier import MaskClassifier
from .detector import Detector, Region
from .face import Face
from .geometry import Box

WHOLE_PIXELS = 800_000
"""Images up to this size are searched at once. With YuNet 1600 x 1200 pixels took 80 MB at once, and 25 MB in tiles."""
TILE, OVERLAP = 900, 160
"""Sides of a tile at most, and of what two tiles share: a face up to that size lies completely in one of them."""


def detect_in_tiles(image: Image, min_face: int, detector: Detector, classifier: MaskClassifier) -> list[Face]:
    """Returns the faces in an image, left to right."""
    height, width = image.shape[:2]
    regions = None if width * height <= WHOLE_PIXELS else tiles(width, height, min_face)
    return classifier.classify(image, detector.detect(image, regions=regions))


def tiles(width: int, height: int, min_face: int) -> list[Region]:
    """Returns the whole image, for faces of twice ``min_face`` and more, and tiles of it, for smaller ones."""
    whole = Region(Box(0, 0, width, height), 2 * min_face, max(width, height))
    return [
        whole,
        *(
            Region(Box(x0, y0, x1, y1), min_face, max(OVERLAP, 2 * min_face))
            for y0, y1 in _parts(height)
            for x0, x1 in _parts(width)
        ),
    ]


def _parts(length: int) -> list[tuple[int, int]]:
    """Divides a side into equal parts that overlap."""
    count = max(1, math.ceil((length - OVERLAP) / (TILE - OVERLAP)))
    step = (length - OVERLAP) / count
    return [(round(number * step), min(length, round((number + 1) * step) + OVERLAP)) for number in range(count)]
