"""Tests the Haar detector on the bundled clip, and how cascade files are found and loaded."""

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from support import DOOR_TRUTH

from edge.camera.source import open_source
from edge.config.schema import DetectConfig
from edge.errors import ModelError
from edge.faces.geometry import Box, iou
from edge.faces.haar import HaarDetector, find_cascade, load_cascade

HOPPER = 50
"""A frame of the bundled clip in which Grace Hopper stands alone in front of the camera."""
BOTH = 230
"""A frame in which she stands beside Eileen Collins, who wears a mask."""
Images = dict[int, Any]


def haar(**options: Any) -> HaarDetector:
    """Opens a detector with these options; the smallest face is 40 pixels if not given."""
    return HaarDetector(DetectConfig(**{"min_face": 40, **options}))


@pytest.fixture(scope="module")
def frames() -> Images:
    with closing(open_source("demo")) as source:
        return {frame.number: frame.image for frame in source if frame.number in (HOPPER, BOTH)}


def truth(person: str, frame: int) -> Box:
    people = json.loads(DOOR_TRUTH.read_text())["people"]
    faces = next(entry["faces"] for entry in people if entry["who"] == person)
    return Box(*next(box for number, *box in faces if number == frame))


def test_finds_the_only_face(frames: Images) -> None:
    (box,) = haar().detect(frames[HOPPER])
    assert iou(box, truth("Grace Hopper", HOPPER)) > 0.5


def test_boxes_are_sorted_from_left_to_right(frames: Images) -> None:
    boxes = haar().detect(frames[BOTH])
    assert boxes == sorted(boxes)
    assert max(iou(box, truth("Grace Hopper, mirrored", BOTH)) for box in boxes) > 0.5


def test_luma_gives_the_same_faces_as_colour(frames: Images) -> None:
    image = frames[HOPPER]
    luma = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    half = cv2.resize(luma, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    (colour,) = haar().detect(image)
    for grey in (luma, half):
        (box,) = haar().detect(image, grey)
        assert iou(box, colour) > 0.8


def test_boxes_are_pixels_of_the_image_whatever_its_size(frames: Images) -> None:
    large = cv2.resize(frames[HOPPER], None, fx=2, fy=2)
    (box,) = haar(min_face=96).detect(large)
    expected = truth("Grace Hopper", HOPPER)
    assert iou(box, Box(*(2 * side for side in expected))) > 0.5


def test_faces_smaller_than_min_face_do_not_count(frames: Images) -> None:
    height = truth("Grace Hopper", HOPPER).height
    assert haar(min_face=2 * height).detect(frames[HOPPER]) == []


LEFT = [(0.0, 0.0), (0.3, 0.0), (0.3, 1.0), (0.0, 1.0)]
MIDDLE = [(0.3, 0.1), (0.7, 0.1), (0.7, 0.9), (0.3, 0.9)]


@pytest.mark.parametrize(
    ("zones", "count"),
    [
        pytest.param([], 1, id="everywhere"),
        pytest.param([MIDDLE], 1, id="inside"),
        pytest.param([LEFT], 0, id="outside"),
        pytest.param([LEFT, MIDDLE], 1, id="inside one of two"),
    ],
)
def test_zones(frames: Images, zones: list[list[tuple[float, float]]], count: int) -> None:
    assert len(haar(zones=zones).detect(frames[HOPPER])) == count


@pytest.mark.parametrize(
    "shape", [(0, 0), (0, 640), (480, 0), (1, 1), (23, 23), (2, 4000), (48, 48), (49, 3000)], ids=str
)
@pytest.mark.parametrize("min_face", [24, 48])
def test_pictures_without_room_for_a_face(shape: tuple[int, int], min_face: int) -> None:
    assert haar(min_face=min_face).detect(np.zeros((*shape, 3), np.uint8)) == []


@pytest.mark.parametrize("name", ["default", "alt", "alt2", "alt_tree", "haarcascade_frontalface_alt2.xml"])
def test_cascades_by_name(name: str) -> None:
    assert not load_cascade(name).empty()


def test_a_cascade_by_path(tmp_path: Path, frames: Images) -> None:
    path = tmp_path / "own.xml"
    path.write_bytes(find_cascade("alt2").read_bytes())
    assert find_cascade(str(path)) == path
    assert haar(cascade=str(path)).detect(frames[HOPPER]) == haar().detect(frames[HOPPER])


@pytest.mark.parametrize("name", ["nothing", "/nowhere/face.xml", "", "../alt2", "~no-such-user/a.xml"])
def test_a_missing_cascade_is_named(name: str) -> None:
    with pytest.raises(ModelError, match="no cascade .*opencv-data"):
        haar(cascade=name)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"not xml at all", id="text"),
        pytest.param(b"<?xml version='1.0'?>\n<html><body/></html>", id="another xml"),
        pytest.param(b"<?xml version='1.0'?>\n<opencv_storage><a>1</a></opencv_storage>", id="other OpenCV data"),
        pytest.param(bytes(range(256)) * 10, id="binary"),
    ],
)
def test_a_file_that_is_not_a_cascade_is_named(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "face.xml"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=f"{path} is damaged or not a cascade"):
        haar(cascade=str(path))


@pytest.mark.parametrize("share", [0.01, 0.5, 0.99])
def test_a_cascade_that_is_cut_off_is_named(share: float, tmp_path: Path) -> None:
    path = tmp_path / "cut.xml"
    whole = find_cascade("alt2").read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(ModelError, match=f"{path} is damaged or not a cascade"):
        haar(cascade=str(path))
