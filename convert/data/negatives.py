"""Chooses boxes that show no face, as training pictures of the reject class ``not_face``."""

from collections.abc import Sequence

import numpy as np

from edge.camera.frames import Image
from edge.faces.geometry import Box, clip, iou, square

SAME_FACE = 0.3
"""IoU above which two boxes count as the same face."""
MAX_SHARED = 0.25
"""IoU with a face above which a box may show that face."""
MAX_COVERED = 0.4
"""Share of a box across the face's edge that the face may cover."""
MIN_INSIDE = 0.6
"""Share of a box across the face's edge that must lie in the picture. Outside there is only the repeated edge."""
MAX_INNER = 0.1
"""Area of a box over the area of the face, below which the box shows only a part of the face (an eye, a chin)."""
RANDOM_BOXES = 1
"""Random boxes per picture and kind (elsewhere, inside the face, across its edge)."""
MIN_SIDE = 16
"""Shortest side of a random box, in pixels."""


def random_boxes(image: Image, face: Box, rng: np.random.Generator) -> list[Box]:
    """Draws square boxes anywhere in the picture, inside the face, and across its edge; ``RANDOM_BOXES`` of each.

    The sides are 0.4 to 1.3, 0.15 to 0.3 and 0.7 to 1.3 face widths. Without them, foreheads, ears and collars were
    taken for faces.
    """
    picture = Box(0, 0, image.shape[1], image.shape[0])
    anywhere = [_inside(picture, face.width * rng.uniform(0.4, 1.3), rng) for _ in range(RANDOM_BOXES)]
    inner = [_inside(clip(face, picture), face.width * rng.uniform(0.15, 0.3), rng) for _ in range(RANDOM_BOXES)]
    edge = [_across_edge(face, rng) for _ in range(RANDOM_BOXES)]
    return [*anywhere, *inner, *(box for box in edge if clip(box, picture).area > MIN_INSIDE * box.area)]


def _inside(frame: Box, side: float, rng: np.random.Generator) -> Box:
    length = max(MIN_SIDE, round(side))
    x0 = int(rng.integers(frame.x0, max(frame.x0 + 1, frame.x1 - length)))
    y0 = int(rng.integers(frame.y0, max(frame.y0 + 1, frame.y1 - length)))
    return Box(x0, y0, x0 + length, y0 + length)


def _across_edge(face: Box, rng: np.random.Generator) -> Box:
    angle, distance = rng.uniform(0, 2 * np.pi), rng.uniform(0.75, 1.0) * max(face.width, face.height)
    dx, dy = round(distance * float(np.cos(angle))), round(distance * float(np.sin(angle)))
    return square(Box(face.x0 + dx, face.y0 + dy, face.x1 + dx, face.y1 + dy), float(rng.uniform(0.7, 1.3)))


def without_face(face: Box, boxes: Sequence[Box]) -> list[Box]:
    """Keeps the boxes that lie beside the face or are far smaller than it, one per place."""
    kept: list[Box] = []
    for box in boxes:
        beside = iou(box, face) < MAX_SHARED and clip(box, face).area < MAX_COVERED * box.area
        if (beside or box.area < MAX_INNER * face.area) and all(iou(box, other) < SAME_FACE for other in kept):
            kept.append(box)
    return kept


def clear_of(others: Sequence[Box], box: Box) -> bool:
    """Tells whether a box shares less than ``MAX_SHARED`` with each of the other faces, by IoU and by its area."""
    return all(iou(box, other) < MAX_SHARED and clip(box, other).area < MAX_SHARED * box.area for other in others)
