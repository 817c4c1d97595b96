"""Tests what ``edge.faces.drawing`` draws onto a copy of an image."""

from typing import Any

import numpy as np
import pytest

from edge.faces.drawing import CAPTIONS, COLOURS, annotate, caption
from edge.faces.face import LABELS, Face
from edge.faces.geometry import Box, clip


def face(box: Box, label: str = "no_mask") -> Face:
    return Face(box, {label: 0.9})


def test_without_faces_the_copy_is_equal_and_independent() -> None:
    image = np.full((60, 80, 3), 9, np.uint8)
    out = annotate(image, [])
    assert np.array_equal(out, image)
    out[:] = 0
    assert (image == 9).all()


@pytest.mark.parametrize("label", sorted(set(LABELS) - {"not_face"}))
def test_every_label_has_its_colour_on_the_box(label: str) -> None:
    image = np.zeros((300, 400, 3), np.uint8)
    out = annotate(image, [face(Box(100, 100, 200, 220), label)])
    assert tuple(out[150, 100]) == tuple(out[220, 150]) == COLOURS[label]
    assert not image.any(), "the original was changed"
    assert not out[130:200, 110:190].any(), "the face itself stays visible"


def test_colours_and_captions_tell_the_labels_apart() -> None:
    assert set(COLOURS) == set(CAPTIONS) == set(LABELS) - {"not_face"}
    assert len(set(COLOURS.values())) == len(set(CAPTIONS.values())) == len(COLOURS)


@pytest.mark.parametrize(
    "box",
    [Box(0, 0, 50, 50), Box(350, 250, 400, 300), Box(-30, -30, 20, 20), Box(390, 290, 460, 360), Box(0, 0, 400, 300)],
    ids=["upper left", "lower right", "cut above", "cut below", "the whole picture"],
)
def test_the_caption_stays_in_the_picture(box: Box) -> None:
    out = annotate(np.zeros((300, 400, 3), np.uint8), [face(box)])
    letters = out.min(axis=2) > 150
    assert letters.sum() > 40, "there is no caption"
    assert not letters[:, -1].any() and not letters[-1].any(), "the caption is cut off"


@pytest.mark.parametrize("shape", [(1, 1), (5, 7), (24, 24), (2000, 30)], ids=str)
def test_any_size_of_picture(shape: tuple[int, int]) -> None:
    image = np.zeros((*shape, 3), np.uint8)
    out = annotate(image, [face(Box(0, 0, shape[1], shape[0]))])
    assert out.shape == image.shape and out.dtype == np.uint8


def written(before: Any, after: Any) -> Box:
    """Returns the box around what was drawn."""
    rows, columns = np.nonzero((before != after).any(axis=2))
    return Box(int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1)


@pytest.mark.parametrize("person", [Box(0, 300, 300, 480), Box(340, 300, 640, 480), Box(0, 0, 300, 200)])
def test_a_line_of_text_covers_nobody_where_there_is_room(person: Box) -> None:
    image = np.full((480, 640, 3), 90, np.uint8)
    place = written(image, caption(image, "entrance 2026-11-27 02:10:00 +0100", [person]))
    assert clip(place, person).area == 0 and place.height >= 14 and place.width > 200


def test_a_line_of_text_fits_into_a_narrow_image() -> None:
    image = np.full((120, 160, 3), 90, np.uint8)
    place = written(image, caption(image, "entrance 2026-11-27 02:10:00 +0100 (time uncertain)", []))
    assert 0 <= place.x0 and place.x1 <= 160


@pytest.mark.parametrize("box", [Box(100, 0, 200, 120), Box(100, 200, 200, 320), Box(100, 360, 200, 480)])
def test_a_caption_is_above_or_below_its_face(box: Box) -> None:
    image = np.full((480, 640, 3), 90, np.uint8)
    out = annotate(image, [face(box)])
    assert np.array_equal(
        out[box.y0 + 5 : box.y1 - 5, box.x0 + 5 : box.x1 - 5], image[box.y0 + 5 : box.y1 - 5, 105:195]
    )
