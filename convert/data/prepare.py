"""Face crops made the way the device makes them, from pictures with more than the face in them.

For every listed picture both shipping detectors look for the face; what each finds (or, where neither does, the
listed box with the detectors' proportions) is cut with the shipping ``edge.faces.crop.crop``, a few times with the
jitter that a detector shows from frame to frame. What a far too eager cascade finds beside the face becomes the
class ``not_face``: the hard negatives that turn collars, hands and patterns into people on a device. Bare training
faces are used again with masks and hands drawn on them (``drawn``).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from edge.camera.frames import Image
from edge.config.schema import DetectConfig
from edge.faces.crop import crop
from edge.faces.geometry import Box, clip, iou, square
from edge.faces.haar import HaarDetector
from edge.faces.yunet import Detection, YuNetDetector

from .drawings import LABELS, clutter, draw
from .trees import DRAWINGS, DataError, Sample, label_of, read_picture, read_rows, split

SAME_FACE = 0.3
"""IoU from which a detection counts as the listed face."""
BESIDE = 0.25
"""Share of its own area that a box may share with the listed face and still be called no face."""
STRAYS = 1
"""Boxes a picture drawn at random beside the face, and as many within and across its edge (an eye is no face)."""
ACROSS = 0.4
"""Share of its own area that a box across the face's edge may have in the face and still be called no face."""
INSIDE = 0.6
"""Share of a box across the face's edge that must lie in the picture: more would be its repeated edge."""
CLUTTER = 1000
"""Training pictures of drawn things that are no face (source ``drawn``), where the list has enough faces for them."""
DRAWN = {"mask": 0.35, "under_nose": 0.2, "chin": 0.2, "hand": 0.1}
"""Chance of each drawing on a bare training face."""


@dataclass(frozen=True, slots=True)
class Listed:
    """One row of a list: picture, label, source, and the face's box where the picture shows more than a face."""

    path: Path
    label: str
    source: str
    box: Box | None


def read_list(path: Path, exclude: Sequence[str] = ()) -> list[Listed]:
    """Rows of a tab-separated list with the columns file, source, label and (last, may be empty) a box ``x0,y0,x1,y1``.

    ``file`` is relative to the list. Raises ``DataError`` naming the line that cannot be used.
    """
    rows = []
    for number, row in read_rows(path, "file, source, label, box"):
        label = label_of(row[2]) if len(row) >= 3 else None
        if label is None:
            raise DataError(f"{path}, line {number}: expected file, source, label, box; got {row}")
        if row[1] not in exclude:
            rows.append(Listed(path.parent / row[0], label, row[1], _box(row[3] if len(row) > 3 else "", path, number)))
    return rows


def _box(text: str, path: Path, line: int) -> Box | None:
    if not text.strip():
        return None
    try:
        box = Box(*map(int, text.replace(",", " ").split()))
    except (ValueError, TypeError):
        raise DataError(f"{path}, line {line}: a box is x0,y0,x1,y1 in whole pixels; got '{text}'") from None
    if box.width <= 0 or box.height <= 0:
        raise DataError(f"{path}, line {line}: a box is x0,y0,x1,y1 with x0 < x1 and y0 < y1; got '{text}'")
    return box


class Cutter:
    """Cuts one listed picture; ``copies`` jittered crops a face and detector, drawings only where ``copies`` > 1."""

    def __init__(self, kinds: Mapping[str, float] = DRAWN) -> None:
        self._kinds = kinds
        self._haar = HaarDetector(DetectConfig(min_face=24))
        self._yunet = YuNetDetector(DetectConfig(min_face=24, score=0.5))
        # far more trigger-happy than the device
        self._miners = [
            HaarDetector(DetectConfig(cascade=name, min_face=24, neighbours=0)) for name in ("default", "alt2")
        ]

    def __call__(
        self, row: Listed, faces: Sequence[Box], copies: int, rng: np.random.Generator
    ) -> Iterator[tuple[str, str, Image]]:
        """(source, label, crop); drawings on pictures of ``k12`` come from ``k12-drawn``. ``faces`` are all listed
        boxes of the same picture."""
        image = read_picture(row.path)
        if row.box is None:  # a tight crop of the data set's own; kept as it is
            yield row.source, row.label, image
            if copies > 1 and row.label == "no_mask":
                yield from self._drawn_tight(row, image, rng)
            return
        if clip(row.box, Box(0, 0, image.shape[1], image.shape[0])).area == 0:
            raise DataError(f"{row.path}: the listed box {tuple(row.box)} lies outside the picture")
        finds = self._yunet.detections(image)
        found = [self._haar.detect(image), [find.box for find in finds]]
        seen = [box for boxes in found if (box := _same(boxes, row.box))] or [as_detected(row.box)]
        for box in seen:
            for copy in range(copies):
                yield row.source, row.label, crop(image, box if copy == 0 else jitter(box, rng))
        same = next((find for find in finds if find.box in seen), None)
        if copies > 1 and same and row.label == "no_mask":
            for label, picture in self._drawn(image, same, rng):
                yield f"{row.source}{DRAWINGS}", label, crop(picture, jitter(same.box, rng))
        # what the device would take for a face elsewhere may be somebody behind: neither class
        others = [box for box in [*found[0], *found[1], *faces] if iou(box, row.box) < SAME_FACE]
        mined = [box for miner in self._miners for box in miner.detect(image)]
        for box in false_faces(row.box, [*mined, *strays(image, seen[0], rng)]):
            if all(iou(box, other) < BESIDE and clip(box, other).area < BESIDE * box.area for other in others):
                yield row.source, "not_face", crop(image, box)

    def _drawn(self, image: Image, find: Detection, rng: np.random.Generator) -> Iterator[tuple[str, Image]]:
        for kind, chance in self._kinds.items():
            if rng.random() < chance:
                yield LABELS[kind], draw(image, find, kind, rng)

    def _drawn_tight(self, row: Listed, image: Image, rng: np.random.Generator) -> Iterator[tuple[str, str, Image]]:
        edge = max(1, max(image.shape[:2]) // 3)  # a face that fills its picture is found only with something around it
        wide = np.asarray(cv2.copyMakeBorder(image, edge, edge, edge, edge, cv2.BORDER_REPLICATE), np.uint8)
        for find in self._yunet.detections(wide)[:1]:
            for label, picture in self._drawn(wide, find, rng):
                yield f"{row.source}{DRAWINGS}", label, picture[edge:-edge, edge:-edge]


def write_tree(
    rows: Sequence[Listed], out: Path, *, copies: int = 2, val: float = 0.1, seed: int = 0, test: bool = False
) -> dict[tuple[str, str, str], int]:
    """Writes ``out/split/source/label/*.jpg``; returns how many files each (split, source, label) got.

    The split comes first, by source and near-duplicate group of the whole pictures, so no crop of one photo can be
    on both sides. The training part gets ``copies`` jittered crops a face, the other exactly what the device sees.
    With ``test`` everything goes into a test part.
    """
    if not rows:
        raise DataError("the list names no pictures")
    samples = [Sample(row.path, row.label, row.source) for row in rows]
    divided = [replace(s, split="test") for s in samples] if test else split(samples, val=val, seed=seed)
    placed = {sample.path: sample.split or "train" for sample in divided}
    cutter = Cutter()
    listed: dict[Path, list[Box]] = {}
    for row in rows:
        listed.setdefault(row.path, []).extend([row.box] if row.box else [])
    counts: dict[tuple[str, str, str], int] = {}
    for number, row in enumerate(rows):
        rng = np.random.default_rng((seed, number))
        part = placed[row.path]
        for source, label, picture in cutter(row, listed[row.path], copies if part == "train" else 1, rng):
            key = (part, source, label)
            counts[key] = counts.get(key, 0) + 1
            _write(out / part / source / label / f"{row.path.stem}-{counts[key]:05d}.jpg", picture)
    rng = np.random.default_rng(seed)
    for number in range(0 if test else min(CLUTTER, len(rows) // 8)):
        key = ("train", "drawn", "not_face")
        counts[key] = number + 1
        _write(out / "train" / "drawn" / "not_face" / f"{number:05d}.jpg", clutter(128, rng))
    return counts


def _same(boxes: Sequence[Box], face: Box) -> Box | None:
    best = max(boxes, key=lambda box: iou(box, face), default=None)
    return best if best and iou(best, face) >= SAME_FACE else None


def as_detected(box: Box) -> Box:
    """A labelled box (brow to chin, often narrow) with the proportions of a cascade's: square, as wide as high."""
    return square(box)


def jitter(box: Box, rng: np.random.Generator) -> Box:
    """The box as another frame might have it: moved by up to 10 % of its side, 15 % smaller to 25 % larger."""
    scale = float(rng.uniform(0.85, 1.25))
    dx, dy = (rng.uniform(-0.1, 0.1, 2) * box.width).round().astype(int)
    return square(Box(box.x0 + dx, box.y0 + dy, box.x1 + dx, box.y1 + dy), scale)


def strays(image: Image, face: Box, rng: np.random.Generator) -> list[Box]:
    """``STRAYS`` squares anywhere, 0.4 to 1.3 faces wide, as many pieces of the face, 0.15 to 0.3, and as many that
    cut into it from the side: a forehead, an ear or a collar is no face."""
    picture = Box(0, 0, image.shape[1], image.shape[0])
    drawn = []
    for frame, low, high in ((picture, 0.4, 1.3), (clip(face, picture), 0.15, 0.3)):
        for _ in range(STRAYS):
            side = max(16, round(face.width * rng.uniform(low, high)))
            x0 = int(rng.integers(frame.x0, max(frame.x0 + 1, frame.x1 - side)))
            y0 = int(rng.integers(frame.y0, max(frame.y0 + 1, frame.y1 - side)))
            drawn.append(Box(x0, y0, x0 + side, y0 + side))
    for _ in range(STRAYS):
        angle, far = rng.uniform(0, 2 * np.pi), rng.uniform(0.75, 1.0) * max(face.width, face.height)
        dx, dy = round(far * float(np.cos(angle))), round(far * float(np.sin(angle)))
        beside = square(Box(face.x0 + dx, face.y0 + dy, face.x1 + dx, face.y1 + dy), float(rng.uniform(0.7, 1.3)))
        if clip(beside, picture).area > INSIDE * beside.area:
            drawn.append(beside)
    return drawn


def false_faces(face: Box, boxes: Sequence[Box]) -> list[Box]:
    """The boxes beside the face, or far smaller than it, one a place."""
    kept: list[Box] = []
    for box in boxes:
        beside = iou(box, face) < BESIDE and clip(box, face).area < ACROSS * box.area
        if (beside or box.area < 0.1 * face.area) and all(iou(box, other) < SAME_FACE for other in kept):
            kept.append(box)
    return kept


def _write(path: Path, picture: Image) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    side = max(picture.shape[:2])
    if side > 160:  # more than any network here takes in
        scale = 160 / side
        picture = np.asarray(cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
    if not cv2.imwrite(str(path), picture, [cv2.IMWRITE_JPEG_QUALITY, 92]):
        raise DataError(f"cannot write {path}; is the disk full or read-only?")
