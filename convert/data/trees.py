"""Labelled pictures on disk: folder trees, near-duplicate groups, seeded splits.

A tree is any folder whose deepest folders are named after the labels. A parent called ``train``, ``val`` (or
``valid``, ``validation``) or ``test`` gives the split; the folder names between are the source.
"""

import csv
import json
import random
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.camera.frames import Image
from edge.camera.pictures import PICTURE_SUFFIXES
from edge.faces.card import Card
from edge.faces.crop import prepare
from edge.faces.face import LABELS
from edge.files import replacing

SPLITS = {"train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}
ALIASES = {
    "mask": "mask", "withmask": "mask", "masked": "mask", "correctmask": "mask",
    "nomask": "no_mask", "withoutmask": "no_mask", "bare": "no_mask", "nonmask": "no_mask",
    "incorrectmask": "incorrect_mask", "maskwearedincorrect": "incorrect_mask", "incorrect": "incorrect_mask",
    "notface": "not_face", "background": "not_face",
}  # fmt: skip
"""Folder names in public data sets (lower case, without - and _) and the label each means."""
DRAWINGS = "-drawn"
"""Ending of the source that drawings on a source's pictures are given: they train, they measure nothing."""
DETAIL = 1.5
"""Pictures to train on are kept so many times larger than the network's input: framing then enlarges real detail."""
NEAR_DUPLICATE = 0.965
"""Correlation of 32x32 grey pictures from which two count as copies of one photo."""


class DataError(ValueError):
    """The pictures are not usable as they lie; the text says which folder and what is expected."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One labelled picture file."""

    path: Path
    label: str
    source: str
    split: str | None = None


def label_of(folder: str) -> str | None:
    """The label a folder name means (``WithoutMask`` -> ``no_mask``), or None."""
    return ALIASES.get(folder.lower().replace("_", "").replace("-", "").replace(" ", ""))


def read_tree(root: Path) -> list[Sample]:
    """Every picture below ``root``, sorted by path. Raises ``DataError`` when there is none in a label's folder."""
    if not root.is_dir():
        raise DataError(f"{root} is no folder; DATA is a tree like {root}/train/mask/*.jpg")
    samples = [sample for path in sorted(root.rglob("*")) if (sample := _sample(root, path))]
    if not samples:
        raise DataError(
            f"no pictures in {root}: expected folders named {', '.join(LABELS)} with .jpg or .png files in them"
        )
    return samples


def _sample(root: Path, path: Path) -> Sample | None:
    label = label_of(path.parent.name)
    if path.suffix.lower() not in PICTURE_SUFFIXES or label is None:
        return None
    between = path.parent.relative_to(root).parts[:-1]
    split = next((SPLITS[part.lower()] for part in between if part.lower() in SPLITS), None)
    source = "/".join(part for part in between if part.lower() not in SPLITS) or root.name
    return Sample(path, label, source, split)


def read_rows(path: Path, columns: str) -> Iterator[tuple[int, list[str]]]:
    """Line number and fields of a tab-separated list; blank lines and a head that begins with ``file`` are left out.

    Raises ``DataError`` naming the ``columns`` when there is no such file, or when it is no text.
    """
    if not path.is_file():
        raise DataError(f"{path} is no file; expected a list with the columns {columns} (tab-separated)")
    try:
        lines = list(csv.reader(path.read_text("utf-8").splitlines(), delimiter="\t"))
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} is no tab-separated text: {error}") from error
    yield from ((n, row) for n, row in enumerate(lines, 1) if row and not (n == 1 and row[0] == "file"))


def read_picture(path: Path) -> Image:
    """The picture as BGR. Raises ``DataError`` for a file OpenCV cannot decode."""
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise DataError(f"{path} is no picture that can be read; delete it or replace it")
    return np.asarray(image, np.uint8)


def load(samples: Sequence[Sample], card: Card, labels: Sequence[str]) -> tuple[Image, NDArray[np.int64]]:
    """Network-ready pictures ``(n, size, size, 3) uint8`` in the card's colour order, and label numbers ``(n,)``."""
    pictures = np.stack([prepare(read_picture(sample.path), card) for sample in samples])
    return pictures, np.array([labels.index(sample.label) for sample in samples])


def write_json(path: Path, data: object) -> None:
    """Whole or not at all: written beside, then renamed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as new:
        new.write_text(json.dumps(data, indent=1) + "\n", "utf-8")


def load_detailed(samples: Sequence[Sample], card: Card) -> tuple[Image, NDArray[np.int64]]:
    """As ``load``, but ``DETAIL`` times as large and as the camera saw them: what ``augment.view`` starts from."""
    larger = replace(card, size=round(card.size * DETAIL), colour="bgr", exposure="camera")
    return load(samples, larger, card.labels)


def groups(paths: Sequence[Path]) -> list[int]:
    """A group number per picture: equal numbers are near-duplicates (mirrored ones too), found transitively.

    Correlation of 32x32 grey pictures above ``NEAR_DUPLICATE``, the measure used by the data's own cleaning.
    """
    rows = np.stack([_thumbnail(path) for path in paths])
    mirrored = rows.reshape(-1, 32, 32)[:, :, ::-1].reshape(rows.shape)
    parent = list(range(len(paths)))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    for start in range(0, len(rows), 1024):  # in blocks: 12,000 pictures would need a 1.1 GB matrix
        for other in (rows, mirrored):
            for i, j in np.argwhere(rows[start : start + 1024] @ other.T > NEAR_DUPLICATE):
                parent[root(start + int(i))] = root(int(j))
    return [root(i) for i in range(len(paths))]


def _thumbnail(path: Path) -> NDArray[np.float32]:
    grey = cv2.cvtColor(read_picture(path), cv2.COLOR_BGR2GRAY)
    row = cv2.resize(grey, (32, 32), interpolation=cv2.INTER_AREA).astype(np.float32).ravel()
    row -= row.mean()
    return np.asarray(row / max(float(np.linalg.norm(row)), 1e-6), np.float32)


def split(samples: Sequence[Sample], *, val: float = 0.1, test: float = 0.0, seed: int = 0) -> list[Sample]:
    """Gives every sample a split; near-duplicates stay together. Splits that folders already name are kept.

    ``val`` and ``test`` are shares 0..1 of the samples without one. If the tree has a ``train`` folder but no
    ``val``, only its training part is divided; a ``test`` folder is never touched. In a tree with ``train`` and
    ``val``, samples beside them stay without a split.
    """
    named = {sample.split for sample in samples}
    if "val" in named and "train" in named:
        return list(samples)
    open_ = [s for s in samples if s.split in (None, "train")]
    kept = [s for s in samples if s.split not in (None, "train")]
    if not open_:
        return kept
    numbers = groups([sample.path for sample in open_])
    order = sorted(set(numbers))
    random.Random(seed).shuffle(order)
    sizes = Counter(numbers)
    place: dict[int, str] = {}
    filled = 0
    for number in order:
        share = filled / len(open_)
        place[number] = "val" if share < val else "test" if share < val + test and "test" not in named else "train"
        filled += sizes[number]
    return kept + [replace(s, split=place[number]) for s, number in zip(open_, numbers, strict=True)]


def select_and_split(
    samples: Sequence[Sample], *, labels: Sequence[str] | None = None, exclude: Sequence[str] = (), seed: int
) -> list[Sample]:
    """Keeps the samples of ``labels`` (None: every label) outside the sources ``exclude``, and then splits them.

    Everything that trains, calibrates or measures a network divides a tree without splits by this function. The order
    matters: if some of them split first, a picture may be in another split.
    """
    chosen = [s for s in samples if (labels is None or s.label in labels) and not excluded(s.source, exclude)]
    return split(chosen, seed=seed)


def excluded(source: str, names: Sequence[str]) -> bool:
    """Whether a source is among ``names``; drawings on a source's pictures are of that source."""
    return source.removesuffix(DRAWINGS) in names


def labels_in(samples: Iterable[Sample]) -> tuple[str, ...]:
    """The labels that occur, in the order of ``edge.faces.face.LABELS``."""
    found = {sample.label for sample in samples}
    return tuple(label for label in LABELS if label in found)


def subset(samples: Sequence[Sample], count: int, seed: int = 0) -> list[Sample]:
    """At most ``count`` samples, drawn evenly over the labels."""
    drawn: list[Sample] = []
    names = labels_in(samples)
    for number, label in enumerate(names):
        share = count // len(names) + (number < count % len(names))
        pool = [sample for sample in samples if sample.label == label]
        drawn += random.Random(seed).sample(pool, min(share, len(pool)))
    return drawn
