"""Reads folder trees of labelled pictures, and loads the pictures for a network.

A tree is any folder whose deepest folders are named after the labels. A parent folder called ``train``, ``val`` (or
``valid``, ``validation``) or ``test`` gives the split. The other folder names in between give the source.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.addresses import printable
from edge.camera import pictures
from edge.camera.frames import Image
from edge.camera.walk import Walk
from edge.errors import SourceError
from edge.faces.card import Card
from edge.faces.crop import prepare
from edge.faces.face import LABELS

from ..arguments import warn
from ..errors import DataError

SPLITS = {"train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}
"""Folder names (lower case) and the split that each stands for."""
ALIASES = {
    "mask": "mask", "withmask": "mask", "masked": "mask", "correctmask": "mask",
    "nomask": "no_mask", "withoutmask": "no_mask", "bare": "no_mask", "nonmask": "no_mask",
    "incorrectmask": "incorrect_mask", "maskwearedincorrect": "incorrect_mask", "incorrect": "incorrect_mask",
    "notface": "not_face", "background": "not_face",
}  # fmt: skip
"""Folder names in public data sets (lower case, without - and _) and the label that each stands for."""
ENLARGEMENT = 1.5
"""Side of a training picture in memory over the side of the network's input. When augmentation then zooms in, the
picture has real detail to show."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One labelled picture file. ``split`` is ``train``, ``val``, ``test`` or None where no folder names it."""

    path: Path
    label: str
    source: str
    split: str | None = None


def label_of(folder: str) -> str | None:
    """Returns the label that a folder name stands for (``WithoutMask`` gives ``no_mask``), or None."""
    return ALIASES.get(folder.lower().replace("_", "").replace("-", "").replace(" ", ""))


def read_tree(root: Path) -> list[Sample]:
    """Lists every picture below ``root``, sorted by path, and prints what is left out. The pictures are not decoded.

    Raises ``DataError`` if ``root`` is not a folder, or if no folder named after a label holds a picture.
    """
    name = printable(root)
    if not os.path.isdir(root):  # unlike Path's, this never raises
        raise DataError(f"{name} is not a folder; expected a tree like {name}/train/mask/*.jpg")
    walk = Walk(root)
    paths = sorted(walk)
    samples = [sample for path in paths if (sample := _sample(root, path))]
    if not samples:
        expected = f"expected .jpg or .png files in folders named {', '.join(LABELS)}"
        raise DataError("; ".join(filter(None, (f"{name} has no labelled pictures", expected, walk.summary()))))
    if walk.summary():
        warn(walk.summary())
    if others := len(paths) - len(samples):
        outside = f"which are in no folder named after a label ({', '.join(LABELS)})"
        warn(f"{name}: left out {others} of {len(paths)} pictures, {outside}")
    return samples


def _sample(root: Path, path: Path) -> Sample | None:
    label = label_of(path.parent.name)
    if label is None:
        return None
    between = path.parent.relative_to(root).parts[:-1]
    split = next((SPLITS[part.lower()] for part in between if part.lower() in SPLITS), None)
    source = "/".join(part for part in between if part.lower() not in SPLITS) or root.name
    return Sample(path, label, source, split)


def read_picture(path: Path) -> Image:
    """Decodes a picture file. Raises ``DataError`` if it cannot be decoded."""
    try:
        return pictures.read(path)
    except SourceError as error:
        reason = str(error).partition(" is not a readable picture: ")[2]
        raise DataError(f"{printable(path)} cannot be read as a picture: {reason}; delete or replace it") from error


def load(samples: Sequence[Sample], card: Card) -> tuple[Image, NDArray[np.int64]]:
    """Loads the pictures as the network takes them: ``(n, size, size, 3) uint8`` in the card's colour order.

    Also returns each sample's label as an index into the card's labels, ``(n,)``. Raises ``DataError`` as
    ``read_picture`` does.
    """
    batch = np.stack([prepare(read_picture(sample.path), card) for sample in samples])
    return batch, np.array([card.labels.index(sample.label) for sample in samples])


def load_enlarged(samples: Sequence[Sample], card: Card) -> tuple[Image, NDArray[np.int64]]:
    """Loads the pictures as ``augment.view`` takes them: BGR, camera exposure, ``ENLARGEMENT`` times as wide."""
    return load(samples, replace(card, size=round(card.size * ENLARGEMENT), colour="bgr", exposure="camera"))
