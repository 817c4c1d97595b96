"""Finds faces to hide, and hides them: whole, or the eyes and the forehead only.

A face that stays visible does harm, and so does a picture in which everything is blurred, because people then turn the
blur off. `maskwatch-convert evaluate-blur` measures both; the constants here were chosen with it.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from ..camera.frames import Image
from ..config.schema import BlurredPart, DetectConfig
from .detector import CLAHE_TILES, Region, new_equalizer
from .geometry import Box
from .yunet import CLAHE_CLIP_LIMIT, Detection, YuNetDetector

LONGEST = 800
"""Longer side, in pixels, to which a larger picture is reduced: it bounds the cost of a search."""
LOWEST_SCORE, SCORE_PER_SIZE = 0.15, 0.65
"""The score that a detection needs, and how much more it needs per share of the picture's side. Of the detections with
a low score the large ones are wrong most often, and each of those blurs much. On the development scenes this covered
0.990 of the faces and blurred 0.018 of the pictures beside them; 0.15 for all sizes gave 0.992 and 0.040."""
SMALLEST = 20
"""Longer side of the smallest hidden face, in pixels of the searched picture: nobody recognizes a smaller one."""
CANDIDATES = 200
"""Detections that OpenCV considers: at 100, the many of a few faces crowd out the only one of another."""
MARGIN, MARGIN_PER_DOUBT = 0.22, 0.1
"""Share of a face's width and height that is blurred beyond each side, and how much more at a score of 0. With 0.15
six faces of a thousand more were left partly visible."""
CELLS = 3
"""Cells across a hidden part. Of 205 faces that were hidden, a stricter YuNet still took 10 for faces at 5 cells, and 2
at 3."""
EYES_WIDTH, EYES_UP, EYES_DOWN = 1.15, 1.1, 0.45
"""What is hidden around the middle of the eyes, in distances of the eyes: to each side, up and down."""
NARROWEST_EYES = 0.4
"""Smallest distance of the eyes, as a share of the face's width: in profile both eyes are at one place."""
UPPER_PART = 0.6
"""Share of a face's height, from above, that hides the eyes where it is not known where they are."""
SURE = 0.6
"""Score from which the eyes are believed to be where YuNet says."""


class EagerDetector:
    """Finds every face that may be one: YuNet at a low score, in the picture as it is and with its contrast evened out.

    The second search finds faces in the dark, and the first one faces that evening out makes worse: each alone misses
    one face of 60 that count, and both together one of 100. Use it in one thread. Raises ``ModelError`` if YuNet's
    network is damaged.
    """

    def __init__(self, config: DetectConfig) -> None:
        self._yunet = YuNetDetector(replace(config, score=LOWEST_SCORE, zones=()), CANDIDATES)
        self._equalizer = new_equalizer(CLAHE_CLIP_LIMIT)
        self._equalizer.setTilesGridSize((CLAHE_TILES, CLAHE_TILES))

    def detections(self, image: Image) -> list[Detection]:
        """Returns the faces, left to right. Most faces are there twice."""
        height, width = image.shape[:2]
        if min(height, width) < 2:
            return []
        factor = min(1.0, LONGEST / max(height, width))
        size = max(1, round(width * factor)), max(1, round(height * factor))
        small = cv2.resize(image, size, interpolation=cv2.INTER_AREA) if factor < 1 else image
        ycc = cv2.cvtColor(small, cv2.COLOR_BGR2YCrCb)
        ycc[..., 0] = self._equalizer.apply(np.ascontiguousarray(ycc[..., 0]))
        scale = np.array([width / size[0], height / size[1]], np.float32)
        both = (small, cv2.cvtColor(ycc, cv2.COLOR_YCrCb2BGR))
        found = [detection for picture in both for detection in self._yunet.raw(picture, scale)]
        return sorted((one for one in found if _counts(one, width, height, factor)), key=lambda one: one.box)

    def detect(
        self, image: NDArray[np.uint8], luma: NDArray[np.uint8] | None = None, regions: Sequence[Region] | None = None
    ) -> list[Box]:
        """See ``detector.Detector``."""
        return [detection.box for detection in self.detections(image)]


def _counts(detection: Detection, width: int, height: int, factor: float) -> bool:
    box = detection.box
    needed = LOWEST_SCORE + SCORE_PER_SIZE * math.sqrt(box.area / (width * height))
    return detection.score >= needed and max(box.width, box.height) * factor >= SMALLEST


class FaceHider:
    """Hides the faces that it finds, and those that others have found. Use it in one thread."""

    def __init__(self, detector: EagerDetector, part: BlurredPart) -> None:
        self._detector = detector
        self._part = part

    def hide(self, image: Image, boxes: Iterable[Box], *, on: Image | None = None) -> Image:
        """Returns a copy of the image without recognizable faces. ``boxes`` are faces that are known already.

        With ``on``, the places of the faces in ``image`` are hidden in that other image.
        """
        found = self._detector.detections(image)
        target = image if on is None else on
        if self._part == "face":
            return blur_outlines(target, [*map(outline, boxes), *(outline(one.box, one.score) for one in found)])
        return _hide_eyes(target, boxes, found)


def outline(box: Box, score: float = 1.0) -> Box:
    """Returns a face's box with the margin that is blurred too: hair, ears and chin can identify a person."""
    share = MARGIN + MARGIN_PER_DOUBT * (1 - score)
    x, y = round(share * box.width), round(share * box.height)
    return Box(box.x0 - x, box.y0 - y, box.x1 + x, box.y1 + y)


def blur(image: Image, boxes: Iterable[Box]) -> Image:
    """Returns a copy in which the faces in ``boxes`` can be neither recognized nor detected."""
    return blur_outlines(image, map(outline, boxes))


def blur_outlines(image: Image, outlines: Iterable[Box]) -> Image:
    """Returns a copy with ellipses blurred: a head has no corners, and its surroundings stay visible."""
    image = image.copy()
    for box in outlines:
        axes = (math.ceil(box.width / 2), math.ceil(box.height / 2))
        points = cv2.ellipse2Poly((round(box.centre[0]), round(box.centre[1])), axes, 0, 0, 360, 5)
        _blur(image, np.array(points, np.int32))
    return image


def _hide_eyes(image: Image, boxes: Iterable[Box], found: Iterable[Detection]) -> Image:
    image = image.copy()
    areas = [eyes_in_box(box) for box in boxes]
    for detection in found:
        areas.append(eyes_at(detection))
        if detection.score < SURE:
            areas.append(eyes_in_box(detection.box))
    for area in areas:
        _blur(image, area)
    return image


def eyes_at(detection: Detection) -> NDArray[np.int32]:
    """Returns the corners of the area that hides eyes and forehead, turned as the face is."""
    right, left = detection.landmarks[:2]
    middle, mouth = (right + left) / 2, detection.landmarks[3:].mean(axis=0)
    down = mouth - middle
    length = max(float(np.hypot(*down)), 1.0)
    unit = down / length if length > 1 else np.array([0, 1], np.float32)
    across = np.array([unit[1], -unit[0]], np.float32)
    distance = max(float(np.hypot(*(left - right))), NARROWEST_EYES * detection.box.width, 0.7 * length)
    upper, lower = middle - EYES_UP * distance * unit, middle + EYES_DOWN * distance * unit
    side = EYES_WIDTH * distance * across
    return np.round([upper - side, upper + side, lower + side, lower - side]).astype(np.int32)


def eyes_in_box(box: Box) -> NDArray[np.int32]:
    """Returns the corners of the upper part of a face, with a margin."""
    x0, y0, x1, _ = outline(box)
    y1 = box.y0 + round(UPPER_PART * box.height)
    return np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], np.int32)


def _blur(image: Image, polygon: NDArray[np.int32]) -> None:
    """Averages a polygon of the image down to a few cells, and smooths them. A cut one gets cells of the same size."""
    height, width = image.shape[:2]
    left, upper = polygon.min(axis=0)
    right, lower = polygon.max(axis=0) + 1
    x0, y0, x1, y1 = max(0, left), max(0, upper), min(width, right), min(height, lower)
    if x1 <= x0 or y1 <= y0 or right - left < 3 or lower - upper < 3:
        return
    part = image[y0:y1, x0:x1]
    size = (
        min(x1 - x0, max(1, round(CELLS * (x1 - x0) / (right - left)))),
        min(y1 - y0, max(1, round(CELLS * (y1 - y0) / (lower - upper)))),
    )
    few = cv2.resize(part, size, interpolation=cv2.INTER_AREA)
    smooth = cv2.resize(few, (int(x1 - x0), int(y1 - y0)), interpolation=cv2.INTER_LINEAR)
    inside = np.zeros(part.shape[:2], np.uint8)
    cv2.fillPoly(inside, [polygon - np.array([x0, y0], np.int32)], 1)
    part[inside > 0] = smooth[inside > 0]
