"""convert.data.conditions: repeatable changes, and the hardest condition."""

import numpy as np
import pytest
from support.tiny import door_faces, door_frames

from convert.data.conditions import CONDITIONS, condition
from edge.camera.frames import Image
from edge.config.schema import DetectConfig
from edge.faces.crop import crop
from edge.faces.geometry import Box, iou
from edge.faces.opening import open_detector

FACE: tuple[int, str, Box] = next(face for face in door_faces() if face[1] == "no_mask" and face[2].width > 90)


@pytest.fixture
def image() -> Image:
    return door_frames()[FACE[0]]


@pytest.mark.parametrize("name", list(CONDITIONS))
def test_the_same_number_gives_the_same_picture(name: str, image: Image) -> None:
    before = image.copy()
    one, two = condition(name, 7)(image), condition(name, 7)(image)
    assert (one == two).all() and one.dtype == np.uint8 and one.shape[0] == image.shape[0]
    assert (image == before).all()


@pytest.mark.parametrize("name", sorted(set(CONDITIONS) - {"plain"}))
def test_every_condition_but_plain_changes_the_picture(name: str, image: Image) -> None:
    done = condition(name)(image)
    assert done.shape != image.shape or (done != image).any()


def test_edge_camera_gives_a_dark_flat_face_beside_a_window(image: Image) -> None:
    done, box = condition("edge_camera")(image), FACE[2]
    assert done.shape[1] == image.shape[1] + image.shape[1] // 3, "the window covers nobody"
    assert done[:, -50:].mean() > 230
    assert crop(done, box).std() < 0.5 * crop(image, box).std()


def test_a_face_under_edge_camera_is_still_detected(image: Image) -> None:
    """Without its local contrast stretch the detector misses this face."""
    boxes = open_detector(DetectConfig(min_face=40)).detect(condition("edge_camera")(image))
    assert any(iou(box, FACE[2]) > 0.4 for box in boxes)
