"""``maskwatch image`` on files and folders."""

import os
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from support import ROOT
from support.picture_files import png_header

NOT_UTF8 = os.fsdecode(b"caf\xe9.jpg")
DOOR = (ROOT / "edge" / "camera" / "door.jpg").read_bytes()


def test_image_prints_one_line_per_image(maskwatch: Any, tmp_path: Path, door: Path) -> None:
    capture = cv2.VideoCapture(str(door))
    capture.set(cv2.CAP_PROP_POS_FRAMES, 60)
    (tmp_path / "in" / "sub").mkdir(parents=True)
    cv2.imwrite(str(tmp_path / "in" / "sub" / "hopper.png"), capture.read()[1])
    (tmp_path / "in" / "broken.jpg").write_bytes(b"no picture")
    run = maskwatch("image", tmp_path / "in", "--json", "--out", tmp_path / "out")
    assert run.end() == 1, "one of the two files cannot be read"
    assert "broken.jpg is not a readable picture" in run.err
    (line,) = run.alerts
    assert line["file"] == str(tmp_path / "in" / "sub" / "hopper.png")
    (face,) = line["faces"]
    assert face["label"] == "no_mask" and face["score"] > 0.5 and len(face["box"]) == 4
    assert cv2.imread(str(tmp_path / "out" / "sub" / "hopper.png")).shape == (480, 640, 3)
    assert maskwatch("image", tmp_path / "in" / "sub", "--no-pictures", "--out", tmp_path / "no").end() == 0
    assert not (tmp_path / "no").exists()


def test_image_overwrites_no_input_and_gives_every_copy_its_own_name(maskwatch: Any, tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        cv2.imwrite(str(tmp_path / folder / "x.png"), np.zeros((60, 60, 3), np.uint8))
    before = (tmp_path / "a" / "x.png").read_bytes()
    run = maskwatch("image", tmp_path / "a", "--out", tmp_path / "a")
    assert run.end() == 2 and "would overwrite the image" in run.err
    assert (tmp_path / "a" / "x.png").read_bytes() == before
    assert maskwatch("image", tmp_path / "a", tmp_path / "b", "--out", tmp_path / "out").end() == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["x-2.png", "x.png"]
    assert maskwatch("image", tmp_path / "a", "--out", tmp_path / "a" / "x.png").end() == 2


def test_a_picture_of_any_name_is_checked_and_copied(maskwatch: Any, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / NOT_UTF8).write_bytes(DOOR)
    (tmp_path / "in" / "戸.jfif").write_bytes(DOOR)
    for locale in ({"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, {"PYTHONIOENCODING": "latin-1"}, {}):
        for more in ((), ("--json",), ("--out", tmp_path / "out")):
            run = maskwatch("image", tmp_path / "in", *more, env=locale)
            assert run.end() == 0, run.err
            assert run.out.count("no_mask") == 4 and r"\xe9" in run.out or "\\udce9" in run.out
            assert "Traceback" not in run.err
    assert sorted(os.listdir(os.fsencode(tmp_path / "out"))) == [b"caf\xe9.jpg", "戸.png".encode()]


def test_a_picture_that_is_cut_off_is_refused_and_one_without_end_marker_is_not(maskwatch: Any, tmp_path: Path) -> None:
    (tmp_path / "cut.jpg").write_bytes(DOOR[: len(DOOR) * 2 // 3])
    (tmp_path / "unended.jpg").write_bytes(DOOR[:-2])
    run = maskwatch("image", tmp_path)
    assert run.end() == 1
    assert run.out.count("unended.jpg: no_mask") == 1 and "cut.jpg:" not in run.out
    assert "cut.jpg is not a readable picture: it is cut off or damaged" in run.err and "1 of 2 failed" in run.err


def test_image_and_run_walk_alike(maskwatch: Any, tmp_path: Path) -> None:
    for name in ("10.jpg", "2.jpg", "sub/1.jpeg", "._2.jpg", "x.heic", "cut.png"):
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).write_bytes(DOOR if name[-1] == "g" and name != "cut.png" else b"")
    image = maskwatch("image", tmp_path / "in", "--out", tmp_path / "in" / "out")
    assert image.end() == 1
    assert [Path(line.split(": ")[0]).name for line in image.out.splitlines()] == ["2.jpg", "10.jpg", "1.jpeg"]
    again, watched = maskwatch("image", tmp_path / "in"), maskwatch("run", "--source", tmp_path / "in", "--print")
    assert again.end() == 1 and watched.end() == 0
    assert again.out == image.out, "the annotated copies are not checked again"
    for err in (again.err, watched.err):
        assert "passed over 5 entries: 1 x hidden (._2.jpg); " in err
        assert "3 x annotated copy of maskwatch" in err and "1 x HEIC picture" in err
        assert "cut.png is not a readable picture: the file is empty" in err
    assert "1 of 4 pictures could not be read" in watched.err and "ended after 3 frames" in watched.err


@pytest.mark.timeout(60)
def test_one_bad_path_is_one_sentence_and_the_others_are_checked(maskwatch: Any, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "empty").mkdir()
    (tmp_path / "good.jpg").write_bytes(DOOR)
    (tmp_path / "huge.png").write_bytes(png_header(40_000, 40_000))
    bad = {
        tmp_path / "none.jpg": "No such file or directory",
        tmp_path / "pipe.jpg": "it is a named pipe",
        tmp_path / ("x" * 300): "File name too long",
        tmp_path / "empty": "contains no image files",
        tmp_path / "huge.png": "it has 40000 x 40000 pixels",
        Path("/dev/null"): "it is a device",
    }
    run = maskwatch("image", *bad, tmp_path / "good.jpg")
    assert run.end() == 1 and "good.jpg: no_mask" in run.out
    lines = [line for line in run.err.splitlines() if line.startswith("maskwatch: ")]
    assert len(lines) == len(bad) + 1 and lines[-1] == "maskwatch: 6 of 7 failed"
    for (path, reason), line in zip(bad.items(), lines, strict=False):
        assert str(path) in line and reason in line
    assert "Traceback" not in run.err


def test_a_copy_overwrites_no_other_file(maskwatch: Any, tmp_path: Path) -> None:
    for name in ("a/x.jpg", "b/x.jpg", "c/x.jpg", "out/x.jpg"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes(DOOR)
    run = maskwatch("image", tmp_path / "a" / "x.jpg", tmp_path / "b" / "x.jpg", "--out", tmp_path / "b")
    assert run.end() == 2 and "would overwrite the image" in run.err
    for _ in range(2):  # the second time the copies are replaced
        run = maskwatch("image", tmp_path / "a" / "x.jpg", tmp_path / "c" / "x.jpg", "--out", tmp_path / "out")
        assert run.end() == 0
        assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["x-2.jpg", "x-3.jpg", "x.jpg"]
    for name in ("a/x.jpg", "b/x.jpg", "c/x.jpg", "out/x.jpg"):
        assert (tmp_path / name).read_bytes() == DOOR
    assert os.listdir(tmp_path / "b") == ["x.jpg"]
