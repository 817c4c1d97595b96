"""convert.data.drawings and clutter: where masks and hands are drawn on a bare face of the bundled clip."""

import numpy as np
import pytest
from support.tiny import door_faces, door_frames

from convert.data.clutter import clutter
from convert.data.drawings import LABEL_OF_DRAWING, draw
from edge.camera.frames import Image
from edge.config.schema import DetectConfig
from edge.faces.face import LABELS
from edge.faces.geometry import iou
from edge.faces.yunet import Detection, YuNetDetector

SEEDS = range(8)


@pytest.fixture(scope="module")
def bare() -> tuple[Image, Detection]:
    frame, _, box = next(face for face in door_faces() if face[1] == "no_mask" and face[2].width > 90)
    image = door_frames()[frame]
    return image, max(
        YuNetDetector(DetectConfig(min_face=24)).detections(image), key=lambda detection: iou(detection.box, box)
    )


def changed(image: Image, detection: Detection, kind: str, seed: int, spot: np.ndarray) -> bool:
    """Tells whether the drawing changed the picture within two pixels of a spot."""
    done = draw(image, detection, kind, np.random.default_rng(seed))
    x, y = (round(float(value)) for value in spot)
    part = (slice(y - 2, y + 3), slice(x - 2, x + 3))
    return bool(np.abs(done[part].astype(int) - image[part]).mean() > 4)


def test_every_kind_of_drawing_has_a_label() -> None:
    assert set(LABEL_OF_DRAWING.values()) <= set(LABELS)


@pytest.mark.parametrize(
    ("kind", "nose", "mouth"),
    [("mask", True, True), ("under_nose", False, True), ("chin", False, False)],
)
def test_a_mask_covers_the_nose_and_mouth_as_its_kind_says(
    bare: tuple[Image, Detection], kind: str, nose: bool, mouth: bool
) -> None:
    """Most seeds count, not all: a cloth may have the colour of the skin."""
    image, detection = bare
    lips = detection.landmarks[3:].mean(axis=0)
    covered = [
        [changed(image, detection, kind, seed, spot) for seed in SEEDS] for spot in (detection.landmarks[2], lips)
    ]
    for seen, expected in zip(covered, (nose, mouth), strict=True):
        assert (np.mean(seen) > 0.7) if expected else (np.mean(seen) < 0.3)


@pytest.mark.parametrize("kind", list(LABEL_OF_DRAWING))
def test_the_eyes_stay_free_and_the_given_picture_is_not_changed(bare: tuple[Image, Detection], kind: str) -> None:
    image, detection = bare
    before = image.copy()
    assert not any(changed(image, detection, kind, seed, eye) for seed in SEEDS for eye in detection.landmarks[:2])
    assert (image == before).all()


@pytest.mark.parametrize("kind", list(LABEL_OF_DRAWING))
def test_only_the_face_changes(bare: tuple[Image, Detection], kind: str) -> None:
    image, detection = bare
    height, width = image.shape[:2]
    far = np.ones((height, width), bool)
    reach, box = detection.box.height, detection.box
    far[max(0, box.y0 - reach // 2) : box.y1 + reach, max(0, box.x0 - reach) : box.x1 + reach] = False
    for seed in SEEDS:
        done = draw(image, detection, kind, np.random.default_rng(seed))
        assert done.shape == image.shape and done.dtype == np.uint8 and (done[far] == image[far]).all()


def test_the_same_seed_gives_the_same_drawing(bare: tuple[Image, Detection]) -> None:
    image, detection = bare
    one, two, other = (draw(image, detection, "mask", np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert (one == two).all() and (one != other).any()


def test_every_seed_gives_different_clutter() -> None:
    pictures = [clutter(64, np.random.default_rng(seed)) for seed in SEEDS]
    assert all(picture.shape == (64, 64, 3) and picture.dtype == np.uint8 for picture in pictures)
    assert len({picture.tobytes() for picture in pictures}) == len(pictures)
