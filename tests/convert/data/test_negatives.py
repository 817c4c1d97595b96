"""convert.data.negatives and cutting: boxes beside a face of the bundled clip, and jittered boxes on it."""

import numpy as np
import pytest
from support.tiny import door_faces, door_frames

from convert.data.cutting import jitter
from convert.data.negatives import MAX_COVERED, MAX_INNER, MAX_SHARED, SAME_FACE, random_boxes, without_face
from edge.config.schema import DetectConfig
from edge.faces.crop import crop
from edge.faces.geometry import Box, clip, iou
from edge.faces.opening import open_detector

FACES = [face for face in door_faces() if face[2].width > 60][::4]


@pytest.mark.parametrize(("frame", "label", "box"), FACES, ids=[f"frame {f} {label}" for f, label, _ in FACES])
def test_boxes_without_a_face_do_not_show_the_face(frame: int, label: str, box: Box) -> None:
    image, rng = door_frames()[frame], np.random.default_rng(frame)
    offered = [
        *open_detector(DetectConfig(cascade="default", min_face=24, neighbours=0)).detect(image),
        box,
        *random_boxes(image, box, rng),
    ]
    kept = without_face(box, offered)
    assert kept and box not in kept
    for one in kept:
        beside = iou(one, box) < MAX_SHARED and clip(one, box).area < MAX_COVERED * one.area
        assert beside or one.area < MAX_INNER * box.area
        assert all(iou(one, other) < SAME_FACE for other in kept if other is not one)
        crop(image, one)  # inside the picture


def test_jitter_moves_by_a_tenth_and_scales_within_bounds() -> None:
    box, rng = Box(100, 120, 180, 200), np.random.default_rng(0)
    jittered = [jitter(box, rng) for _ in range(500)]
    assert all(one.width == one.height for one in jittered)
    sides = [one.width / box.width for one in jittered]
    moves = [abs(a - b) / box.width for one in jittered for a, b in zip(one.centre, box.centre, strict=True)]
    assert 0.84 <= min(sides) < 0.9 and 1.2 < max(sides) <= 1.26
    assert 0.08 < max(moves) <= 0.1 + 1.5 / box.width
