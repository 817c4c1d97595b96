"""convert.data.prepare: lists, and the tree of crops made from frames of the bundled clip."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from support.tiny import door_faces, door_frames, door_list, readable, saved, texture, write_list

from convert.data.prepare import ACROSS, BESIDE, SAME_FACE, Listed, false_faces, jitter, read_list, strays, write_tree
from convert.data.trees import DRAWINGS, DataError, groups, read_tree
from edge.config.schema import DetectConfig
from edge.faces.crop import crop
from edge.faces.geometry import Box, clip, iou
from edge.faces.haar import HaarDetector


def listed(folder: Path, text: str, exclude: tuple[str, ...] = ()) -> list[Listed]:
    path = folder / "list.tsv"
    path.write_text(text, "utf-8")
    return read_list(path, exclude)


@pytest.mark.parametrize("box", ["10,20,30,44", "10 20 30 44", "10, 20, 30, 44"])
def test_a_row_gives_file_label_source_and_box(tmp_path: Path, box: str) -> None:
    rows = listed(tmp_path, f"file\tsource\tlabel\tbox\nfaces/1.jpg\tdoor\tWithMask\t{box}\n")
    assert rows == [Listed(tmp_path / "faces/1.jpg", "mask", "door", Box(10, 20, 30, 44))]


@pytest.mark.parametrize("end", ["", "\t", "\t  "], ids=["no column", "empty", "blank"])
def test_a_picture_may_have_no_box(tmp_path: Path, end: str) -> None:
    assert listed(tmp_path, f"1.jpg\tdoor\tbare{end}\n") == [Listed(tmp_path / "1.jpg", "no_mask", "door", None)]


def test_excluded_sources_are_left_out(tmp_path: Path) -> None:
    rows = listed(tmp_path, "1.jpg\ta\tmask\n2.jpg\tb\tmask\n3.jpg\tc\tmask\n", ("a", "c"))
    assert [row.source for row in rows] == ["b"]


@pytest.mark.parametrize(
    "row",
    [
        "1.jpg\tdoor",
        "1.jpg,door,mask",
        "1.jpg\tdoor\tcat",
        "1.jpg\tdoor\tmask\t1,2,3",
        "1.jpg\tdoor\tmask\t1,2,3,4,5",
        "1.jpg\tdoor\tmask\t1.5,2,3,4",
        "1.jpg\tdoor\tmask\tleft",
        "1.jpg\tdoor\tmask\t30,20,10,44",
        "1.jpg\tdoor\tmask\t10,20,10,44",
    ],
    ids=[
        "two columns",
        "commas",
        "unknown label",
        "3 numbers",
        "5 numbers",
        "fraction",
        "word",
        "inverted",
        "empty box",
    ],
)
def test_a_fault_names_the_file_and_the_line(tmp_path: Path, row: str) -> None:
    with pytest.raises(DataError, match=r"list\.tsv, line 3: "):
        listed(tmp_path, f"file\tsource\tlabel\tbox\n0.jpg\tdoor\tmask\n{row}\n")


def test_a_blank_line_at_the_end_is_no_fault(tmp_path: Path) -> None:
    assert len(listed(tmp_path, "1.jpg\tdoor\tmask\n\n")) == 1


def test_a_missing_list_is_named_with_what_is_expected(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nowhere\.tsv is no file; .*file, source, label, box"):
        read_list(tmp_path / "nowhere.tsv")


def test_a_list_that_is_no_text_is_named(tmp_path: Path) -> None:
    path = saved(texture(np.random.default_rng(0)), tmp_path / "picture.png")
    with pytest.raises(DataError, match="picture.png"):
        read_list(path)


def test_a_missing_picture_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"gone\.jpg is no picture"):
        write_tree(listed(tmp_path, "gone.jpg\tdoor\tmask\n"), tmp_path / "out")


def test_an_empty_list_is_refused_with_a_reason(tmp_path: Path) -> None:
    with pytest.raises(DataError):
        write_tree(listed(tmp_path, "file\tsource\tlabel\tbox\n"), tmp_path / "out")


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[tuple[str, str, str], int], list[Listed]]:
    """Written once: crops from every third labelled face of the clip, a quarter of them for validation."""
    base = tmp_path_factory.mktemp("door")
    door_list(base / "frames", every=3)
    rows = read_list(write_list(base / "list.tsv", door_list(base / "frames", every=3)))
    return base / "crops", write_tree(rows, base / "crops", copies=3, val=0.25), rows


Tree = tuple[Path, dict[tuple[str, str, str], int], list[Listed]]


def test_counts_are_what_lies_on_disk(tree: Tree) -> None:
    out, counts, _ = tree
    assert Counter((s.split, s.source, s.label) for s in read_tree(out)) == counts


def test_each_face_gives_its_copies_in_training_and_one_in_validation(tree: Tree) -> None:
    """Of each detector that sees it: a face gives one box or two."""
    _, counts, rows = tree
    faces = Counter(row.label for row in rows)
    for label, count in faces.items():
        trained, held = counts[("train", "door", label)], counts.get(("val", "door", label), 0)
        assert trained % 3 == 0 and count <= trained // 3 + held <= 2 * count
    assert any(split == "val" for split, _, _ in counts)


def test_drawings_on_bare_faces_are_a_source_of_their_own_and_only_to_train_on(tree: Tree) -> None:
    _, counts, rows = tree
    drawn = {(split, label): n for (split, source, label), n in counts.items() if source == f"door{DRAWINGS}"}
    bare = sum(row.label == "no_mask" for row in rows)
    assert {split for split, _ in drawn} == {"train"} and drawn["train", "mask"] and drawn["train", "incorrect_mask"]
    assert sum(drawn.values()) < 2 * bare


def test_clutter_is_drawn_to_train_on(tree: Tree) -> None:
    _, counts, rows = tree
    assert {key: n for key, n in counts.items() if key[1] == "drawn"} == {
        ("train", "drawn", "not_face"): len(rows) // 8
    }


def test_all_of_a_list_can_be_cut_to_test_on(tmp_path: Path) -> None:
    rows = door_list(tmp_path / "frames", every=12)
    counts = write_tree(rows, tmp_path / "out", copies=3, test=True)
    assert {(split, source) for split, source, _ in counts} == {("test", "door")}
    faces = sum(count for (_, _, label), count in counts.items() if label != "not_face")
    assert len(rows) <= faces <= 2 * len(rows)


def test_no_photo_and_no_near_duplicate_is_on_both_sides(tree: Tree) -> None:
    out, _, rows = tree
    photos = {
        part: {s.path.name.rsplit("-", 1)[0] for s in read_tree(out) if s.split == part and s.source != "drawn"}
        for part in ("train", "val")
    }
    assert photos["train"] and photos["val"] and not photos["train"] & photos["val"]
    numbers = dict(zip((row.path.stem for row in rows), groups([row.path for row in rows]), strict=True))
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


def test_a_tight_crop_is_kept_as_it_is(tmp_path: Path) -> None:
    photo = saved(texture(np.random.default_rng(0), 80), tmp_path / "own.png")
    counts = write_tree([Listed(photo, "mask", "door", None)], tmp_path / "out", copies=5, val=0.0)
    assert counts == {("train", "door", "mask"): 1}
    written = readable(next((tmp_path / "out").rglob("*.jpg"))).astype(int)
    assert written.shape == (80, 80, 3) and abs(written - readable(photo)).mean() < 8


def test_validation_crops_are_exactly_what_the_device_sees(tmp_path: Path) -> None:
    row = next(row for row in door_list(tmp_path) if row.label == "no_mask" and row.box and row.box.width > 100)
    image = readable(row.path)
    seen = max(HaarDetector(DetectConfig(min_face=24)).detect(image), key=lambda box: iou(box, row.box or box))
    write_tree([row], tmp_path / "out", val=1.0)
    written = readable(next((tmp_path / "out" / "val" / "door" / "no_mask").glob("*.jpg"))).astype(int)
    expected = crop(image, seen)
    smaller = [
        expected[round(y * len(expected) / 160), round(x * len(expected) / 160)] for y in (60, 90) for x in (60, 90)
    ]
    there = [written[y, x] for y in (60, 90) for x in (60, 90)]
    assert written.shape[0] == min(160, len(expected))
    assert np.abs(np.array(smaller, int) - there).mean() < 25


def test_jitter_moves_by_a_tenth_and_scales_within_bounds() -> None:
    box, rng = Box(100, 120, 180, 200), np.random.default_rng(0)
    found = [jitter(box, rng) for _ in range(500)]
    assert all(one.width == one.height for one in found)
    sides = [one.width / box.width for one in found]
    moves = [abs(a - b) / box.width for one in found for a, b in zip(one.centre, box.centre, strict=True)]
    assert 0.84 <= min(sides) < 0.9 and 1.2 < max(sides) <= 1.26
    assert 0.08 < max(moves) <= 0.1 + 1.5 / box.width


FACES = [face for face in door_faces() if face[2].width > 60][::4]


@pytest.mark.parametrize(("frame", "label", "box"), FACES, ids=[f"frame {f} {label}" for f, label, _ in FACES])
def test_false_faces_leave_the_face_alone(frame: int, label: str, box: Box) -> None:
    image, rng = door_frames()[frame], np.random.default_rng(frame)
    offered = [
        *HaarDetector(DetectConfig(cascade="default", min_face=24, neighbours=0)).detect(image),
        box,
        *strays(image, box, rng),
    ]
    kept = false_faces(box, offered)
    assert kept and box not in kept
    for one in kept:
        beside = iou(one, box) < BESIDE and clip(one, box).area < ACROSS * one.area
        assert beside or one.area < 0.1 * box.area
        assert all(iou(one, other) < SAME_FACE for other in kept if other is not one)
        crop(image, one)  # inside the picture


@pytest.mark.parametrize("corners", [(0, 100, 30, 400), (610, 100, 640, 400)], ids=["left edge", "right edge"])
def test_a_narrow_face_at_the_pictures_edge_can_be_cut(tmp_path: Path, corners: tuple[int, int, int, int]) -> None:
    """Somebody else is found in the picture, so the listed box is taken with a detection's square proportions."""
    frame = next(f for f, _, box in door_faces() if box.width > 130 and 100 < box.x0 < 300)
    path = saved(door_frames()[frame], tmp_path / "edge.png")
    for seed in range(8):
        counts = write_tree([Listed(path, "mask", "x", Box(*corners))], tmp_path / f"out{seed}", val=0.0, seed=seed)
        assert counts[("train", "x", "mask")] == 2


def test_a_box_outside_the_picture_is_refused_naming_the_picture(tmp_path: Path) -> None:
    path = saved(np.full((100, 100, 3), 128, np.uint8), tmp_path / "small.png")
    with pytest.raises(DataError, match="small.png"):
        write_tree([Listed(path, "mask", "x", Box(500, 500, 550, 560))], tmp_path / "out")


def test_a_second_listed_face_is_never_written_as_no_face(tmp_path: Path) -> None:
    """Two people in one picture, one row each: what is cut as not_face for one must not show the other."""
    first, second = door_faces_together()
    frame = door_frames()[first[0]]
    covered = frame.copy()
    covered[second[2].y0 : second[2].y1, second[2].x0 : second[2].x1] = (0, 255, 0)  # to know it again
    path = saved(covered, tmp_path / "two.png")
    rows = [Listed(path, face[1], source, face[2]) for face, source in ((first, "first"), (second, "second"))]
    write_tree(rows, tmp_path / "out", copies=1)
    green = [float((np.abs(readable(s.path).astype(int) - (0, 255, 0)).sum(axis=2) < 60).mean())
             for s in read_tree(tmp_path / "out") if s.label == "not_face" and s.source == "first"]  # fmt: skip
    assert green and max(green) < 0.5


def door_faces_together() -> list[tuple[int, str, Box]]:
    """Two large faces in one frame of the clip."""
    large = [face for face in door_faces() if face[2].width > 90]
    frames = Counter(frame for frame, _, _ in large)
    frame = next(frame for frame, count in frames.items() if count == 2)
    return [face for face in large if face[0] == frame]
