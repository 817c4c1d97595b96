"""convert.data.splits: near-duplicates, splits, held-out pictures, subsets."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.tiny import draw_tree, saved, texture

from convert.data.splits import (
    assign_splits,
    balanced_subset,
    count_samples,
    held_out,
    labels_present,
    near_duplicate_groups,
    select_and_split,
    trained_pictures,
    training_sets,
)
from convert.data.trees import Sample, read_tree
from convert.errors import DataError


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)


def unsplit(root: Path, rng: np.random.Generator, count: int) -> list[Sample]:
    """Writes ``count`` photos of each label, with a brighter and a mirrored copy of each."""
    for label in ("mask", "no_mask"):
        for number in range(count):
            photo = texture(rng)
            for name, picture in (("a", photo), ("b", photo // 2 + 100), ("c", photo[:, ::-1])):
                saved(picture.astype(np.uint8), root / label / f"{number:02d}{name}.png")
    return read_tree(root)


def test_near_duplicates_share_a_group_and_others_do_not(tmp_path: Path, rng: np.random.Generator) -> None:
    photo, other = texture(rng), texture(rng)
    pictures = {
        "photo": photo,
        "darker": (photo * 0.6).astype(np.uint8),
        "mirrored": photo[:, ::-1],
        "other": other,
        "upside-down": photo[::-1],
    }
    numbers = near_duplicate_groups([saved(picture, tmp_path / f"{name}.png") for name, picture in pictures.items()])
    assert numbers[0] == numbers[1] == numbers[2]
    assert len(set(numbers)) == 3


def test_near_duplicates_are_found_transitively(tmp_path: Path) -> None:
    """Three ramps are turned by 13 degrees each: neighbours correlate, the first and the last do not."""
    x, y = np.meshgrid(np.linspace(-1, 1, 64), np.linspace(-1, 1, 64))
    paths = []
    for angle in (0, 13, 26):
        ramp = 128 + 80 * (x * np.cos(np.radians(angle)) + y * np.sin(np.radians(angle)))
        paths.append(saved(np.repeat(ramp[:, :, np.newaxis], 3, axis=2).astype(np.uint8), tmp_path / f"{angle}.png"))
    assert len(set(near_duplicate_groups([paths[0], paths[2]]))) == 2
    assert len(set(near_duplicate_groups(paths))) == 1


def test_split_keeps_near_duplicates_together(tmp_path: Path, rng: np.random.Generator) -> None:
    done = assign_splits(unsplit(tmp_path, rng, 12), val=0.25, test=0.25)
    places: dict[tuple[str, str], set[str | None]] = {}
    for sample in done:
        places.setdefault((sample.label, sample.path.stem[:2]), set()).add(sample.split)
    assert all(len(chosen) == 1 for chosen in places.values())
    assert len(places) == 24
    assert Counter(sample.split for sample in done) == {"train": 36, "val": 18, "test": 18}


def test_split_is_repeatable_from_its_seed(tmp_path: Path, rng: np.random.Generator) -> None:
    samples = unsplit(tmp_path, rng, 10)
    assert assign_splits(samples, val=0.3, seed=1) == assign_splits(samples, val=0.3, seed=1)
    assert assign_splits(samples, val=0.3, seed=1) != assign_splits(samples, val=0.3, seed=2)


def test_with_shares_of_0_all_samples_are_for_training(tmp_path: Path, rng: np.random.Generator) -> None:
    assert {sample.split for sample in assign_splits(unsplit(tmp_path, rng, 2), val=0.0)} == {"train"}


def test_named_splits_are_kept(tmp_path: Path) -> None:
    samples = read_tree(draw_tree(tmp_path, {"train": 3, "val": 2, "test": 2}))
    assert assign_splits(samples, val=0.9) == samples


def test_a_train_folder_alone_is_divided_and_a_test_folder_is_not(tmp_path: Path) -> None:
    samples = read_tree(draw_tree(tmp_path, {"train": 20, "test": 5}, labels=("not_face",)))
    done = assign_splits(samples, val=0.25, test=0.25)
    assert [s for s in done if "test" in s.path.parts] == [s for s in samples if s.split == "test"]
    assert Counter(s.split for s in done if "test" not in s.path.parts) == {"train": 15, "val": 5}


@pytest.mark.parametrize("counts", [{"test": 2}, {"val": 2}, {}], ids=["test alone", "val alone", "nothing"])
def test_a_tree_with_nothing_to_divide_stays_as_it_is(tmp_path: Path, counts: dict[str, int]) -> None:
    samples = read_tree(draw_tree(tmp_path, counts)) if counts else []
    assert assign_splits(samples) == samples


def test_labels_come_in_the_order_of_the_classifier() -> None:
    names = ("not_face", "no_mask", "mask", "no_mask")
    assert labels_present(Sample(Path("x"), name, "x") for name in names) == ("mask", "no_mask", "not_face")


@pytest.mark.parametrize(
    ("count", "drawn"),
    [
        (9, {"mask": 3, "no_mask": 3, "not_face": 3}),
        (10, {"mask": 4, "no_mask": 3, "not_face": 3}),
        (60, {"mask": 20, "no_mask": 20, "not_face": 5}),
        (2, {"mask": 1, "no_mask": 1}),
    ],
    ids=["even", "one over", "a rare label", "fewer than labels"],
)
def test_a_subset_is_balanced_over_the_labels(count: int, drawn: dict[str, int]) -> None:
    sizes = {"mask": 100, "no_mask": 40, "not_face": 5}
    samples = [Sample(Path(f"{label}{n}"), label, "x") for label, size in sizes.items() for n in range(size)]
    chosen = balanced_subset(samples, count)
    assert Counter(sample.label for sample in chosen) == drawn
    assert len(set(chosen)) == len(chosen)
    assert chosen == balanced_subset(samples, count) and chosen != balanced_subset(samples, count, seed=1)


@pytest.mark.parametrize(
    ("counts", "part", "number"),
    [
        ({"train": 3, "val": 2, "test": 1}, "test", 2),
        ({"train": 3, "val": 2}, "val", 4),
        ({".": 3}, None, 6),
        ({".": 3, "val": 1}, "val", 2),
    ],
    ids=["test part", "validation part", "no parts", "parts before the rest"],
)
def test_held_out_pictures(tmp_path: Path, counts: dict[str, int], part: str | None, number: int) -> None:
    chosen = held_out(draw_tree(tmp_path, counts))
    assert {sample.split for sample in chosen} == {part} and len(chosen) == number


def test_a_training_split_alone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="only a training split"):
        held_out(draw_tree(tmp_path, {"train": 1}))


def training_of(samples: list[Sample], exclude: tuple[str, ...] = (), subset: int = 0) -> dict[str, Any]:
    """What the card of a network says that was trained on these samples."""
    sets = training_sets(select_and_split(samples, exclude=exclude, seed=3), subset)
    recipe = {"seed": 3, "exclude": list(exclude), "subset": subset}
    return {"labels": ["mask", "no_mask"], "recipe": recipe, "data": count_samples(sets)}


def two_sources(root: Path, rng: np.random.Generator) -> list[Sample]:
    for source in ("street", "office"):
        unsplit(root / source, rng, 8)
    return read_tree(root)


def test_sources_and_labels_are_selected_before_the_split(tmp_path: Path, rng: np.random.Generator) -> None:
    samples = two_sources(tmp_path, rng)
    drawn = [Sample(tmp_path / "x.png", "mask", "street-drawn"), Sample(tmp_path / "y.png", "not_face", "office")]
    office = [sample for sample in samples if sample.source == "office"]
    divided = select_and_split([*samples, *drawn], labels=("mask", "no_mask"), exclude=("street",), seed=3)
    assert divided == assign_splits(office, seed=3)


@pytest.mark.parametrize("subset", [0, 12])
def test_pictures_that_trained_a_network_are_not_held_out(
    tmp_path: Path, rng: np.random.Generator, subset: int
) -> None:
    """Of a tree without splits, the validation split and the excluded source are left."""
    samples = two_sources(tmp_path, rng)
    training = training_of(samples, ("street",), subset)
    divided = select_and_split(samples, exclude=("street",), seed=3)
    trained = {sample.path for sample in divided if sample.split == "train"}
    assert trained_pictures(samples, training) == trained != set()
    assert {sample.path for sample in held_out(tmp_path, [training])} == {s.path for s in samples} - trained


def test_a_network_trained_on_another_tree_leaves_nothing_out(tmp_path: Path, rng: np.random.Generator) -> None:
    samples = two_sources(tmp_path / "tree", rng)
    other = training_of(two_sources(tmp_path / "other", rng)[:-1])
    assert trained_pictures(samples, other) == set() == trained_pictures(samples, {})
    assert len(held_out(tmp_path / "tree", [other])) == len(samples)
