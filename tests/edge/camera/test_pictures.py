"""Tests ``edge.camera.pictures``: reading, decoding and writing pictures."""

import threading
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.camera import pictures
from edge.errors import FileError, SourceError


def save(path: Path, grey: int = 100) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), np.full((40, 60, 3), grey, np.uint8))
    return path


def test_reading_gives_blue_green_red(tmp_path: Path) -> None:
    path = tmp_path / "grey.png"
    cv2.imwrite(str(path), np.full((4, 6, 4), (10, 20, 30, 255), np.uint8))
    image = pictures.read(path)
    assert image.shape == (4, 6, 3) and image.dtype == np.uint8
    assert tuple(image[0, 0]) == (10, 20, 30)


@pytest.mark.parametrize("content", [b"", b"no picture", None], ids=["empty", "text", "cut off"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = save(tmp_path / "a.png")
    path.write_bytes(path.read_bytes()[:40] if content is None else content)
    with pytest.raises(SourceError, match=f"{path} is not a readable picture"):
        pictures.read(path)


def test_a_header_that_promises_too_many_pixels_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "a.bmp")
    content = bytearray(path.read_bytes())
    content[18:26] = (100_000).to_bytes(4, "little") + (100_000).to_bytes(4, "little")
    path.write_bytes(content)
    with pytest.raises(SourceError, match=f"{path} is not a readable picture"):
        pictures.read(path)


def test_writing_makes_the_folders_and_leaves_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "out" / "deep" / "a.png"
    pictures.write(np.full((4, 6, 3), 50, np.uint8), path)
    assert (pictures.read(path) == 50).all()
    assert [file.name for file in path.parent.iterdir()] == ["a.png"]


def test_a_reader_never_sees_a_partly_written_picture(tmp_path: Path) -> None:
    path, done = tmp_path / "a.png", threading.Event()
    noise = np.random.default_rng(0).integers(0, 256, (200, 200, 3), np.uint8)
    pictures.write(noise, path)
    complete: list[bool] = []

    def keep_reading() -> None:
        while not done.is_set():
            image = cv2.imread(str(path))
            complete.append(image is not None and (image == noise).all())

    reader = threading.Thread(target=keep_reading)
    reader.start()
    for _ in range(40):
        pictures.write(noise, path)
    done.set()
    reader.join(30)
    assert complete and all(complete)


@pytest.mark.parametrize("name", ["a.xyz", "a"])
def test_a_format_without_an_encoder_leaves_nothing_behind(tmp_path: Path, name: str) -> None:
    with pytest.raises(FileError, match="cannot be written"):
        pictures.write(np.zeros((4, 6, 3), np.uint8), tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_writing_over_a_folder_is_refused_and_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "a.png").mkdir()
    with pytest.raises(FileError, match="cannot be written"):
        pictures.write(np.zeros((4, 6, 3), np.uint8), tmp_path / "a.png")
    assert [file.name for file in tmp_path.iterdir()] == ["a.png"]


def test_writing_below_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(FileError, match="cannot be written"):
        pictures.write(np.zeros((4, 6, 3), np.uint8), tmp_path / "file" / "a.png")


def test_bytes_are_decoded_as_a_file_is_read(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png")
    assert (pictures.decode(path.read_bytes()) == pictures.read(path)).all()


@pytest.mark.parametrize("data", [b"", b"no picture", b"\x89PNG\r\n\x1a\n"], ids=["empty", "text", "cut off"])
def test_bytes_that_are_not_a_picture_are_refused(data: bytes) -> None:
    with pytest.raises(SourceError, match=f"{len(data)} bytes cannot be decoded"):
        pictures.decode(data)
