"""Regions of interest: parts of a picture to search, and the sizes of faces to search them for."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from .geometry import Box, clip

SAME = 0.5
"""Share of the smaller of two finds that lies in the larger one, from which both are one face."""


class Region(NamedTuple):
    """A part of the picture, pixels, and the widths in pixels of the faces it is searched for.

    A ``coarse`` search may leave sizes out to be faster: another will follow soon.
    """

    box: Box
    least: int
    most: int
    coarse: bool = False

    @property
    def cost(self) -> float:
        """What a search costs, in a unit that only compares regions: windows of the smallest size."""
        return self.box.area / self.least**2 / (2 if self.coarse else 1)


def search(find: Callable[[Region], Iterable[Box]], regions: Sequence[Region], whole: Box) -> list[Box]:
    """What ``find`` finds in each region of the picture ``whole``, left to right; a face that is found twice once, as
    the larger box, and what a region's edge cuts through not at all: the next look will have all of it."""
    found = (box for region in regions for box in find(region) if not _cut(box, region.box, whole))
    kept: list[Box] = []
    for box in sorted(found, key=lambda box: -box.area):
        if all(clip(box, other).area < SAME * box.area for other in kept):
            kept.append(box)
    return sorted(kept)


def _cut(box: Box, part: Box, whole: Box) -> bool:
    return (
        box.x0 <= part.x0 > whole.x0
        or box.y0 <= part.y0 > whole.y0
        or box.x1 >= part.x1 < whole.x1
        or box.y1 >= part.y1 < whole.y1
    )
