"""The interface of the face detectors, and what both share: regions, zones and the local contrast stretch."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from .geometry import Box, clip

OVERLAP_THRESHOLD = 0.5
"""Share of the smaller of two boxes that lies in the larger one, from which both are the same face."""
CLAHE_TILES = 8
"""Tiles along each side of a full frame."""
MIN_TILE_SIDE = 30
"""Smallest side of a tile, in pixels of the reduced image, where only a part is searched. It is that of a full frame's
tiles."""


class Region(NamedTuple):
    """A part of the image to search, and the range of face widths in pixels to search it for.

    A ``coarse`` search may leave out some sizes to be faster, because another search follows soon.
    """

    box: Box
    min_face: int
    max_face: int
    coarse: bool = False

    @property
    def cost(self) -> float:
        """The relative cost of a search: the number of windows of the smallest size. It only compares regions."""
        return self.box.area / self.min_face**2 / (2 if self.coarse else 1)


def detect_in_regions(
    detect: Callable[[Region], Iterable[Box]], regions: Sequence[Region], full_frame: Box
) -> list[Box]:
    """Searches each region and merges the boxes, left to right.

    Of boxes that show the same face the largest is kept. A box that a region's edge cuts is dropped; the next search
    covers the complete face.
    """
    boxes = (box for region in regions for box in detect(region) if not _is_cut(box, region.box, full_frame))
    kept: list[Box] = []
    for box in sorted(boxes, key=lambda box: -box.area):
        if all(clip(box, other).area < OVERLAP_THRESHOLD * box.area for other in kept):
            kept.append(box)
    return sorted(kept)


def _is_cut(box: Box, part: Box, full_frame: Box) -> bool:
    return (
        box.x0 <= part.x0 > full_frame.x0
        or box.y0 <= part.y0 > full_frame.y0
        or box.x1 >= part.x1 < full_frame.x1
        or box.y1 >= part.y1 < full_frame.y1
    )


def new_equalizer(clip_limit: float) -> Any:
    """Creates a contrast-limited adaptive histogram equalizer (CLAHE; Zuiderveld, 1994) for luma.

    A door camera looks into the light: exposed for the window, faces are flat and dark. The stretch is local because
    the image as a whole already has full contrast.
    """
    return cv2.createCLAHE(clip_limit, (CLAHE_TILES, CLAHE_TILES))


def equalize(equalizer: Any, luma: Any, full_frame: bool) -> Any:
    """Equalizes luma of any size. A part of a frame gets as many tiles as it has room for."""
    if full_frame:
        tiles = (CLAHE_TILES, CLAHE_TILES)
    else:
        tiles = tuple(min(CLAHE_TILES, max(1, side // MIN_TILE_SIDE)) for side in luma.shape[::-1])
    equalizer.setTilesGridSize(tiles)
    return equalizer.apply(luma)


class Detector(Protocol):
    """Finds faces: ``haar.HaarDetector`` or ``yunet.YuNetDetector``."""

    def detect(
        self, image: NDArray[np.uint8], luma: NDArray[np.uint8] | None = None, regions: Sequence[Region] | None = None
    ) -> list[Box]:
        """Returns the boxes of the faces in ``image``, left to right.

        ``luma`` saves the conversion to grey where the camera gives it; it may be smaller than the image. Only
        ``regions`` are searched; None searches the full frame for faces of every size.
        """
        ...


class Zones:
    """The watched parts of the image: polygons whose corners are fractions 0..1. No polygon means all of the image."""

    def __init__(self, polygons: Sequence[Sequence[tuple[float, float]]]) -> None:
        self._polygons = [np.array(polygon, np.float32) for polygon in polygons]

    def mask(self, rows: int, columns: int) -> NDArray[np.bool_]:
        """Returns which cells of a ``(rows, columns)`` grid are watched; cells that touch a zone are."""
        if not self._polygons:
            return np.ones((rows, columns), np.bool_)
        inside = np.zeros((rows, columns), np.uint8)
        corners = [(polygon * (columns, rows)).astype(np.int32) for polygon in self._polygons]
        cv2.fillPoly(inside, corners, 1)
        return np.asarray(cv2.dilate(inside, np.ones((3, 3), np.uint8)) > 0)

    def contains(self, box: Box, width: int, height: int) -> bool:
        """Returns whether the centre of ``box`` lies in a zone of a ``width`` x ``height`` image."""
        centre = (box.centre[0] / width, box.centre[1] / height)
        return not self._polygons or any(cv2.pointPolygonTest(zone, centre, False) >= 0 for zone in self._polygons)


def full_frame_region(image: NDArray[np.uint8], min_face: int) -> Region:
    """Returns the region that covers all of the image, for faces of at least ``min_face`` pixels."""
    height, width = image.shape[:2]
    return Region(Box(0, 0, width, height), min_face, max(width, height))
