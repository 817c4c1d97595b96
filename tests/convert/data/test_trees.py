"""convert.data.trees: labels from folder names, trees, and pictures as a network takes them."""

from pathlib import Path

import numpy as np
import pytest
from support.tiny import saved

from convert.data.trees import Sample, label_of, load, read_picture, read_tree
from convert.errors import DataError
from edge.faces.card import Card
from edge.faces.face import LABELS


def empty_file(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


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
def test_folder_names_of_public_data_sets_give_labels(folder: str, label: str | None) -> None:
    assert label_of(folder) == label


def test_every_label_is_a_folder_name() -> None:
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
    expected = [empty_file(tmp_path / name) for name in ("mask/b.jpg", "mask/a.jpg", "no_mask/a.jpg")]
    for other in ("mask/notes.txt", "mask/deeper/a.jpg", "elsewhere/a.jpg", "a.jpg"):
        empty_file(tmp_path / other)
    assert [sample.path for sample in read_tree(tmp_path)] == sorted(expected)


def test_a_label_folder_itself_is_a_tree(tmp_path: Path) -> None:
    empty_file(tmp_path / "mask" / "a.jpg")
    assert [(s.label, s.source) for s in read_tree(tmp_path / "mask")] == [("mask", "mask")]


def test_the_error_names_a_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nowhere is not a folder.*train/mask"):
        read_tree(tmp_path / "nowhere")


def test_the_error_for_a_folder_without_pictures_says_what_is_expected(tmp_path: Path) -> None:
    empty_file(tmp_path / "cats" / "1.jpg")
    with pytest.raises(DataError, match=rf"{tmp_path} has no labelled pictures; .*mask, no_mask"):
        read_tree(tmp_path)


def test_the_error_names_a_file_that_is_not_a_picture(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"broken\.jpg cannot be read as a picture"):
        read_picture(empty_file(tmp_path / "broken.jpg"))


def test_load_gives_the_networks_size_colour_order_and_label_numbers(tmp_path: Path) -> None:
    blue = np.zeros((40, 60, 3), np.uint8)
    blue[:, :, 0] = 200
    samples = [Sample(saved(blue, tmp_path / f"{name}.png"), name, "x") for name in ("no_mask", "mask")]
    pictures, numbers = load(samples, Card("x", ("mask", "no_mask"), 32, "rgb", ""))
    assert pictures.shape == (2, 32, 32, 3) and pictures.dtype == np.uint8
    assert pictures[0, 16, 16].tolist() == [0, 0, 200]
    assert numbers.tolist() == [1, 0]
