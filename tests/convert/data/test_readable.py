"""convert.data.readable: pictures that cannot be read are left out, named and counted; every command does so."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from support import ROOT
from support.tiny import run_convert, saved, texture

from convert.data.readable import readable
from convert.data.splits import held_out
from convert.data.trees import Sample, read_tree
from convert.errors import DataError

NOT_UTF8 = os.fsdecode(b"caf\xe9.jpg")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A tree with 9 good pictures, some names and kinds among them, and with 3 that cannot be read."""
    root, rng = tmp_path / "tree", np.random.default_rng(0)
    for label in ("mask", "no_mask"):
        for number in range(4):
            saved(texture(rng), root / label / f"{number}.jpg")
    (root / "mask" / "3.jpg").rename(root / "mask" / NOT_UTF8)
    data = (root / "mask" / "1.jpg").read_bytes()
    (root / "mask" / "unended.jpg").write_bytes(data[:-2])
    (root / "mask" / "cut.jpg").write_bytes(data[: len(data) // 2])
    (root / "no_mask" / "empty.png").touch()
    (root / "no_mask" / "text.jpg").write_text("no picture")
    (root / "no_mask" / "._1.jpg").touch()
    (root / "no_mask" / "x.heic").touch()
    os.mkfifo(root / "no_mask" / "pipe.jpg")
    saved(texture(rng), root / "elsewhere" / "1.jpg")
    return root


def test_a_tree_says_what_it_passes_over(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert len(read_tree(tree)) == 12
    err = capsys.readouterr().err
    assert "passed over 3 entries: " in err and "1 x hidden" in err and "1 x HEIC" in err and "1 x named pipe" in err
    assert "left out 1 of 13 pictures, which are in no folder named after a label" in err


def test_pictures_that_cannot_be_read_are_left_out(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept = readable(read_tree(tree))
    names = sorted(os.fsencode(sample.path.name) for sample in kept if sample.label == "mask")
    assert names == [b"0.jpg", b"1.jpg", b"2.jpg", b"caf\xe9.jpg", b"unended.jpg"]
    err = capsys.readouterr().err
    assert f"{tree}/mask/cut.jpg cannot be read as a picture: it is cut off or damaged; delete or replace it" in err
    assert "empty.png cannot be read as a picture: the file is empty" in err
    assert "text.jpg cannot be read as a picture: it is none of JPEG, PNG" in err
    assert "left out 3 of 12 pictures, which cannot be read" in err
    assert {sample.path for sample in held_out(tree)} == {sample.path for sample in kept}


def test_if_no_picture_can_be_read_nothing_is_done(tmp_path: Path) -> None:
    samples = [Sample(tmp_path / f"{number}.jpg", "mask", "x") for number in range(3)]
    with pytest.raises(DataError, match=r"none of 3 pictures can be read; .*0\.jpg cannot be read as a picture"):
        readable(samples)
    assert readable([]) == []


def write_listing(tree: Path, box: str) -> Path:
    files = [path for label in ("mask", "no_mask") for path in sorted((tree / label).glob("*.*"))]
    rows = [os.fsencode(f"{path.relative_to(tree)}\tdoor\t{path.parent.name}\t{box}\n") for path in files]
    path = tree / f"list-{len(box)}.tsv"
    path.write_bytes(b"".join(rows))
    return path


@pytest.mark.timeout(240)
def test_every_command_goes_on_without_them(tree: Path) -> None:
    model = ROOT / "models" / "mask.tflite"
    done = run_convert("evaluate", model, tree)
    assert done.returncode == 0 and ": 9 pictures, accuracy " in done.stdout, done.stderr
    assert "left out 3 of 12 pictures" in done.stderr
    for words in (
        ("prepare", write_listing(tree, ""), "--out", tree.with_name("out"), "--copies", 1),
        ("evaluate-scenes", model, write_listing(tree, "0\t0\t90\t90")),
    ):
        done = run_convert(*words)
        assert done.returncode == 0 and "Traceback" not in done.stderr, done.stderr
        assert "cut.jpg cannot be read as a picture: it is cut off or damaged" in done.stderr
        assert "pipe.jpg cannot be read as a picture: it is a named pipe" in done.stderr
        assert "x.heic cannot be read as a picture: the file is empty" in done.stderr
        assert "left out 6 of 15 pictures" in done.stderr
    crops = [os.fsencode(path.name) for path in (tree.with_name("out")).rglob("*.jpg")]
    assert any(name.startswith(b"caf\xe9-0") for name in crops) and not any(name.startswith(b"cut") for name in crops)


def test_training_leaves_them_out(tree: Path) -> None:
    pytest.importorskip("tensorflow", reason="needs the convert extra (TensorFlow)")
    data = tree.with_name("data")
    data.mkdir()
    for part in ("train", "val"):
        shutil.copytree(tree, data / part, ignore=shutil.ignore_patterns("pipe.jpg"))
    done = run_convert("train", data, "--out", tree / "m.keras", "--epochs", 1, "--batch", 8, "--size", 32)
    assert done.returncode == 0 and "9 training pictures, 9 validation pictures" in done.stdout, done.stderr
    assert "left out 6 of 24 pictures, which cannot be read" in done.stderr


@pytest.mark.timeout(100)
def test_paths_that_cannot_be_used_are_one_sentence(tree: Path) -> None:
    long, pipe, model = Path("/tmp") / ("x" * 300), tree / "no_mask" / "pipe.jpg", ROOT / "models" / "mask.tflite"
    for words in (
        ("evaluate", model, long),
        ("evaluate", long.with_suffix(".tflite"), tree),
        ("prepare", long, "--out", tree / "out"),
        ("prepare", pipe, "--out", tree / "out"),
        ("prepare", write_listing(tree, ""), "--out", long),
        ("evaluate-clips", model, pipe),
        ("evaluate-scenes", model, write_listing(tree, "0\t0\t9\t9"), "--out", long),
    ):
        refuses(*words)


def test_charts_of_paths_that_cannot_be_used_are_one_sentence(tree: Path) -> None:
    pytest.importorskip("matplotlib", reason="needs the convert extra (matplotlib)")
    long = Path("/tmp") / ("x" * 300)
    refuses("bench-chart", tree / "no_mask" / "pipe.jpg", "--out", tree / "chart.png")
    refuses("card", long, "--page", long)


def refuses(*words: object) -> None:
    done = run_convert(*words)
    last = done.stderr.splitlines()[-1]
    reasons = ("File name too long", "is not a folder", "named pipe")
    assert done.returncode == 2 and "Traceback" not in done.stderr, done.stderr
    assert last.startswith("maskwatch-convert: ") and any(reason in last for reason in reasons), last
