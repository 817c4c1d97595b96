"""End to end on whole pictures with boxed faces: what is found, what it is called, and what is no face at all.

Truth is a tab-separated list with the columns file, source, label, x0, y0, x1, y1, one row a face. Rows labelled
``ignore`` are faces that nobody labelled: a detection there counts neither way. One picture is one look, without the
evidence over time that a door collects.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from edge.camera.frames import Image
from edge.config.schema import DetectConfig
from edge.faces.classifier import MaskClassifier
from edge.faces.crop import crop
from edge.faces.detector import Detector
from edge.faces.geometry import Box, iou
from edge.faces.yunet import YuNetDetector

from ..data.conditions import condition
from ..data.drawings import LABELS, draw
from ..data.trees import DataError, label_of, read_picture, read_rows

MATCH = 0.25
"""IoU from which a detection is on a labelled face: labellers and detectors draw boxes differently."""
LEAST = 40
"""Shorter side, in pixels, of the faces that count unless told otherwise."""


@dataclass(frozen=True, slots=True)
class Truth:
    """One labelled face; ``label`` may be ``ignore``."""

    label: str
    box: Box

    @property
    def side(self) -> int:
        return min(self.box.width, self.box.height)


@dataclass(frozen=True, slots=True)
class Scene:
    """One picture and its labelled faces."""

    path: Path
    source: str
    faces: tuple[Truth, ...]


def read_scenes(path: Path) -> list[Scene]:
    """The scenes of a list. Raises ``DataError`` naming the line that cannot be used."""
    scenes: dict[str, tuple[str, list[Truth]]] = {}
    for number, row in read_rows(path, "file, source, label, x0, y0, x1, y1"):
        try:
            file, source, label = row[:3]
            box = Box(*map(int, row[3:7]))
            known = label if label == "ignore" else label_of(label)
            if known is None or box.area == 0:
                raise ValueError
        except (ValueError, TypeError):
            raise DataError(
                f"{path}, line {number}: expected file, source, label, x0, y0, x1, y1 with x0 < x1, y0 < y1; got {row}"
            ) from None
        scenes.setdefault(file, (source, []))[1].append(Truth(known, box))
    if not scenes:
        raise DataError(f"{path} names no pictures")
    return [Scene(path.parent / file, source, tuple(faces)) for file, (source, faces) in scenes.items()]


@dataclass(frozen=True, slots=True)
class Seen:
    """What became of one labelled face: the model's answer and the crop's mean luma 0..255, None where not found."""

    truth: Truth
    answer: dict[str, float] | None
    luma: float | None = None


@dataclass(frozen=True, slots=True)
class Looked:
    """What a pipeline saw in one scene: each labelled face of sufficient size, and the answers on what is no face."""

    source: str
    faces: tuple[Seen, ...]
    strays: tuple[dict[str, float], ...]


@dataclass(frozen=True, slots=True)
class Detections:
    """The detector's part, which does not change with the model: a crop for each box, and the seconds it took."""

    scene: Scene
    boxes: list[Box]
    crops: list[Image]
    seconds: float


def detections(
    scenes: Sequence[Scene], detector: Detector, how: str = "plain", drawing: str = ""
) -> Iterator[Detections]:
    """Runs the detector over every scene under a condition; crops are the device's own.

    With ``drawing`` (a key of ``drawn.LABELS``) only bare faces count, after that was drawn on each of them.
    """
    pencil = Pencil(drawing) if drawing else None
    for number, scene in enumerate(scenes):
        image = read_picture(scene.path)
        if pencil:
            scene, image = pencil(scene, image, number)
        image = condition(how, number)(image)
        start = time.perf_counter()
        boxes = detector.detect(image)
        seconds = time.perf_counter() - start
        flipped = [_mirror(box, image.shape[1]) for box in boxes] if how == "mirrored" else boxes
        yield Detections(scene, flipped, [crop(image, box).copy() for box in boxes], seconds)


class Pencil:
    """Draws one kind of mask, or hands, on every bare face whose eyes and mouth can be found; others are ``ignore``."""

    def __init__(self, kind: str) -> None:
        self._kind, self._finder = kind, YuNetDetector(DetectConfig(min_face=24))

    def __call__(self, scene: Scene, image: Image, number: int) -> tuple[Scene, Image]:
        rng, finds, faces = np.random.default_rng(number), self._finder.detections(image), []
        for truth in scene.faces:
            find = max(finds, key=lambda find: iou(find.box, truth.box), default=None)
            bare = truth.label == "no_mask" and find is not None and iou(find.box, truth.box) >= MATCH
            if bare and find is not None:
                image = draw(image, find, self._kind, rng)
            faces.append(Truth(LABELS[self._kind] if bare else "ignore", truth.box))
        return Scene(scene.path, scene.source, tuple(faces)), image


def _mirror(box: Box, width: int) -> Box:
    return Box(width - box.x1, box.y0, width - box.x0, box.y1)


def judge(found: Detections, classifier: MaskClassifier, least: int = LEAST) -> Looked:
    """Matches what was found to the truth, each labelled face with its best box, and asks the model."""
    answers = classifier.classify_crops(found.crops)
    taken: set[int] = set()
    faces = []
    for truth in found.scene.faces:
        on = [i for i, box in enumerate(found.boxes) if iou(box, truth.box) >= MATCH]
        taken |= set(on)
        if truth.label == "ignore" or truth.side < least:
            continue
        best = max(on, key=lambda i: iou(found.boxes[i], truth.box), default=None)
        faces.append(Seen(truth, None) if best is None else Seen(truth, answers[best], _luma(found.crops[best])))
    strays = [answer for i, answer in enumerate(answers) if i not in taken]
    return Looked(found.scene.source, tuple(faces), tuple(strays))


def _luma(part: Image) -> float:
    """Of the middle half of a crop: the face, not the window behind it."""
    height, width = part.shape[:2]
    middle = part[height // 4 : height - height // 4, width // 4 : width - width // 4]
    return float(cv2.cvtColor(middle, cv2.COLOR_BGR2GRAY).mean()) if middle.size else 0.0
