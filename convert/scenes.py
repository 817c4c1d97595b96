"""End to end on whole pictures with boxed faces: what is found, what it is called, and what is no face at all.

Truth is a tab-separated list with the columns file, source, label, x0, y0, x1, y1, one row a face. Rows labelled
``ignore`` are faces that nobody labelled: a detection there counts neither way. One picture is one look, without the
evidence over time that a door collects.
"""

import csv
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from edge.classify import Image, MaskClassifier, crop
from edge.detect import Detector
from edge.geometry import Box, iou

from .conditions import condition
from .data import DataError, label_of, read_picture

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
    if not path.is_file():
        raise DataError(f"{path} is no file; expected columns file, source, label, x0, y0, x1, y1 (tab-separated)")
    scenes: dict[str, tuple[str, list[Truth]]] = {}
    for number, row in enumerate(csv.reader(path.read_text("utf-8").splitlines(), delimiter="\t"), 1):
        if not row or (number == 1 and row[0] == "file"):
            continue
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
class Looked:
    """What a pipeline saw in one scene: for each labelled face of sufficient size the answer (None: not found; a
    rejected face is found but has no label), and the answers on what is no labelled face."""

    source: str
    faces: tuple[tuple[Truth, dict[str, float] | None], ...]
    strays: tuple[dict[str, float], ...]


@dataclass(frozen=True, slots=True)
class Detections:
    """The detector's part, which does not change with the model: a crop for each box, and the seconds it took."""

    scene: Scene
    boxes: list[Box]
    crops: list[Image]
    seconds: float


def detections(scenes: Sequence[Scene], detector: Detector, how: str = "plain") -> Iterator[Detections]:
    """Runs the detector over every scene under a condition; crops are the device's own."""
    for number, scene in enumerate(scenes):
        image = condition(how, number)(read_picture(scene.path))
        start = time.perf_counter()
        boxes = detector.detect(image)
        seconds = time.perf_counter() - start
        flipped = [_mirror(box, image.shape[1]) for box in boxes] if how == "mirrored" else boxes
        yield Detections(scene, flipped, [crop(image, box).copy() for box in boxes], seconds)


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
        if truth.label != "ignore" and truth.side >= least:
            best = max(on, key=lambda i: iou(found.boxes[i], truth.box), default=None)
            faces.append((truth, None if best is None else answers[best]))
    strays = [answer for i, answer in enumerate(answers) if i not in taken]
    return Looked(found.scene.source, tuple(faces), tuple(strays))
