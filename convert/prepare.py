"""Face crops made the way the device makes them, from pictures with more than the face in them.

For every listed picture the shipping detector looks for the face; what it finds (or, where it finds nothing, the
listed box with the detector's proportions) is cut with the shipping ``edge.classify.crop``, a few times with the
jitter that a detector shows from frame to frame. What it finds beside the face becomes the class ``not_face``:
the hard negatives that turn collars, hands and patterns into people on a device.
"""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from edge.classify import Image, crop
from edge.detect import FaceDetector
from edge.geometry import Box, clip, iou, square

from .data import DataError, Sample, label_of, read_picture, split

SAME_FACE = 0.3
"""IoU from which a detection counts as the listed face."""
BESIDE = 0.25
"""Share of its own area that a box may share with the listed face and still be called no face."""
STRAYS = 1
"""Boxes a picture drawn at random beside the face, and as many within it (an eye is no face)."""


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
    if not path.is_file():
        raise DataError(f"{path} is no file; expected a list with the columns file, source, label, box (tab-separated)")
    rows = []
    try:
        lines = list(csv.reader(path.read_text("utf-8").splitlines(), delimiter="\t"))
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} is no tab-separated text: {error}") from error
    for number, row in enumerate(lines, 1):
        if not row or (number == 1 and row[0] == "file"):
            continue
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


def write_tree(
    rows: Sequence[Listed], out: Path, *, copies: int = 2, val: float = 0.1, seed: int = 0
) -> dict[tuple[str, str, str], int]:
    """Writes ``out/split/source/label/*.jpg``; returns how many files each (split, source, label) got.

    The split comes first, by source and near-duplicate group of the whole pictures, so no crop of one photo can be
    on both sides. The training part gets ``copies`` jittered crops a face, the other exactly what the device sees.
    """
    if not rows:
        raise DataError("the list names no pictures")
    samples = [Sample(row.path, row.label, row.source) for row in rows]
    placed = {s.path: s.split or "train" for s in split(samples, val=val, seed=seed)}
    detector = FaceDetector(min_face=24)
    miner = FaceDetector("default", min_face=24, neighbours=0)  # far more trigger-happy than the device
    listed: dict[Path, list[Box]] = {}
    for row in rows:
        listed.setdefault(row.path, []).extend([row.box] if row.box else [])
    counts: dict[tuple[str, str, str], int] = {}
    for number, row in enumerate(rows):
        rng = np.random.default_rng((seed, number))
        part = placed[row.path]
        for label, picture in _crops(row, listed[row.path], detector, miner, copies if part == "train" else 1, rng):
            key = (part, row.source, label)
            counts[key] = counts.get(key, 0) + 1
            _write(out / part / row.source / label / f"{row.path.stem}-{counts[key]:05d}.jpg", picture)
    return counts


def _crops(
    row: Listed,
    faces: Sequence[Box],
    detector: FaceDetector,
    miner: FaceDetector,
    copies: int,
    rng: np.random.Generator,
) -> Iterator[tuple[str, Image]]:
    image = read_picture(row.path)
    if row.box is None:  # a tight crop of the data set's own; kept as it is
        yield row.label, image
        return
    if clip(row.box, Box(0, 0, image.shape[1], image.shape[0])).area == 0:
        raise DataError(f"{row.path}: the listed box {tuple(row.box)} lies outside the picture")
    found = detector.detect(image)
    seen = max(found, key=lambda box: iou(box, row.box or box), default=row.box)
    if iou(seen, row.box) < SAME_FACE:
        seen = as_detected(row.box)
    for copy in range(copies):
        yield row.label, crop(image, seen if copy == 0 else jitter(seen, rng))
    # what the device would take for a face elsewhere may be somebody behind: neither class
    others = [box for box in [*found, *faces] if iou(box, row.box) < SAME_FACE]
    for box in false_faces(row.box, [*miner.detect(image), *strays(image, seen, rng)]):
        if all(iou(box, other) < BESIDE and clip(box, other).area < BESIDE * box.area for other in others):
            yield "not_face", crop(image, box)


def as_detected(box: Box) -> Box:
    """A labelled box (brow to chin, often narrow) with the proportions of a cascade's: square, as wide as high."""
    return square(box)


def jitter(box: Box, rng: np.random.Generator) -> Box:
    """The box as another frame might have it: moved by up to 10 % of its side, 15 % smaller to 25 % larger."""
    scale = float(rng.uniform(0.85, 1.25))
    dx, dy = (rng.uniform(-0.1, 0.1, 2) * box.width).round().astype(int)
    return square(Box(box.x0 + dx, box.y0 + dy, box.x1 + dx, box.y1 + dy), scale)


def strays(image: Image, face: Box, rng: np.random.Generator) -> list[Box]:
    """``STRAYS`` squares anywhere, 0.4 to 1.3 faces wide, and as many pieces of the face, 0.15 to 0.3."""
    picture = Box(0, 0, image.shape[1], image.shape[0])
    drawn = []
    for frame, low, high in ((picture, 0.4, 1.3), (clip(face, picture), 0.15, 0.3)):
        for _ in range(STRAYS):
            side = max(16, round(face.width * rng.uniform(low, high)))
            x0 = int(rng.integers(frame.x0, max(frame.x0 + 1, frame.x1 - side)))
            y0 = int(rng.integers(frame.y0, max(frame.y0 + 1, frame.y1 - side)))
            drawn.append(Box(x0, y0, x0 + side, y0 + side))
    return drawn


def false_faces(face: Box, boxes: Sequence[Box]) -> list[Box]:
    """The boxes beside the face, or far smaller than it, one a place."""
    kept: list[Box] = []
    for box in boxes:
        beside = clip(box, face).area < BESIDE * box.area
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
