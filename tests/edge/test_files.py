"""edge.files: a file is replaced completely or not at all."""

import os
from pathlib import Path

import pytest

from edge.files import replace, replacing, write_whole


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


def test_a_link_is_replaced_or_kept_as_asked(tmp_path: Path) -> None:
    file, link = tmp_path / "file.toml", tmp_path / "link.toml"
    file.write_text("old")
    link.symlink_to(file)
    write_whole(link, b"new")
    assert link.is_symlink() and file.read_text() == "new"
    replace(link, b"other")
    assert not link.is_symlink() and (link.read_text(), file.read_text()) == ("other", "new")


def test_a_file_keeps_its_permissions(tmp_path: Path) -> None:
    path = tmp_path / "door.toml"
    path.touch(0o600)
    with replacing(path) as new:
        new.write_text("new")
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(os.geteuid() == 0, reason="root may open every folder")
def test_a_folder_that_cannot_be_opened_is_no_failure_once_the_file_is_replaced(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    path = folder / "door.toml"
    path.write_text("old")
    folder.chmod(0o300)
    with replacing(path) as new:
        new.write_text("new")
    assert path.read_text() == "new"
