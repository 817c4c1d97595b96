"""Runs the device's detector and classifier on whole pictures, and matches the result with the labelled faces.

The truth is a tab-separated list with the columns file, source, label, x0, y0, x1, y1, one row per face. The label
``ignore`` marks faces that nobody labelled: a detection there counts neither as right nor as wrong. Each picture is
evaluated alone, without the evidence over time that a device collects.
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
from ..data.drawings import LABEL_OF_DRAWING, draw
from ..data.files import read_rows
from ..data.trees import label_of, read_picture
from ..errors import DataError

MATCH = 0.25
"""IoU above which a detection belongs to a labelled face. Labellers and detectors draw boxes differently."""
MIN_FACE = 40
"""Default shorter side of the smallest labelled face that counts, in pixels."""
MIN_DRAWN_FACE = 24
"""Smallest face to draw on, in pixels."""


@dataclass(frozen=True, slots=True)
class LabelledFace:
    """One labelled face. ``label`` may be ``ignore``."""

    label: str
    box: Box

    @property
    def side(self) -> int:
        """The shorter side, in pixels."""
        return min(self.box.width, self.box.height)


@dataclass(frozen=True, slots=True)
class LabelledScene:
    """One picture and its labelled faces."""

    path: Path
    source: str
    faces: tuple[LabelledFace, ...]


def read_scenes(path: Path) -> list[LabelledScene]:
    """Reads the scenes of a list. Raises ``DataError`` naming the first line that cannot be used."""
    scenes: dict[str, tuple[str, list[LabelledFace]]] = {}
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
        scenes.setdefault(file, (source, []))[1].append(LabelledFace(known, box))
    if not scenes:
        raise DataError(f"{path} names no pictures; expected one row per face")
    return [LabelledScene(path.parent / file, source, tuple(faces)) for file, (source, faces) in scenes.items()]


@dataclass(frozen=True, slots=True)
class SceneDetections:
    """What the detector gives for a scene: the boxes, a crop per box, and the seconds that it took.

    This does not depend on the model.
    """

    scene: LabelledScene
    boxes: list[Box]
    crops: list[Image]
    seconds: float


def detect_scenes(
    scenes: Sequence[LabelledScene],
    detector: Detector,
    condition_name: str = "plain",
    drawing: str = "",
    network: str = "",
) -> Iterator[SceneDetections]:
    """Runs the detector over the scenes under a condition (a key of ``conditions.CONDITIONS``).

    With ``drawing`` (a key of ``drawings.LABEL_OF_DRAWING``) only bare faces count, after that was drawn on each.
    ``network`` is the path of YuNet's network, which then places the drawings. Raises ``DataError`` if a picture cannot
    be read, ``ModelError`` if YuNet cannot be opened.
    """
    drawer = BareFaceDrawer(drawing, network) if drawing else None
    for number, scene in enumerate(scenes):
        image = read_picture(scene.path)
        if drawer:
            scene, image = drawer.draw(scene, image, number)
        image = condition(condition_name, number)(image)
        start = time.perf_counter()
        boxes = detector.detect(image)
        seconds = time.perf_counter() - start
        upright = [_mirror(box, image.shape[1]) for box in boxes] if condition_name == "mirrored" else boxes
        yield SceneDetections(scene, upright, [crop(image, box).copy() for box in boxes], seconds)


class BareFaceDrawer:
    """Draws one kind of mask, or hands, on every bare face on which YuNet finds the eyes and the mouth."""

    def __init__(self, kind: str, network: str = "") -> None:
        self._kind = kind
        self._yunet = YuNetDetector(DetectConfig(network=network, min_face=MIN_DRAWN_FACE))

    def draw(self, scene: LabelledScene, image: Image, seed: int) -> tuple[LabelledScene, Image]:
        """Returns the scene and the picture with the drawings. All faces without a drawing are labelled ``ignore``."""
        rng, detections, faces = np.random.default_rng(seed), self._yunet.detections(image), []
        for face in scene.faces:
            best = max(detections, key=lambda one: iou(one.box, face.box), default=None)
            if face.label == "no_mask" and best is not None and iou(best.box, face.box) >= MATCH:
                image = draw(image, best, self._kind, rng)
                faces.append(LabelledFace(LABEL_OF_DRAWING[self._kind], face.box))
            else:
                faces.append(LabelledFace("ignore", face.box))
        return LabelledScene(scene.path, scene.source, tuple(faces)), image


def _mirror(box: Box, width: int) -> Box:
    return Box(width - box.x1, box.y0, width - box.x0, box.y1)


@dataclass(frozen=True, slots=True)
class FaceResult:
    """What became of one labelled face. ``answer`` is the model's probability per label, ``luma`` the crop's mean luma
    0..255; both are None if the face was not detected."""

    face: LabelledFace
    answer: dict[str, float] | None
    luma: float | None = None


@dataclass(frozen=True, slots=True)
class SceneResult:
    """The labelled faces of sufficient size in one scene, and the model's answers on detections without a face."""

    source: str
    faces: tuple[FaceResult, ...]
    false_detections: tuple[dict[str, float], ...]


def classify_scene(detected: SceneDetections, classifier: MaskClassifier, min_face: int = MIN_FACE) -> SceneResult:
    """Matches each labelled face of ``min_face`` pixels and more with its best detection, and classifies that crop."""
    answers = classifier.classify_crops(detected.crops)
    matched: set[int] = set()
    faces = []
    for face in detected.scene.faces:
        overlaps = [iou(box, face.box) for box in detected.boxes]
        on_face = [i for i, overlap in enumerate(overlaps) if overlap >= MATCH]
        matched |= set(on_face)
        if face.label == "ignore" or face.side < min_face:
            continue
        best = max(on_face, key=lambda i: overlaps[i], default=None)
        faces.append(
            FaceResult(face, None) if best is None else FaceResult(face, answers[best], _luma(detected.crops[best]))
        )
    false_detections = [answer for i, answer in enumerate(answers) if i not in matched]
    return SceneResult(detected.scene.source, tuple(faces), tuple(false_detections))


def _luma(image: Image) -> float:
    """Returns the mean luma of the middle half of a crop, which shows the face and not its background."""
    height, width = image.shape[:2]
    middle = image[height // 4 : height - height // 4, width // 4 : width - width // 4]
    return float(cv2.cvtColor(middle, cv2.COLOR_BGR2GRAY).mean()) if middle.size else 0.0
