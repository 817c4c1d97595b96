"""Chooses which pictures train, validate and test a network.

Sources and labels are selected first, and the rest is split after that. Everything that trains, calibrates or
measures a network calls ``select_and_split``, so that a tree without split folders is divided the same way each time.
"""

import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.faces.face import LABELS

from ..errors import DataError
from .readable import readable
from .trees import Sample, read_picture, read_tree

DRAWN_SUFFIX = "-drawn"
"""Suffix of a source's name for the same pictures with drawings on them. They train a network and never measure it."""
NEAR_DUPLICATE = 0.965
"""Correlation of two 32x32 grey thumbnails above which the pictures count as copies of one photo."""
VALIDATION_SHARE = 0.1
"""Share of the training pictures that validates, where no folder names a validation split."""
THUMBNAIL = 32
BLOCK = 1024
"""Rows of the correlation matrix computed at a time. For 12,000 pictures the whole matrix would take 1.1 GB."""


def select_and_split(
    samples: Sequence[Sample], *, labels: Sequence[str] | None = None, exclude: Sequence[str] = (), seed: int
) -> list[Sample]:
    """Keeps the samples of ``labels`` (None: every label) outside the sources ``exclude``, and then splits them."""
    chosen = [s for s in samples if (labels is None or s.label in labels) and not is_excluded(s.source, exclude)]
    return assign_splits(chosen, seed=seed)


def is_excluded(source: str, exclude: Sequence[str]) -> bool:
    """Tells whether a source is in ``exclude``. Drawings on a source's pictures belong to that source."""
    return source.removesuffix(DRAWN_SUFFIX) in exclude


def assign_splits(
    samples: Sequence[Sample], *, val: float = VALIDATION_SHARE, test: float = 0.0, seed: int = 0
) -> list[Sample]:
    """Gives every sample a split, and keeps near-duplicates in one split. Splits named by folders stay.

    ``val`` and ``test`` are shares 0..1 of the samples that are divided. If the tree has a ``train`` folder and no
    ``val`` folder, its training samples are divided. A ``test`` folder is never divided. If the tree has both ``train``
    and ``val``, samples outside of them stay without a split. Raises ``DataError`` as ``read_picture`` does.
    """
    named = {sample.split for sample in samples}
    if {"train", "val"} <= named:
        return list(samples)
    divided = [sample for sample in samples if sample.split in (None, "train")]
    kept = [sample for sample in samples if sample.split not in (None, "train")]
    if not divided:
        return kept
    groups = near_duplicate_groups([sample.path for sample in divided])
    splits = _split_of_group(groups, val, 0.0 if "test" in named else test, seed)
    return kept + [replace(sample, split=splits[group]) for sample, group in zip(divided, groups, strict=True)]


def _split_of_group(groups: Sequence[int], val: float, test: float, seed: int) -> dict[int, str]:
    """Fills the validation split with whole groups first, then the test split, then the training split."""
    sizes, order = Counter(groups), sorted(set(groups))
    random.Random(seed).shuffle(order)
    splits: dict[int, str] = {}
    filled = 0
    for group in order:
        share = filled / len(groups)
        splits[group] = "val" if share < val else "test" if share < val + test else "train"
        filled += sizes[group]
    return splits


def near_duplicate_groups(paths: Sequence[Path]) -> list[int]:
    """Returns a group number per picture. Pictures with equal numbers are near-duplicates, possibly mirrored.

    Two pictures whose thumbnails correlate above ``NEAR_DUPLICATE`` share a group, and so does everything that is
    connected by such pairs.
    """
    rows = np.stack([_thumbnail(path) for path in paths])
    mirrored = rows.reshape(-1, THUMBNAIL, THUMBNAIL)[:, :, ::-1].reshape(rows.shape)
    parent = list(range(len(paths)))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    for start in range(0, len(rows), BLOCK):
        for other in (rows, mirrored):
            for i, j in np.argwhere(rows[start : start + BLOCK] @ other.T > NEAR_DUPLICATE):
                parent[root(start + int(i))] = root(int(j))
    return [root(i) for i in range(len(paths))]


def _thumbnail(path: Path) -> NDArray[np.float32]:
    """Returns the grey thumbnail as one row of zero mean and unit length."""
    grey = cv2.cvtColor(read_picture(path), cv2.COLOR_BGR2GRAY)
    row = cv2.resize(grey, (THUMBNAIL, THUMBNAIL), interpolation=cv2.INTER_AREA).astype(np.float32).ravel()
    row -= row.mean()
    return np.asarray(row / max(float(np.linalg.norm(row)), 1e-6), np.float32)


def training_sets(samples: Sequence[Sample], subset: int = 0) -> dict[str, list[Sample]]:
    """Returns the samples of the splits ``train`` and ``val``.

    If ``subset`` is not 0, the training split is reduced to that many samples and the validation split to a quarter.
    """
    sets = {name: [sample for sample in samples if sample.split == name] for name in ("train", "val")}
    if subset:
        sets = {"train": balanced_subset(sets["train"], subset), "val": balanced_subset(sets["val"], subset // 4)}
    return sets


def balanced_subset(samples: Sequence[Sample], count: int, seed: int = 0) -> list[Sample]:
    """Draws at most ``count`` samples, the same number of each label where there are enough."""
    drawn: list[Sample] = []
    labels = labels_present(samples)
    for number, label in enumerate(labels):
        share = count // len(labels) + (number < count % len(labels))
        pool = [sample for sample in samples if sample.label == label]
        drawn += random.Random(seed).sample(pool, min(share, len(pool)))
    return drawn


def labels_present(samples: Iterable[Sample]) -> tuple[str, ...]:
    """Returns the labels that occur, in the order of ``edge.faces.face.LABELS``."""
    present = {sample.label for sample in samples}
    return tuple(label for label in LABELS if label in present)


def count_samples(sets: Mapping[str, Sequence[Sample]]) -> dict[str, dict[str, dict[str, int]]]:
    """Counts the samples by split, source and label, as a model's card lists them under ``data``."""
    counts: dict[str, dict[str, dict[str, int]]] = {}
    for split, samples in sets.items():
        for sample in samples:
            row = counts.setdefault(split, {}).setdefault(sample.source, {})
            row[sample.label] = row.get(sample.label, 0) + 1
    return counts


def held_out(root: Path, trainings: Iterable[Mapping[str, Any]] = ()) -> list[Sample]:
    """Returns the samples of a tree that may measure a network.

    These are the test split, else the validation split, else the samples without a split. Of the latter, those that
    one of ``trainings`` used are left out (see ``trained_pictures``). Raises ``DataError`` if no sample is left.
    """
    samples = readable(read_tree(root))
    for split in ("test", "val"):
        if chosen := [sample for sample in samples if sample.split == split]:
            return chosen
    trained = {path for training in trainings for path in trained_pictures(samples, training)}
    chosen = [sample for sample in samples if sample.split is None and sample.path not in trained]
    if not chosen:
        raise DataError(f"{root} has only a training split; evaluate on pictures that the model was not trained on")
    return chosen


def trained_pictures(samples: Sequence[Sample], training: Mapping[str, Any]) -> set[Path]:
    """Returns the pictures of a tree that a network was trained on, or none if it was trained on another tree.

    ``training`` is the record in a model's card: ``labels``, ``recipe`` (``seed``, ``exclude``, ``subset``) and
    ``data``. The tree is the one that the network was trained on if it gives the same counts when it is split again.
    """
    recipe, data = training.get("recipe") or {}, training.get("data") or {}
    rows = {(source, label) for split in data.values() for source, counts in split.items() for label in counts}
    exclude, labels = recipe.get("exclude", ()), training.get("labels", ())
    if rows != {(s.source, s.label) for s in samples if s.label in labels and not is_excluded(s.source, exclude)}:
        return set()
    divided = select_and_split(samples, labels=labels, exclude=exclude, seed=recipe.get("seed", 0))
    if count_samples(training_sets(divided, recipe.get("subset", 0))) != data:
        return set()
    return {sample.path for sample in divided if sample.split == "train"}
