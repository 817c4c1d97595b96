"""Tests ``edge.camera.walk``: which files of a folder are pictures, in which order, and what is passed over."""

import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
from support.users import open_folder, run_without_rights

from edge.camera import pictures
from edge.camera.folder import Folder
from edge.camera.walk import COPY_MARK, Walk
from edge.errors import SourceError

NOT_UTF8 = os.fsdecode(b"caf\xe9.jpg")


def write(path: Path, mark: bytes = b"") -> Path:
    pictures.write(np.full((40, 60, 3), 100, np.uint8), path, mark=mark)
    return path


def walked(folder: Path) -> tuple[list[str], str]:
    walk = Walk(folder)
    names = [str(path.relative_to(folder)) for path in walk]
    return names, walk.summary()


def test_numbers_are_sorted_as_people_count(tmp_path: Path) -> None:
    numbers = ["1.jpg", "2.jpg", "10.jpg", "a/9.png", "a/10.png", "A2.jpg", "a10.jpg"]
    names = [*numbers, "b/x.jpg", "IMG_9.JPG", "IMG_010.jpg"]
    for name in names:
        write(tmp_path / name)
    assert walked(tmp_path) == (names, "")


def test_the_kinds_that_opencv_reads_are_found_by_their_endings(tmp_path: Path) -> None:
    names = [f"x{number}{suffix}" for number, suffix in enumerate(sorted(pictures.PICTURE_SUFFIXES))]
    assert {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".tif", ".tiff"} <= pictures.PICTURE_SUFFIXES
    for name in [*names, NOT_UTF8]:
        (tmp_path / name).touch()
    assert set(walked(tmp_path)[0]) == {*names, NOT_UTF8}


@pytest.mark.timeout(20)
def test_what_is_passed_over_is_said_and_counted(tmp_path: Path) -> None:
    write(tmp_path / "good.jpg")
    for name in ("a.heic", "b.HEIC", "notes.txt", "._good.jpg", "noending", "deep/c.heif", "d.heic"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    write(tmp_path / ".trash" / "old.jpg")
    write(tmp_path / "out" / "good.jpg", mark=COPY_MARK)
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "broken.jpg").symlink_to("nowhere.jpg")
    (tmp_path / "deep" / "up").symlink_to(tmp_path)
    (tmp_path / "round.jpg").symlink_to("round.jpg")
    names, summary = walked(tmp_path)
    assert names == ["good.jpg"]
    assert summary.startswith(f"{tmp_path}: passed over 13 entries: ")
    for part in (
        "4 x HEIC picture, which OpenCV cannot read here: convert it to JPEG (a.heic, b.HEIC, d.heic, and 1 more)",
        "2 x hidden (._good.jpg, .trash)",
        "1 x .txt file (notes.txt)",
        "1 x file without an ending (noending)",
        "1 x annotated copy of maskwatch (out/good.jpg)",
        "1 x named pipe (pipe.jpg)",
        "2 x link that leads nowhere (broken.jpg, round.jpg)",
        "1 x link to a folder that is read already (deep/up)",
    ):
        assert part in summary, summary


def test_a_folder_behind_a_link_is_read_once(tmp_path: Path) -> None:
    write(tmp_path / "elsewhere" / "a.jpg")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "one").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "in" / "two").symlink_to(tmp_path / "elsewhere")
    names, summary = walked(tmp_path / "in")
    assert names == ["one/a.jpg"] and "1 x link to a folder that is read already (two)" in summary


def test_a_tree_deeper_than_python_can_call_is_read(tmp_path: Path) -> None:
    here = os.getcwd()
    os.chdir(tmp_path)
    try:
        for _ in range(1500):
            os.mkdir("d")
            os.chdir("d")
        Path("x.jpg").touch()
        os.chdir(tmp_path)
        names = walked(Path("d"))[0]
    finally:
        os.chdir(here)
        subprocess.run(["rm", "-rf", str(tmp_path / "d")], check=True, timeout=60)  # pytest cannot
    assert [name[-6:] for name in names] == ["/x.jpg"]


def test_a_folder_that_cannot_be_read_is_a_failure() -> None:
    with open_folder() as folder:
        for name in ("locked", "open"):
            write(folder / name / "a.jpg")
        (folder / "locked").chmod(0)
        done = run_without_rights(
            "import sys, pathlib; from edge.camera.walk import Walk",
            "walk = Walk(pathlib.Path(sys.argv[1])); print(len(list(walk)), walk.failures, walk.summary())",
            folder,
        )
        (folder / "locked").chmod(0o755)
    expected = f"1 1 {folder}: passed over 1 entry: 1 x folder that cannot be read: Permission denied (locked)\n"
    assert done.stdout == expected, done.stderr


def test_a_recording_of_pictures_says_what_is_skipped_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write(tmp_path / "sub" / "2.jpg")
    write(tmp_path / "10.jpg")
    (tmp_path / "3.jpg").write_bytes(b"")
    (tmp_path / "x.heic").touch()
    logged: set[str] = set()
    for _ in range(2):
        folder = Folder(tmp_path, fps=5, logged=logged)
        times = [picture.time for picture in iter(folder.read, None) if picture]
        assert times == [0.2, 0.4]
    texts = [record.message for record in caplog.records]
    assert len(texts) == 3
    assert "1 x HEIC picture" in texts[0]
    assert texts[1] == f"{tmp_path}/3.jpg is not a readable picture: the file is empty: skipped"
    assert texts[2] == f"{tmp_path}: 1 of 3 pictures could not be read"


def test_a_folder_without_pictures_says_what_is_in_it(tmp_path: Path) -> None:
    (tmp_path / "x.heic").touch()
    with pytest.raises(SourceError, match=r"has no pictures \(.*\) in it; .*passed over 1 entry: 1 x HEIC"):
        Folder(tmp_path, fps=5)
