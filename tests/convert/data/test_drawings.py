"""convert.data.drawings: masks and hands on the bare face of the bundled clip, each where it belongs."""

import numpy as np
import pytest
from support.tiny import door_faces, door_frames

from convert.data.drawings import LABELS, clutter, draw
from edge.camera.frames import Image
from edge.config.schema import DetectConfig
from edge.faces.face import LABELS as KNOWN
from edge.faces.geometry import iou
from edge.faces.yunet import Detection, YuNetDetector

SEEDS = range(8)


@pytest.fixture(scope="module")
def bare() -> tuple[Image, Detection]:
    frame, _, box = next(face for face in door_faces() if face[1] == "no_mask" and face[2].width > 90)
    image = door_frames()[frame]
    return image, max(YuNetDetector(DetectConfig(min_face=24)).detections(image), key=lambda find: iou(find.box, box))


def changed(image: Image, find: Detection, kind: str, seed: int, spot: np.ndarray) -> bool:
    """Whether the drawing changed the picture within two pixels of a spot."""
    done = draw(image, find, kind, np.random.default_rng(seed))
    x, y = (round(float(value)) for value in spot)
    part = (slice(y - 2, y + 3), slice(x - 2, x + 3))
    return bool(np.abs(done[part].astype(int) - image[part]).mean() > 4)


def test_every_kind_means_a_label() -> None:
    assert set(LABELS.values()) <= set(KNOWN)


@pytest.mark.parametrize(
    ("kind", "nose", "mouth"),
    [("mask", True, True), ("under_nose", False, True), ("chin", False, False)],
)
def test_what_a_mask_covers_is_what_its_name_says(
    bare: tuple[Image, Detection], kind: str, nose: bool, mouth: bool
) -> None:
    """Over all seeds together: one cloth may have the skin's colour."""
    image, find = bare
    lips = find.landmarks[3:].mean(axis=0)
    covered = [[changed(image, find, kind, seed, spot) for seed in SEEDS] for spot in (find.landmarks[2], lips)]
    for seen, expected in zip(covered, (nose, mouth), strict=True):
        assert (np.mean(seen) > 0.7) if expected else (np.mean(seen) < 0.3)


@pytest.mark.parametrize("kind", list(LABELS))
def test_the_eyes_stay_free_and_the_picture_is_a_copy(bare: tuple[Image, Detection], kind: str) -> None:
    image, find = bare
    before = image.copy()
    assert not any(changed(image, find, kind, seed, eye) for seed in SEEDS for eye in find.landmarks[:2])
    assert (image == before).all()


@pytest.mark.parametrize("kind", list(LABELS))
def test_only_the_face_changes(bare: tuple[Image, Detection], kind: str) -> None:
    image, find = bare
    height, width = image.shape[:2]
    far = np.ones((height, width), bool)
    reach, box = find.box.height, find.box
    far[max(0, box.y0 - reach // 2) : box.y1 + reach, max(0, box.x0 - reach) : box.x1 + reach] = False
    for seed in SEEDS:
        done = draw(image, find, kind, np.random.default_rng(seed))
        assert done.shape == image.shape and done.dtype == np.uint8 and (done[far] == image[far]).all()


def test_the_same_seed_draws_the_same(bare: tuple[Image, Detection]) -> None:
    image, find = bare
    one, two, other = (draw(image, find, "mask", np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert (one == two).all() and (one != other).any()


def test_clutter_is_never_the_same() -> None:
    pictures = [clutter(64, np.random.default_rng(seed)) for seed in SEEDS]
    assert all(picture.shape == (64, 64, 3) and picture.dtype == np.uint8 for picture in pictures)
    assert len({picture.tobytes() for picture in pictures}) == len(pictures)
