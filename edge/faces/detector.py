"""What both detectors share: regions to search, zones, the local contrast stretch."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from .geometry import Box, clip

SAME = 0.5
"""Share of the smaller of two finds that lies in the larger one, from which both are one face."""
TILES = 8
"""Tiles of a whole picture along each side."""
TILE = 30
"""Side of a tile, in pixels of the reduced picture, where only a part is searched: the same as in a whole one."""


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


def new_equalizer(limit: float) -> Any:
    """Contrast-limited adaptive histogram equalization (Zuiderveld, 1994) of a luma picture: ``apply(luma) -> luma``.

    A door camera looks into the light: exposed for the window, its faces are flat and dark. Local, because the
    picture as a whole already has all the contrast there is.
    """
    return cv2.createCLAHE(limit, (TILES, TILES))


def equalized(equalizer: Any, luma: Any, whole: bool) -> Any:
    """Its contrast evened; a part of a picture gets as many tiles as it has room for."""
    tiles = (TILES, TILES) if whole else tuple(min(TILES, max(1, side // TILE)) for side in luma.shape[::-1])
    equalizer.setTilesGridSize(tiles)
    return equalizer.apply(luma)


class Detector(Protocol):
    """Anything that finds faces: the cascade here, or ``yunet.YuNetDetector``."""

    def detect(
        self, image: NDArray[np.uint8], luma: NDArray[np.uint8] | None = None, regions: Sequence[Region] | None = None
    ) -> list[Box]:
        """Boxes in pixels of ``image``, left to right; ``luma`` saves the grey conversion where the camera has it.

        Only ``regions`` are searched; None is the whole picture, for faces of every size.
        """
        ...


class Zones:
    """The parts of the picture that are watched: polygons, corners as shares 0..1; none means all of it."""

    def __init__(self, polygons: Sequence[Sequence[tuple[float, float]]]) -> None:
        self._polygons = [np.array(polygon, np.float32) for polygon in polygons]

    def cells(self, rows: int, columns: int) -> NDArray[np.bool_]:
        """Which cells of a picture ``rows`` x ``columns`` large are watched, those that touch one included."""
        if not self._polygons:
            return np.ones((rows, columns), np.bool_)
        inside = np.zeros((rows, columns), np.uint8)
        corners = [(zone * (columns, rows)).astype(np.int32) for zone in self._polygons]
        cv2.fillPoly(inside, corners, 1)
        return np.asarray(cv2.dilate(inside, np.ones((3, 3), np.uint8)) > 0)

    def watch(self, box: Box, width: int, height: int) -> bool:
        """Whether the centre of ``box`` lies in one of them, in a picture of ``width`` x ``height``."""
        at = (box.centre[0] / width, box.centre[1] / height)
        return not self._polygons or any(cv2.pointPolygonTest(zone, at, False) >= 0 for zone in self._polygons)


def whole_picture(image: NDArray[np.uint8], min_face: int) -> Region:
    """All of it, for faces of ``min_face`` pixels and more."""
    height, width = image.shape[:2]
    return Region(Box(0, 0, width, height), min_face, max(width, height))
