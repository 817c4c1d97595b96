"""edge.cli.image: which files are checked, and the lines that are printed."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.camera import pictures
from edge.cli.image import as_json, as_text, find_images
from edge.config.schema import Config, DetectConfig
from edge.errors import SourceError
from edge.faces.face import Face
from edge.faces.geometry import Box
from edge.faces.haar import HaarDetector
from edge.faces.opening import detect_and_classify, open_classifier

FACE = Face(Box(10, 20, 110, 120), {"mask": 0.02, "no_mask": 0.97, "not_face": 0.01})


def save(path: Path, grey: int = 100) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), np.full((40, 60, 3), grey, np.uint8))
    return path


def test_the_json_line() -> None:
    expected = '{"file": "a.jpg", "faces": [{"box": [10, 20, 110, 120], "label": "no_mask", "score": 0.97}]}'
    assert as_json(Path("a.jpg"), [FACE]) == expected
    assert as_json(Path("b.jpg"), []) == '{"file": "b.jpg", "faces": []}'


@pytest.mark.parametrize("name", ['q"uote.jpg', "back\\slash.jpg", "line\nend.jpg", "Tür 戸.jpg"])
def test_the_json_line_of_odd_names(name: str) -> None:
    line = as_json(Path(name), [])
    assert "\n" not in line
    assert json.loads(line.encode())["file"] == name


def test_a_name_that_is_not_utf8_can_be_printed() -> None:
    name = b"caf\xe9.jpg"
    path = Path(name.decode("utf-8", "surrogateescape"))
    assert as_json(path, []).encode()
    assert as_text(path, []).encode()


def test_the_line_of_text() -> None:
    assert as_text(Path("a.jpg"), [FACE]) == "a.jpg: no_mask 0.97 at 10,20"
    assert as_text(Path("a.jpg"), []) == "a.jpg: no face found"


def test_image_files_in_folders_are_found_in_order(tmp_path: Path) -> None:
    for name in ("in/b.png", "in/a/z.JPG", "in/a/c.webp", "single.jpg"):
        save(tmp_path / name)
    (tmp_path / "in" / "notes.txt").write_text("no picture")
    (tmp_path / "in" / "folder.png").mkdir()
    files = list(find_images([tmp_path / "single.jpg", tmp_path / "in"]))
    assert [str(file.relative) for file in files] == ["single.jpg", "a/c.webp", "a/z.JPG", "b.png"]
    assert [file.path for file in files] == [
        tmp_path / name for name in ("single.jpg", "in/a/c.webp", "in/a/z.JPG", "in/b.png")
    ]


def test_a_missing_path_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=str(tmp_path / "none.jpg")):
        list(find_images([tmp_path / "none.jpg"]))


def test_a_frame_of_the_clip_is_checked(tmp_path: Path, door: Path, model: Path) -> None:
    clip = cv2.VideoCapture(str(door))
    clip.set(cv2.CAP_PROP_POS_FRAMES, 50)
    cv2.imwrite(str(tmp_path / "hopper.png"), clip.read()[1])
    clip.release()
    image = pictures.read(tmp_path / "hopper.png")
    (face,) = detect_and_classify(image, HaarDetector(DetectConfig()), open_classifier(Config()))
    assert face.label == "no_mask"
