import json
import threading
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.cli import image as picture
from edge.errors import SourceError
from edge.faces.classifier import MaskClassifier
from edge.faces.face import Face
from edge.faces.geometry import Box
from edge.faces.haar import FaceDetector
from edge.faces.tflite import TfliteNetwork

FACE = Face(Box(10, 20, 110, 120), {"mask": 0.02, "no_mask": 0.97, "not_face": 0.01})


def save(path: Path, grey: int = 100) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), np.full((40, 60, 3), grey, np.uint8))
    return path


def test_the_json_line() -> None:
    expected = '{"file": "a.jpg", "faces": [{"box": [10, 20, 110, 120], "label": "no_mask", "score": 0.97}]}'
    assert picture.as_json(Path("a.jpg"), [FACE]) == expected
    assert picture.as_json(Path("b.jpg"), []) == '{"file": "b.jpg", "faces": []}'


@pytest.mark.parametrize("name", ['q"uote.jpg', "back\\slash.jpg", "line\nend.jpg", "Tür 戸.jpg"])
def test_the_json_line_of_odd_names(name: str) -> None:
    line = picture.as_json(Path(name), [])
    assert "\n" not in line
    assert json.loads(line.encode())["file"] == name


def test_a_name_that_is_not_utf8_can_be_printed() -> None:
    name = b"caf\xe9.jpg"
    path = Path(name.decode("utf-8", "surrogateescape"))
    assert picture.as_json(path, []).encode()
    assert picture.as_text(path, []).encode()


def test_the_line_for_people() -> None:
    assert picture.as_text(Path("a.jpg"), [FACE]) == "a.jpg: no_mask 0.97 at 10,20"
    assert picture.as_text(Path("a.jpg"), []) == "a.jpg: no face found"


def test_folders_are_walked_in_order_and_other_files_left_out(tmp_path: Path) -> None:
    for name in ("in/b.png", "in/a/z.JPG", "in/a/c.webp", "single.jpg"):
        save(tmp_path / name)
    (tmp_path / "in" / "notes.txt").write_text("no picture")
    (tmp_path / "in" / "folder.png").mkdir()
    found = list(picture.walk([tmp_path / "single.jpg", tmp_path / "in"]))
    assert [str(each.relative) for each in found] == ["single.jpg", "a/c.webp", "a/z.JPG", "b.png"]
    assert [each.path for each in found] == [
        tmp_path / name for name in ("single.jpg", "in/a/c.webp", "in/a/z.JPG", "in/b.png")
    ]


def test_a_path_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=str(tmp_path / "none.jpg")):
        list(picture.walk([tmp_path / "none.jpg"]))


def test_reading_gives_blue_green_red(tmp_path: Path) -> None:
    path = tmp_path / "grey.png"
    cv2.imwrite(str(path), np.full((4, 6, 4), (10, 20, 30, 255), np.uint8))
    image = picture.read(path)
    assert image.shape == (4, 6, 3) and image.dtype == np.uint8
    assert tuple(image[0, 0]) == (10, 20, 30)


@pytest.mark.parametrize("content", [b"", b"no picture", None], ids=["empty", "text", "cut off"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = save(tmp_path / "a.png")
    path.write_bytes(path.read_bytes()[:40] if content is None else content)
    with pytest.raises(SourceError, match=f"{path} is no picture"):
        picture.read(path)


def test_a_header_that_promises_too_many_pixels_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "a.bmp")
    content = bytearray(path.read_bytes())
    content[18:26] = (100_000).to_bytes(4, "little") + (100_000).to_bytes(4, "little")
    path.write_bytes(content)
    with pytest.raises(SourceError, match=f"{path} is no picture"):
        picture.read(path)


def test_writing_makes_the_folders_and_leaves_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "out" / "deep" / "a.png"
    picture.write(np.full((4, 6, 3), 50, np.uint8), path)
    assert (picture.read(path) == 50).all()
    assert [each.name for each in path.parent.iterdir()] == ["a.png"]


def test_a_reader_sees_the_old_picture_or_the_new_one_never_half_of_it(tmp_path: Path) -> None:
    path, done = tmp_path / "a.png", threading.Event()
    noise = np.random.default_rng(0).integers(0, 256, (200, 200, 3), np.uint8)
    picture.write(noise, path)
    seen: list[bool] = []

    def look() -> None:
        while not done.is_set():
            image = cv2.imread(str(path))
            seen.append(image is not None and (image == noise).all())

    reader = threading.Thread(target=look)
    reader.start()
    for _ in range(40):
        picture.write(noise, path)
    done.set()
    reader.join(30)
    assert seen and all(seen)


@pytest.mark.parametrize("name", ["a.xyz", "a"])
def test_a_format_without_an_encoder_leaves_nothing_behind(tmp_path: Path, name: str) -> None:
    with pytest.raises(SourceError, match="cannot be written"):
        picture.write(np.zeros((4, 6, 3), np.uint8), tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_writing_over_a_folder_is_refused_and_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "a.png").mkdir()
    with pytest.raises(SourceError, match="cannot be written"):
        picture.write(np.zeros((4, 6, 3), np.uint8), tmp_path / "a.png")
    assert [each.name for each in tmp_path.iterdir()] == ["a.png"]


def test_writing_below_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(SourceError, match="cannot be written"):
        picture.write(np.zeros((4, 6, 3), np.uint8), tmp_path / "file" / "a.png")


def test_a_picture_of_the_clip_is_checked(tmp_path: Path, door: Path, model: Path) -> None:
    clip = cv2.VideoCapture(str(door))
    clip.set(cv2.CAP_PROP_POS_FRAMES, 50)
    cv2.imwrite(str(tmp_path / "hopper.png"), clip.read()[1])
    clip.release()
    image = picture.read(tmp_path / "hopper.png")
    (face,) = picture.check(image, FaceDetector(), MaskClassifier(TfliteNetwork(model)))
    assert face.label == "no_mask"
