"""convert.data.trees: labels from folder names, trees, near-duplicates, splits, subsets."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from support.tiny import draw_tree, saved, texture

from convert.data.trees import (
    DataError,
    Sample,
    groups,
    label_of,
    labels_in,
    load,
    read_picture,
    read_tree,
    split,
    subset,
)
from edge.faces.card import Card
from edge.faces.face import LABELS


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)


def empty_file(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


def unsplit(root: Path, rng: np.random.Generator, count: int) -> list[Sample]:
    """``count`` photos of each label, each with a brighter and a mirrored copy."""
    for label in ("mask", "no_mask"):
        for number in range(count):
            photo = texture(rng)
            for name, picture in (("a", photo), ("b", photo // 2 + 100), ("c", photo[:, ::-1])):
                saved(picture.astype(np.uint8), root / label / f"{number:02d}{name}.png")
    return read_tree(root)


@pytest.mark.parametrize(
    ("folder", "label"),
    [
        ("mask", "mask"),
        ("WithMask", "mask"),
        ("with_mask", "mask"),
        ("Masked", "mask"),
        ("WithoutMask", "no_mask"),
        ("without-mask", "no_mask"),
        ("No Mask", "no_mask"),
        ("bare", "no_mask"),
        ("mask_weared_incorrect", "incorrect_mask"),
        ("incorrect_mask", "incorrect_mask"),
        ("not_face", "not_face"),
        ("Background", "not_face"),
        ("masks", None),
        ("train", None),
        ("", None),
    ],
)
def test_folder_names_of_public_data_sets_mean_labels(folder: str, label: str | None) -> None:
    assert label_of(folder) == label


def test_every_label_is_its_own_name() -> None:
    assert [label_of(label) for label in LABELS] == list(LABELS)


@pytest.mark.parametrize(
    ("file", "label", "source", "part"),
    [
        ("mask/1.jpg", "mask", "tree", None),
        ("k12/no_mask/1.JPG", "no_mask", "k12", None),
        ("train/mask/1.png", "mask", "tree", "train"),
        ("Train/WithMask/1.png", "mask", "tree", "train"),
        ("Validation/WithoutMask/1.jpeg", "no_mask", "tree", "val"),
        ("valid/mask/1.webp", "mask", "tree", "val"),
        ("k12/test/mask/1.bmp", "mask", "k12", "test"),
        ("test/k12/indoors/mask/1.jpg", "mask", "k12/indoors", "test"),
    ],
)
def test_folders_give_label_source_and_split(
    tmp_path: Path, file: str, label: str, source: str, part: str | None
) -> None:
    path = empty_file(tmp_path / "tree" / file)
    assert read_tree(tmp_path / "tree") == [Sample(path, label, source, part)]


def test_only_pictures_in_label_folders_are_read_sorted_by_path(tmp_path: Path) -> None:
    wanted = [empty_file(tmp_path / name) for name in ("mask/b.jpg", "mask/a.jpg", "no_mask/a.jpg")]
    for other in ("mask/notes.txt", "mask/deeper/a.jpg", "elsewhere/a.jpg", "a.jpg"):
        empty_file(tmp_path / other)
    assert [sample.path for sample in read_tree(tmp_path)] == sorted(wanted)


def test_a_label_folder_itself_is_a_tree(tmp_path: Path) -> None:
    empty_file(tmp_path / "mask" / "a.jpg")
    assert [(s.label, s.source) for s in read_tree(tmp_path / "mask")] == [("mask", "mask")]


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nowhere is no folder.*train/mask"):
        read_tree(tmp_path / "nowhere")


def test_a_folder_without_pictures_is_named_with_what_is_expected(tmp_path: Path) -> None:
    empty_file(tmp_path / "cats" / "1.jpg")
    with pytest.raises(DataError, match=rf"no pictures in {tmp_path}.*mask, no_mask"):
        read_tree(tmp_path)


def test_a_file_that_is_no_picture_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"broken\.jpg is no picture"):
        read_picture(empty_file(tmp_path / "broken.jpg"))


def test_load_gives_the_networks_size_colour_order_and_label_numbers(tmp_path: Path) -> None:
    blue = np.zeros((40, 60, 3), np.uint8)
    blue[:, :, 0] = 200
    samples = [Sample(saved(blue, tmp_path / f"{name}.png"), name, "x") for name in ("no_mask", "mask")]
    pictures, numbers = load(samples, Card("x", ("mask", "no_mask"), 32, "rgb", ""), ("mask", "no_mask"))
    assert pictures.shape == (2, 32, 32, 3) and pictures.dtype == np.uint8
    assert pictures[0, 16, 16].tolist() == [0, 0, 200]
    assert numbers.tolist() == [1, 0]


def test_near_duplicates_share_a_group_and_others_do_not(tmp_path: Path, rng: np.random.Generator) -> None:
    photo, other = texture(rng), texture(rng)
    pictures = {
        "photo": photo,
        "darker": (photo * 0.6).astype(np.uint8),
        "mirrored": photo[:, ::-1],
        "other": other,
        "upside-down": photo[::-1],
    }
    numbers = groups([saved(picture, tmp_path / f"{name}.png") for name, picture in pictures.items()])
    assert numbers[0] == numbers[1] == numbers[2]
    assert len(set(numbers)) == 3


def test_near_duplicates_are_found_transitively(tmp_path: Path) -> None:
    """Ramps turned by 13 degrees each: neighbours resemble each other, the first and the last do not."""
    x, y = np.meshgrid(np.linspace(-1, 1, 64), np.linspace(-1, 1, 64))
    paths = []
    for angle in (0, 13, 26):
        ramp = 128 + 80 * (x * np.cos(np.radians(angle)) + y * np.sin(np.radians(angle)))
        paths.append(saved(np.repeat(ramp[:, :, np.newaxis], 3, axis=2).astype(np.uint8), tmp_path / f"{angle}.png"))
    assert len(set(groups([paths[0], paths[2]]))) == 2
    assert len(set(groups(paths))) == 1


def test_split_keeps_near_duplicates_together(tmp_path: Path, rng: np.random.Generator) -> None:
    done = split(unsplit(tmp_path, rng, 12), val=0.25, test=0.25)
    places: dict[tuple[str, str], set[str | None]] = {}
    for sample in done:
        places.setdefault((sample.label, sample.path.stem[:2]), set()).add(sample.split)
    assert all(len(found) == 1 for found in places.values())
    assert len(places) == 24
    assert Counter(sample.split for sample in done) == {"train": 36, "val": 18, "test": 18}


def test_split_is_repeatable_from_its_seed(tmp_path: Path, rng: np.random.Generator) -> None:
    samples = unsplit(tmp_path, rng, 10)
    assert split(samples, val=0.3, seed=1) == split(samples, val=0.3, seed=1)
    assert split(samples, val=0.3, seed=1) != split(samples, val=0.3, seed=2)


def test_split_without_shares_makes_everything_training(tmp_path: Path, rng: np.random.Generator) -> None:
    assert {sample.split for sample in split(unsplit(tmp_path, rng, 2), val=0.0)} == {"train"}


def test_named_splits_are_kept(tmp_path: Path) -> None:
    samples = read_tree(draw_tree(tmp_path, {"train": 3, "val": 2, "test": 2}))
    assert split(samples, val=0.9) == samples


def test_a_train_folder_alone_is_divided_and_test_is_never_touched(tmp_path: Path) -> None:
    samples = read_tree(draw_tree(tmp_path, {"train": 20, "test": 5}, labels=("not_face",)))
    done = split(samples, val=0.25, test=0.25)
    assert [s for s in done if "test" in s.path.parts] == [s for s in samples if s.split == "test"]
    assert Counter(s.split for s in done if "test" not in s.path.parts) == {"train": 15, "val": 5}


@pytest.mark.parametrize("counts", [{"test": 2}, {"val": 2}, {}], ids=["test alone", "val alone", "nothing"])
def test_split_of_a_tree_with_nothing_to_divide_gives_it_back(tmp_path: Path, counts: dict[str, int]) -> None:
    samples = read_tree(draw_tree(tmp_path, counts)) if counts else []
    assert split(samples) == samples


def test_labels_come_in_the_order_of_the_classifier() -> None:
    names = ("not_face", "no_mask", "mask", "no_mask")
    assert labels_in(Sample(Path("x"), name, "x") for name in names) == ("mask", "no_mask", "not_face")


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
def test_subset_is_even_over_the_labels(count: int, drawn: dict[str, int]) -> None:
    sizes = {"mask": 100, "no_mask": 40, "not_face": 5}
    samples = [Sample(Path(f"{label}{n}"), label, "x") for label, size in sizes.items() for n in range(size)]
    chosen = subset(samples, count)
    assert Counter(sample.label for sample in chosen) == drawn
    assert len(set(chosen)) == len(chosen)
    assert chosen == subset(samples, count) and chosen != subset(samples, count, seed=1)
