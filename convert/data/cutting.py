"""Cuts face crops out of pictures the way the device does.

Both detectors of the device search the picture for the listed face. Each box that they find is cut with the device's
own ``edge.faces.crop.crop``, several times with the jitter that a detector shows from frame to frame. If neither finds
the face, the listed box is cut. Detections of a far too sensitive cascade beside the face become the label
``not_face``: they are the hard negatives that a device takes for people. Bare training faces are used again with masks
and hands drawn on them.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import cv2
import numpy as np

from edge.camera.frames import Image
from edge.config.schema import DetectConfig
from edge.faces.crop import crop
from edge.faces.geometry import Box, clip, iou, square
from edge.faces.haar import HaarDetector
from edge.faces.yunet import Detection, YuNetDetector

from ..errors import DataError
from .drawings import LABEL_OF_DRAWING, draw
from .lists import ListedFace
from .negatives import SAME_FACE, clear_of, random_boxes, without_face
from .splits import DRAWN_SUFFIX
from .trees import read_picture

MIN_FACE = 24
"""Smallest face that is cut, in pixels: the smallest that the detectors can be asked for."""
MIN_SCORE = 0.5
"""Score of YuNet from which a face is cut, 0..1: less than on the device, so that hard faces are among the crops."""
DRAWING_CHANCE = {"mask": 0.35, "under_nose": 0.2, "chin": 0.2, "hand": 0.1}
"""Chance of each drawing on a bare training face."""


class Crop(NamedTuple):
    """One picture for the tree, of any size, with its source and label."""

    source: str
    label: str
    image: Image


class CropCutter:
    """Cuts the crops of one listed face at a time; opens the detectors once.

    ``drawing_chance`` gives the chance of each drawing (a key of ``drawings.LABEL_OF_DRAWING``). Raises ``ModelError``
    if a detector cannot be opened.
    """

    def __init__(self, drawing_chance: Mapping[str, float] = DRAWING_CHANCE) -> None:
        self._drawing_chance = drawing_chance
        self._haar = HaarDetector(DetectConfig(min_face=MIN_FACE))
        self._yunet = YuNetDetector(DetectConfig(min_face=MIN_FACE, score=MIN_SCORE))
        self._sensitive = [
            HaarDetector(DetectConfig(cascade=cascade, min_face=MIN_FACE, neighbours=0))
            for cascade in ("default", "alt2")
        ]

    def cut(self, face: ListedFace, faces: Sequence[Box], copies: int, rng: np.random.Generator) -> Iterator[Crop]:
        """Yields the crops of a face, of drawings on it, and of places beside it that show no face.

        ``faces`` are all listed boxes of the same picture. ``copies`` is the number of crops per detector; drawings are
        made only if it is more than 1. Raises ``DataError`` if the picture cannot be read or the box lies outside.
        """
        image = read_picture(face.path)
        if face.box is None:
            yield from self._whole(face, image, copies, rng)
            return
        if clip(face.box, Box(0, 0, image.shape[1], image.shape[0])).area == 0:
            raise DataError(f"{face.path}: the listed box {tuple(face.box)} lies outside the picture; correct the list")
        detections = self._yunet.detections(image)
        detected = [self._haar.detect(image), [detection.box for detection in detections]]
        boxes = [box for candidates in detected if (box := _best(candidates, face.box))] or [square(face.box)]
        for box in boxes:
            for copy in range(copies):
                yield Crop(face.source, face.label, crop(image, box if copy == 0 else jitter(box, rng)))
        detection = next((one for one in detections if one.box in boxes), None)
        if copies > 1 and detection and face.label == "no_mask":
            for label, drawn in self._drawings(image, detection, rng):
                yield Crop(face.source + DRAWN_SUFFIX, label, crop(drawn, jitter(detection.box, rng)))
        yield from self._negatives(face, image, boxes[0], [*detected[0], *detected[1], *faces], rng)

    def _whole(self, face: ListedFace, image: Image, copies: int, rng: np.random.Generator) -> Iterator[Crop]:
        """Yields a picture that is a face crop already, and drawings on it."""
        yield Crop(face.source, face.label, image)
        if copies == 1 or face.label != "no_mask":
            return
        border = max(1, max(image.shape[:2]) // 3)  # YuNet misses a face that fills the picture
        wide = np.asarray(cv2.copyMakeBorder(image, border, border, border, border, cv2.BORDER_REPLICATE), np.uint8)
        for detection in self._yunet.detections(wide)[:1]:
            for label, drawn in self._drawings(wide, detection, rng):
                yield Crop(face.source + DRAWN_SUFFIX, label, drawn[border:-border, border:-border])

    def _drawings(self, image: Image, detection: Detection, rng: np.random.Generator) -> Iterator[tuple[str, Image]]:
        for kind, chance in self._drawing_chance.items():
            if rng.random() < chance:
                yield LABEL_OF_DRAWING[kind], draw(image, detection, kind, rng)

    def _negatives(
        self, face: ListedFace, image: Image, cut: Box, faces: Sequence[Box], rng: np.random.Generator
    ) -> Iterator[Crop]:
        """Yields crops without a face. Another detection may be a second person, so its place gets no label at all."""
        assert face.box is not None
        others = [box for box in faces if iou(box, face.box) < SAME_FACE]
        candidates = [box for detector in self._sensitive for box in detector.detect(image)]
        for box in without_face(face.box, [*candidates, *random_boxes(image, cut, rng)]):
            if clear_of(others, box):
                yield Crop(face.source, "not_face", crop(image, box))


def _best(boxes: Sequence[Box], face: Box) -> Box | None:
    best = max(boxes, key=lambda box: iou(box, face), default=None)
    return best if best and iou(best, face) >= SAME_FACE else None


def jitter(box: Box, rng: np.random.Generator) -> Box:
    """Returns the box as another frame might give it.

    The centre moves by up to 10 % of the side, and the side changes by -15 % to +25 %.
    """
    scale = float(rng.uniform(0.85, 1.25))
    dx, dy = (rng.uniform(-0.1, 0.1, 2) * box.width).round().astype(int)
    return square(Box(box.x0 + dx, box.y0 + dy, box.x1 + dx, box.y1 + dy), scale)
