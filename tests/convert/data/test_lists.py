"""convert.data.lists: rows of a list, and the line that cannot be used."""

from pathlib import Path

import numpy as np
import pytest
from support.tiny import saved, texture

from convert.data.lists import ListedFace, read_list
from convert.errors import DataError
from edge.faces.geometry import Box


def listed(folder: Path, text: str, exclude: tuple[str, ...] = ()) -> list[ListedFace]:
    path = folder / "list.tsv"
    path.write_text(text, "utf-8")
    return read_list(path, exclude)


@pytest.mark.parametrize("box", ["10,20,30,44", "10 20 30 44", "10, 20, 30, 44"])
def test_a_row_gives_file_label_source_and_box(tmp_path: Path, box: str) -> None:
    rows = listed(tmp_path, f"file\tsource\tlabel\tbox\nfaces/1.jpg\tdoor\tWithMask\t{box}\n")
    assert rows == [ListedFace(tmp_path / "faces/1.jpg", "mask", "door", Box(10, 20, 30, 44))]


@pytest.mark.parametrize("end", ["", "\t", "\t  "], ids=["no column", "empty", "blank"])
def test_a_picture_may_have_no_box(tmp_path: Path, end: str) -> None:
    assert listed(tmp_path, f"1.jpg\tdoor\tbare{end}\n") == [ListedFace(tmp_path / "1.jpg", "no_mask", "door", None)]


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
def test_the_error_names_the_file_and_the_line(tmp_path: Path, row: str) -> None:
    with pytest.raises(DataError, match=r"list\.tsv, line 3: "):
        listed(tmp_path, f"file\tsource\tlabel\tbox\n0.jpg\tdoor\tmask\n{row}\n")


def test_a_blank_line_at_the_end_is_ignored(tmp_path: Path) -> None:
    assert len(listed(tmp_path, "1.jpg\tdoor\tmask\n\n")) == 1


def test_the_error_for_a_missing_list_says_what_is_expected(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nowhere\.tsv is not a file; .*file, source, label, box"):
        read_list(tmp_path / "nowhere.tsv")


def test_the_error_names_a_list_that_is_not_text(tmp_path: Path) -> None:
    path = saved(texture(np.random.default_rng(0)), tmp_path / "picture.png")
    with pytest.raises(DataError, match="picture.png"):
        read_list(path)
