"""edge.files: whole or not at all."""

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


def test_what_fails_leaves_the_file_as_it_was_and_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "health.json"
    path.write_text("old")
    with pytest.raises(RuntimeError), replacing(path) as new:
        new.write_text("ha")
        raise RuntimeError
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


def test_a_place_that_cannot_be_taken_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "folder.json"
    (path / "inside").mkdir(parents=True)
    with pytest.raises(OSError), replacing(path) as new:
        new.write_text("new")
    assert list(tmp_path.iterdir()) == [path]


def test_nothing_written_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), replacing(tmp_path / "a.json"):
        pass
    assert not list(tmp_path.iterdir())
