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


def search(find: Callable[[Region], Iterable[Box]], regions: Sequence[Region]) -> list[Box]:
    """What ``find`` finds in each region, left to right; a face that is found twice once, as the larger box."""
    found = sorted((box for region in regions for box in find(region)), key=lambda box: -box.area)
    kept: list[Box] = []
    for box in found:
        if all(clip(box, other).area < SAME * box.area for other in kept):
            kept.append(box)
    return sorted(kept)
