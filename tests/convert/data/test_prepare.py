"""convert.data.prepare and cutting: the tree of crops made from frames of the bundled clip."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from support.tiny import door_faces, door_frames, door_list, readable, saved, texture, write_list

from convert.data.lists import ListedFace, read_list
from convert.data.prepare import photo_of, write_tree
from convert.data.splits import DRAWN_SUFFIX, near_duplicate_groups
from convert.data.trees import read_tree
from convert.errors import DataError
from edge.config.schema import DetectConfig
from edge.faces.crop import crop
from edge.faces.geometry import Box, iou
from edge.faces.opening import open_detector


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[tuple[str, str, str], int], list[ListedFace]]:
    """A tree of crops from every third labelled face of the clip, a quarter of them for validation."""
    base = tmp_path_factory.mktemp("door")
    door_list(base / "frames", every=3)
    rows = read_list(write_list(base / "list.tsv", door_list(base / "frames", every=3)))
    return base / "crops", write_tree(rows, base / "crops", copies=3, val=0.25), rows


Tree = tuple[Path, dict[tuple[str, str, str], int], list[ListedFace]]


def test_counts_equal_the_files_on_disk(tree: Tree) -> None:
    out, counts, _ = tree
    assert Counter((s.split, s.source, s.label) for s in read_tree(out)) == counts


def test_each_face_gives_its_copies_in_training_and_one_crop_in_validation(tree: Tree) -> None:
    """A face gives one or two boxes: one per detector that detects it."""
    _, counts, rows = tree
    faces = Counter(row.label for row in rows)
    for label, count in faces.items():
        trained, held = counts[("train", "door", label)], counts.get(("val", "door", label), 0)
        assert trained % 3 == 0 and count <= trained // 3 + held <= 2 * count
    assert any(split == "val" for split, _, _ in counts)


def test_drawings_on_bare_faces_have_a_separate_source_and_are_for_training_only(tree: Tree) -> None:
    _, counts, rows = tree
    drawn = {(split, label): n for (split, source, label), n in counts.items() if source == f"door{DRAWN_SUFFIX}"}
    bare = sum(row.label == "no_mask" for row in rows)
    assert {split for split, _ in drawn} == {"train"} and drawn["train", "mask"] and drawn["train", "incorrect_mask"]
    assert sum(drawn.values()) < 2 * bare


def test_clutter_is_drawn_for_training(tree: Tree) -> None:
    _, counts, rows = tree
    assert {key: n for key, n in counts.items() if key[1] == "drawn"} == {
        ("train", "drawn", "not_face"): len(rows) // 8
    }


def test_a_whole_list_can_be_cut_for_testing(tmp_path: Path) -> None:
    rows = door_list(tmp_path / "frames", every=12)
    counts = write_tree(rows, tmp_path / "out", copies=3, test=True)
    assert {(split, source) for split, source, _ in counts} == {("test", "door")}
    faces = sum(count for (_, _, label), count in counts.items() if label != "not_face")
    assert len(rows) <= faces <= 2 * len(rows)


def test_no_photo_and_no_near_duplicate_is_in_two_splits(tree: Tree) -> None:
    out, _, rows = tree
    photos = {
        part: {photo_of(s.path) for s in read_tree(out) if s.split == part and s.source != "drawn"}
        for part in ("train", "val")
    }
    assert photos["train"] and photos["val"] and not photos["train"] & photos["val"]
    numbers = dict(zip((row.path.stem for row in rows), near_duplicate_groups([row.path for row in rows]), strict=True))
    assert not {numbers[stem] for stem in photos["train"]} & {numbers[stem] for stem in photos["val"]}


def test_crops_are_square_and_no_larger_than_a_network_takes(tree: Tree) -> None:
    for sample in read_tree(tree[0]):
        height, width = readable(sample.path).shape[:2]
        assert abs(height - width) <= 1 and 16 <= max(height, width) <= 160


def test_the_same_seed_writes_the_same_tree(tmp_path: Path) -> None:
    rows = door_list(tmp_path / "frames", every=12)
    for name, seed in (("a", 5), ("b", 5), ("c", 6)):
        write_tree(rows, tmp_path / name, seed=seed)
    trees = [
        {str(s.path.relative_to(tmp_path / n)): s.path.read_bytes() for s in read_tree(tmp_path / n)} for n in "abc"
    ]
    assert trees[0] == trees[1] != trees[2]


def test_a_face_crop_is_kept_as_it_is(tmp_path: Path) -> None:
    photo = saved(texture(np.random.default_rng(0), 80), tmp_path / "own.png")
    counts = write_tree([ListedFace(photo, "mask", "door", None)], tmp_path / "out", copies=5, val=0.0)
    assert counts == {("train", "door", "mask"): 1}
    written = readable(next((tmp_path / "out").rglob("*.jpg"))).astype(int)
    assert written.shape == (80, 80, 3) and abs(written - readable(photo)).mean() < 8


def test_validation_crops_are_cut_as_on_the_device(tmp_path: Path) -> None:
    row = next(row for row in door_list(tmp_path) if row.label == "no_mask" and row.box and row.box.width > 100)
    image = readable(row.path)
    seen = max(open_detector(DetectConfig(min_face=24)).detect(image), key=lambda box: iou(box, row.box or box))
    write_tree([row], tmp_path / "out", val=1.0)
    written = readable(next((tmp_path / "out" / "val" / "door" / "no_mask").glob("*.jpg"))).astype(int)
    expected = crop(image, seen)
    smaller = [
        expected[round(y * len(expected) / 160), round(x * len(expected) / 160)] for y in (60, 90) for x in (60, 90)
    ]
    there = [written[y, x] for y in (60, 90) for x in (60, 90)]
    assert written.shape[0] == min(160, len(expected))
    assert np.abs(np.array(smaller, int) - there).mean() < 25


def test_the_error_names_a_missing_picture(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"gone\.jpg cannot be read as a picture"):
        write_tree([ListedFace(tmp_path / "gone.jpg", "mask", "door", None)], tmp_path / "out")


def test_an_empty_list_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="the list names no pictures; expected"):
        write_tree([], tmp_path / "out")


@pytest.mark.parametrize("corners", [(0, 100, 30, 400), (610, 100, 640, 400)], ids=["left edge", "right edge"])
def test_a_narrow_face_at_the_edge_of_the_picture_can_be_cut(
    tmp_path: Path, corners: tuple[int, int, int, int]
) -> None:
    """The detectors detect another person, so the listed box is cut as a square."""
    frame = next(f for f, _, box in door_faces() if box.width > 130 and 100 < box.x0 < 300)
    path = saved(door_frames()[frame], tmp_path / "edge.png")
    for seed in range(8):
        counts = write_tree([ListedFace(path, "mask", "x", Box(*corners))], tmp_path / f"out{seed}", val=0.0, seed=seed)
        assert counts[("train", "x", "mask")] == 2


def test_the_error_for_a_box_outside_names_the_picture(tmp_path: Path) -> None:
    path = saved(np.full((100, 100, 3), 128, np.uint8), tmp_path / "small.png")
    with pytest.raises(DataError, match="small.png"):
        write_tree([ListedFace(path, "mask", "x", Box(500, 500, 550, 560))], tmp_path / "out")


def test_a_second_listed_face_is_never_written_as_no_face(tmp_path: Path) -> None:
    """With two people in one picture, a not_face crop of one must not show the other."""
    first, second = door_faces_together()
    frame = door_frames()[first[0]]
    covered = frame.copy()
    covered[second[2].y0 : second[2].y1, second[2].x0 : second[2].x1] = (0, 255, 0)  # to recognize the second person
    path = saved(covered, tmp_path / "two.png")
    rows = [ListedFace(path, face[1], source, face[2]) for face, source in ((first, "first"), (second, "second"))]
    write_tree(rows, tmp_path / "out", copies=1)
    green = [float((np.abs(readable(s.path).astype(int) - (0, 255, 0)).sum(axis=2) < 60).mean())
             for s in read_tree(tmp_path / "out") if s.label == "not_face" and s.source == "first"]  # fmt: skip
    assert green and max(green) < 0.5


def door_faces_together() -> list[tuple[int, str, Box]]:
    """Returns two large faces in one frame of the clip."""
    large = [face for face in door_faces() if face[2].width > 90]
    frames = Counter(frame for frame, _, _ in large)
    frame = next(frame for frame, count in frames.items() if count == 2)
    return [face for face in large if face[0] == frame]
