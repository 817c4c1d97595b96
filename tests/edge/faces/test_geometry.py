"""Tests the arithmetic of bounding boxes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.faces.geometry import Box, clip, iou, square

FRAME = Box(0, 0, 640, 480)
numbers = st.integers(-2000, 2000)
boxes = st.builds(
    lambda x, y, w, h: Box(x, y, x + w, y + h), numbers, numbers, st.integers(0, 900), st.integers(0, 900)
)


def test_sizes_of_a_box() -> None:
    box = Box(10, 20, 40, 60)
    assert (box.width, box.height, box.area, box.centre) == (30, 40, 1200, (25.0, 40.0))


@pytest.mark.parametrize(
    "box", [Box(5, 5, 5, 9), Box(9, 0, 5, 10), Box(9, 9, 5, 5)], ids=["empty", "inverted", "inverted twice"]
)
def test_an_empty_or_inverted_box_has_no_area(box: Box) -> None:
    assert box.area == 0


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        pytest.param(Box(0, 0, 10, 10), Box(0, 0, 10, 10), 1.0, id="the same"),
        pytest.param(Box(0, 0, 10, 10), Box(5, 0, 15, 10), 1 / 3, id="half over"),
        pytest.param(Box(0, 0, 10, 10), Box(2, 2, 7, 7), 0.25, id="inside"),
        pytest.param(Box(0, 0, 10, 10), Box(10, 0, 20, 10), 0.0, id="touching only"),
        pytest.param(Box(0, 0, 10, 10), Box(50, 50, 60, 60), 0.0, id="apart on both axes"),
        pytest.param(Box(0, 0, 0, 0), Box(0, 0, 0, 0), 0.0, id="both empty"),
    ],
)
def test_iou(a: Box, b: Box, expected: float) -> None:
    assert iou(a, b) == pytest.approx(expected)


@given(boxes, boxes)
def test_iou_is_symmetric_and_a_share(a: Box, b: Box) -> None:
    assert iou(a, b) == iou(b, a)
    assert 0 <= iou(a, b) <= 1


@given(boxes, boxes)
def test_clip_stays_inside_both(a: Box, b: Box) -> None:
    part = clip(a, b)
    if part.area:
        assert clip(part, a) == part == clip(part, b)
        assert part.area <= min(a.area, b.area)


def test_clip_cuts_at_the_frame() -> None:
    assert clip(Box(-5, 470, 20, 500), FRAME) == Box(0, 470, 20, 480)


@pytest.mark.parametrize(
    ("box", "scale", "expected"),
    [
        pytest.param(Box(10, 10, 30, 30), 1.0, Box(10, 10, 30, 30), id="square already"),
        pytest.param(Box(10, 10, 30, 20), 1.0, Box(10, 5, 30, 25), id="the longer side counts"),
        pytest.param(Box(10, 10, 30, 30), 1.5, Box(5, 5, 35, 35), id="grown about the centre"),
        pytest.param(Box(0, 0, 10, 10), 2.0, Box(-5, -5, 15, 15), id="may leave the picture"),
    ],
)
def test_square(box: Box, scale: float, expected: Box) -> None:
    assert square(box, scale) == expected


@given(boxes, st.floats(0, 3))
def test_a_square_has_equal_sides_and_is_never_empty(box: Box, scale: float) -> None:
    made = square(box, scale)
    assert made.width == made.height >= 1
    assert abs(made.centre[0] - box.centre[0]) <= 1 and abs(made.centre[1] - box.centre[1]) <= 1
