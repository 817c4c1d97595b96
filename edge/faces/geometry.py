"""Bounding boxes in integer pixels, and what is computed from them."""

from typing import NamedTuple


class Box(NamedTuple):
    """A rectangle ``x0 <= x < x1``, ``y0 <= y < y1``."""

    x0: int
    y0: int
    x1: int
    y1: int

    @property
    def width(self) -> int:
        """Pixels from left to right."""
        return self.x1 - self.x0

    @property
    def height(self) -> int:
        """Pixels from top to bottom."""
        return self.y1 - self.y0

    @property
    def area(self) -> int:
        """Square pixels; 0 for an empty or inverted box."""
        return max(0, self.width) * max(0, self.height)

    @property
    def centre(self) -> tuple[float, float]:
        """``(x, y)`` of the middle."""
        return (self.x0 + self.x1) / 2, (self.y0 + self.y1) / 2


def iou(a: Box, b: Box) -> float:
    """Computes intersection over union, 0..1; 0 if either box is empty."""
    overlap = clip(a, b).area
    return overlap / (a.area + b.area - overlap) if overlap else 0.0


def clip(box: Box, to: Box) -> Box:
    """Returns the part of ``box`` inside ``to``; its area is 0 when they do not meet."""
    return Box(max(box.x0, to.x0), max(box.y0, to.y0), min(box.x1, to.x1), min(box.y1, to.y1))


def square(box: Box, scale: float = 1.0) -> Box:
    """Returns the square with the centre of ``box`` and ``scale`` times its longer side, at least 1 pixel."""
    side = max(1, round(max(box.width, box.height) * scale))
    x0, y0 = round(box.centre[0] - side / 2), round(box.centre[1] - side / 2)
    return Box(x0, y0, x0 + side, y0 + side)
