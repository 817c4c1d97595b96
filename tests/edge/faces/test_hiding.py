"""Hiding faces: what is blurred, what stays visible, and in which pictures that works."""

from contextlib import closing
from typing import Any

import numpy as np
import pytest

from edge.camera.source import open_source
from edge.config.schema import BlurredPart, Config, DetectConfig, PrivacyConfig
from edge.faces.geometry import Box
from edge.faces.hiding import FaceHider, blur, eyes_in_box
from edge.faces.opening import open_eager, open_hider
from edge.faces.yunet import YuNetDetector

BARE, BOTH = 50, 230
"""Frames of the bundled clip: one bare face, and that face beside a masked one."""


@pytest.fixture(scope="module")
def frames() -> dict[int, Any]:
    with closing(open_source("demo")) as source:
        return {frame.number: frame.image for frame in source if frame.number in (BARE, BOTH)}


def hider(part: BlurredPart = "face", **options: Any) -> FaceHider:
    return open_hider(Config(detect=DetectConfig(**options), privacy=PrivacyConfig(blur=part)))


def changed(before: Any, after: Any) -> Any:
    return (before != after).any(axis=2)


@pytest.mark.parametrize("detector", ["haar", "yunet"])
def test_masked_and_bare_faces_are_hidden_whatever_detector_watches(frames: dict[int, Any], detector: str) -> None:
    image, strict = frames[BOTH], YuNetDetector(DetectConfig(min_face=24))
    assert len(strict.detect(image)) == 2
    hidden = hider(detector=detector).hide(image, [])
    assert strict.detect(hidden) == []


def test_little_else_is_blurred(frames: dict[int, Any]) -> None:
    """Cascades at their most lenient once blurred most of such a picture."""
    image = frames[BOTH]
    heads = np.zeros(image.shape[:2], bool)
    for box in open_eager(DetectConfig()).detect(image):
        heads[
            box.y0 - box.height // 2 : box.y1 + box.height // 2, box.x0 - box.width // 2 : box.x1 + box.width // 2
        ] = True
    assert not (changed(image, hider().hide(image, [])) & ~heads).any()
    assert np.array_equal(hider().hide(np.full_like(image, 90), []), np.full_like(image, 90))


def test_zones_and_the_smallest_face_of_the_door_do_not_apply(frames: dict[int, Any]) -> None:
    """A face that does not count at the door is seen by people as well."""
    options = {"min_face": 400, "zones": ((((0.9, 0.9), (1.0, 0.9), (1.0, 1.0))),)}
    assert YuNetDetector(DetectConfig(min_face=24)).detect(hider(**options).hide(frames[BOTH], [])) == []


def test_faces_that_others_have_found_are_hidden_too(frames: dict[int, Any]) -> None:
    image, known = np.full_like(frames[BARE], 60), Box(100, 100, 160, 170)
    image[::2] = 200
    assert changed(image, hider().hide(image, [known]))[110:160, 110:150].mean() > 0.9


def test_eyes_are_hidden_and_the_mask_stays_visible(frames: dict[int, Any]) -> None:
    image = frames[BOTH]
    hidden = changed(image, hider("eyes").hide(image, []))
    for face in YuNetDetector(DetectConfig(min_face=24)).detections(image):
        for x, y in face.landmarks[:2].astype(int):
            around = hidden[y - 8 : y + 9, x - 8 : x + 9]
            assert around.mean() > 0.9, "the eyes"
        right, left = face.landmarks[3:].astype(int)
        assert not hidden[right[1] : right[1] + 10, right[0] : left[0]].any(), "the mouth, or the mask over it"


def test_the_eyes_of_a_box_without_landmarks_are_in_its_upper_part() -> None:
    box = Box(100, 100, 200, 200)
    corners = eyes_in_box(box)
    (left, upper), (right, lower) = corners.min(axis=0), corners.max(axis=0)
    assert left < box.x0 and right > box.x1 and upper < box.y0 and 150 <= lower <= 170


@pytest.mark.parametrize("part", ["face", "eyes"])
@pytest.mark.parametrize("shape", [(1, 1), (2, 2000), (33, 20), (480, 640), (3000, 40)])
def test_pictures_of_any_shape_with_boxes_anywhere(shape: tuple[int, int], part: BlurredPart) -> None:
    image = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    boxes = [
        Box(-50, -50, -40, -40),
        Box(-5, -5, 5, 5),
        Box(0, 0, shape[1], shape[0]),
        Box(9, 9, 9, 9),
        Box(5, 5, 3, 3),
    ]
    assert hider(part).hide(image, boxes).shape == image.shape
    assert blur(image, boxes).shape == image.shape
