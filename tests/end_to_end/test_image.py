"""``maskwatch image`` on files and folders."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np


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
