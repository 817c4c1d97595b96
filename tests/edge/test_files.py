"""edge.files: a file is replaced completely or not at all."""

from pathlib import Path

import pytest

from edge.files import replacing


def test_the_file_changes_only_at_the_end_and_keeps_its_suffix(tmp_path: Path) -> None:
    path = tmp_path / "picture.jpg"
    path.write_text("old")
    with replacing(path) as new:
        new.write_text("new")
        assert path.read_text() == "old" and new.suffix == ".jpg" and new.name.startswith(".")
    assert path.read_text() == "new" and list(tmp_path.iterdir()) == [path]


def test_an_exception_leaves_the_file_unchanged_and_no_other_file(tmp_path: Path) -> None:
    path = tmp_path / "health.json"
    path.write_text("old")
    with pytest.raises(RuntimeError), replacing(path) as new:
        new.write_text("ha")
        raise RuntimeError
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


def test_a_folder_cannot_be_replaced_and_no_file_is_left(tmp_path: Path) -> None:
    path = tmp_path / "folder.json"
    (path / "inside").mkdir(parents=True)
    with pytest.raises(OSError), replacing(path) as new:
        new.write_text("new")
    assert list(tmp_path.iterdir()) == [path]


def test_a_replacement_that_is_not_written_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), replacing(tmp_path / "a.json"):
        pass
    assert not list(tmp_path.iterdir())
