"""Writes the tree of face crops that ``maskwatch-convert train`` reads."""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from edge.addresses import printable
from edge.camera.frames import Image
from edge.camera.pictures import encode_jpeg
from edge.faces.geometry import Box

from ..errors import DataError
from .clutter import clutter
from .cutting import CropCutter
from .lists import ListedFace
from .splits import VALIDATION_SHARE, assign_splits
from .trees import Sample

COPIES = 2
"""Crops per face and detector in the training split."""
MAX_CLUTTER = 1000
"""Maximum number of drawn training pictures without a face (source ``drawn``), and at most one per 8 listed faces."""
CLUTTER_SIDE = 128
MAX_SIDE = 160
"""Longest side of a written crop, in pixels: more than any network here takes."""
JPEG_QUALITY = 92
LONGEST_STEM = 200
"""Bytes of a picture's name that its crops take over: a file name has 255 bytes at most."""
Counts = Counter[tuple[str, str, str]]
"""Number of files by split, source and label."""


def write_tree(
    faces: Sequence[ListedFace],
    out: Path,
    *,
    copies: int = COPIES,
    val: float = VALIDATION_SHARE,
    seed: int = 0,
    test: bool = False,
) -> Counts:
    """Writes ``out/split/source/label/*.jpg`` and returns the number of files of each split, source and label.

    The whole pictures are split before anything is cut, so that no photo and no near-duplicate is in two splits. The
    training split gets ``copies`` crops per face and detector. The other splits get one, exactly as the device cuts it.
    With ``test`` all faces go into the test split. Raises ``DataError`` if a picture cannot be read or written.
    """
    if not faces:
        raise DataError("the list names no pictures; expected at least one row: file, source, label, box")
    split_of = _splits(faces, val, seed, test)
    boxes: dict[Path, list[Box]] = {}
    for face in faces:
        boxes.setdefault(face.path, []).extend([face.box] if face.box else [])
    cutter, counts = CropCutter(), Counts()
    for number, face in enumerate(faces):
        split, rng = split_of[face.path], np.random.default_rng((seed, number))
        for source, label, image in cutter.cut(face, boxes[face.path], copies if split == "train" else 1, rng):
            counts[split, source, label] += 1
            stem = os.fsdecode(os.fsencode(face.path.stem)[:LONGEST_STEM])
            name = f"{stem}-{counts[split, source, label]:05d}.jpg"
            _write(out / split / source / label / name, image)
    if not test:
        counts["train", "drawn", "not_face"] += _write_clutter(out, min(MAX_CLUTTER, len(faces) // 8), seed)
    return +counts


def photo_of(crop: Path) -> str:
    """Returns the name (without suffix) of the picture that a crop written by ``write_tree`` was cut from."""
    return crop.stem.rsplit("-", 1)[0]


def _splits(faces: Sequence[ListedFace], val: float, seed: int, test: bool) -> dict[Path, str]:
    samples = [Sample(face.path, face.label, face.source) for face in faces]
    divided = [replace(s, split="test") for s in samples] if test else assign_splits(samples, val=val, seed=seed)
    return {sample.path: sample.split or "train" for sample in divided}


def _write_clutter(out: Path, count: int, seed: int) -> int:
    rng = np.random.default_rng(seed)
    for number in range(count):
        _write(out / "train" / "drawn" / "not_face" / f"{number:05d}.jpg", clutter(CLUTTER_SIDE, rng))
    return count


def _write(path: Path, image: Image) -> None:
    side = max(image.shape[:2])
    if side > MAX_SIDE:
        scale = MAX_SIDE / side
        image = np.asarray(cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encode_jpeg(image, JPEG_QUALITY))
    except OSError as error:
        raise DataError(
            f"{printable(path)} cannot be written: {error.strerror}; is the disk full or read-only?"
        ) from error
