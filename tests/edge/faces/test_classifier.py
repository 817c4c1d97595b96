"""Tests crops, quantization and classification, and the shipped model on the bundled clip."""

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from edge.camera.source import open_source
from edge.config.schema import Config, DetectConfig
from edge.faces.card import Card
from edge.faces.classifier import MaskClassifier
from edge.faces.crop import CROP_SCALE, crop, prepare
from edge.faces.face import Face
from edge.faces.geometry import Box
from edge.faces.haar import HaarDetector
from edge.faces.opening import open_classifier
from edge.faces.tflite import _dequantize, _quantization_table, as_probabilities

HOPPER, COLLINS = 50, 140
"""Frames of the bundled clip: Grace Hopper without a mask, Eileen Collins with one, each alone and standing still."""
THREE = ("mask", "no_mask", "not_face")


def card(size: int = 4, colour: str = "rgb", labels: tuple[str, ...] = THREE) -> Card:
    return Card("test", labels, size, colour, "0123456789abcdef")


def numbered(height: int, width: int) -> NDArray[np.uint8]:
    """Draws an image whose first two channels are the column and the row of each pixel."""
    image = np.zeros((height, width, 3), np.uint8)
    image[..., 0], image[..., 1] = np.arange(width), np.arange(height)[:, np.newaxis]
    return image


class FixedNetwork:
    """A network that returns the given rows; ``batches`` holds what it was given."""

    def __init__(self, rows: list[list[float]], labels: tuple[str, ...] = THREE) -> None:
        self.card = card(labels=labels)
        self._rows = rows
        self.batches: list[NDArray[np.uint8]] = []

    def probabilities(self, batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        self.batches.append(batch)
        return np.array(self._rows, np.float32)


def test_a_crop_is_square_and_shows_more_than_the_box() -> None:
    part = crop(numbered(200, 200), Box(80, 90, 120, 130))
    side = round(40 * CROP_SCALE)
    assert part.shape == (side, side, 3)
    assert tuple(part[0, 0, :2]) == (100 - side // 2, 110 - side // 2)


def test_a_crop_of_an_upright_box_takes_its_longer_side() -> None:
    assert crop(numbered(200, 200), Box(90, 80, 110, 120)).shape[:2] == (52, 52)


@pytest.mark.parametrize(
    ("box", "at", "shows"),
    [
        pytest.param(Box(0, 0, 40, 40), (0, 0), (0, 0), id="upper left"),
        pytest.param(Box(60, 60, 100, 100), (-1, -1), (99, 99), id="lower right"),
        pytest.param(Box(-20, 30, 20, 70), (26, 0), (50, 0), id="left"),
    ],
)
def test_beyond_the_images_edge_its_last_pixels_are_repeated(
    box: Box, at: tuple[int, int], shows: tuple[int, int]
) -> None:
    image = numbered(100, 100)
    part = crop(image, box)
    assert part.shape == (52, 52, 3) and part.dtype == np.uint8
    assert (part[at] == image[shows]).all()


@pytest.mark.parametrize("box", [Box(120, 0, 160, 40), Box(-90, -90, -40, -40), Box(300, 300, 340, 340)], ids=str)
def test_a_box_outside_the_picture_is_refused(box: Box) -> None:
    with pytest.raises(ValueError, match="outside the 100x100 picture"):
        crop(numbered(100, 100), box)


@pytest.mark.parametrize("side", [1, 3, 4, 50])
@pytest.mark.parametrize(("colour", "expected"), [("rgb", (30, 20, 10)), ("bgr", (10, 20, 30))])
def test_prepare_gives_the_cards_size_and_colour_order(side: int, colour: str, expected: tuple[int, ...]) -> None:
    part = np.full((side, side, 3), (10, 20, 30), np.uint8)
    made = prepare(part, card(colour=colour))
    assert made.shape == (4, 4, 3) and made.dtype == np.uint8
    assert (made == expected).all()


def test_one_sigmoid_output_becomes_two_probabilities() -> None:
    rows = as_probabilities(np.array([[0.25], [1.0]], np.float32), 2)
    assert rows.tolist() == [[0.75, 0.25], [0.0, 1.0]]


def test_quantized_rows_are_normalized_to_sum_to_one() -> None:
    rows = as_probabilities(np.array([[0.5, 0.25, 0.2], [0.0, 0.99, 0.0]], np.float32), 3)
    assert rows.sum(axis=1) == pytest.approx([1, 1])
    assert rows[0] == pytest.approx([0.5 / 0.95, 0.25 / 0.95, 0.2 / 0.95])


def end(kind: type, scale: float = 0.0, zero_point: int = 0) -> dict[str, Any]:
    return {"dtype": kind, "quantization": (scale, zero_point)}


@pytest.mark.parametrize(
    ("description", "at"),
    [
        pytest.param(end(np.float32), {0: 0.0, 128: 128.0, 255: 255.0}, id="float32"),
        pytest.param(end(np.uint8, 1.0, 0), {0: 0, 7: 7, 255: 255}, id="uint8 as it is"),
        pytest.param(end(np.int8, 1.0, -128), {0: -128, 128: 0, 255: 127}, id="int8 shifted"),
        pytest.param(end(np.int8, 2.0, 0), {0: 0, 3: 2, 254: 127, 255: 127}, id="int8 scaled and clipped"),
        pytest.param(end(np.uint8, 0.5, 10), {0: 10, 100: 210, 200: 255}, id="uint8 clipped above"),
    ],
)
def test_input_quantization(description: dict[str, Any], at: dict[int, float]) -> None:
    table = _quantization_table(description)
    assert table.shape == (256,) and table.dtype == description["dtype"]
    assert {pixel: table[pixel] for pixel in at} == at


@pytest.mark.parametrize(
    ("description", "stored", "real"),
    [
        pytest.param(end(np.float32), [0.25, 1.0], [0.25, 1.0], id="float32"),
        pytest.param(end(np.int8, 1 / 256, -128), [-128, 127], [0.0, 255 / 256], id="int8 beyond its own range"),
        pytest.param(end(np.uint8, 1 / 256, 0), [0, 255], [0.0, 255 / 256], id="uint8"),
        pytest.param(end(np.uint8, 0.5, 200), [0, 255], [-100.0, 27.5], id="uint8 below the zero point"),
    ],
)
def test_output_dequantization(description: dict[str, Any], stored: list[float], real: list[float]) -> None:
    values = _dequantize(np.array([stored], description["dtype"]), description)
    assert values.dtype == np.float32 and values.tolist() == [real]


def test_the_label_is_the_most_probable_one_of_a_face() -> None:
    face = Face(Box(0, 0, 1, 1), {"mask": 0.2, "no_mask": 0.35, "not_face": 0.45})
    assert (face.label, face.score) == ("no_mask", 0.35)


def test_rejected_faces_are_dropped_and_the_order_is_kept() -> None:
    boxes = [Box(0, 0, 10, 10), Box(10, 0, 20, 10), Box(20, 0, 30, 10)]
    network = FixedNetwork([[0.5, 0.0, 0.5], [0.1, 0.3, 0.6], [0.0, 1.0, 0.0]])
    faces = MaskClassifier(network, reject=0.5).classify(numbered(40, 40), boxes)
    assert [face.box for face in faces] == [boxes[0], boxes[2]]
    assert [face.label for face in faces] == ["mask", "no_mask"]
    assert network.batches[0].shape == (3, 4, 4, 3)


def test_a_model_without_a_reject_class_keeps_every_face() -> None:
    network = FixedNetwork([[0.4, 0.6]], ("mask", "no_mask"))
    (face,) = MaskClassifier(network, reject=0.01).classify(numbered(40, 40), [Box(0, 0, 10, 10)])
    assert face.probabilities == pytest.approx({"mask": 0.4, "no_mask": 0.6})


def test_without_boxes_the_network_does_not_run() -> None:
    network = FixedNetwork([])
    assert MaskClassifier(network, reject=0.5).classify(numbered(40, 40), []) == []
    assert network.batches == []


@pytest.fixture(scope="module")
def images() -> dict[int, Any]:
    with closing(open_source("demo")) as source:
        return {frame.number: frame.image for frame in source if frame.number in (HOPPER, COLLINS)}


@pytest.mark.parametrize(
    ("number", "label"),
    [pytest.param(HOPPER, "no_mask", id="Hopper, bare"), pytest.param(COLLINS, "mask", id="Collins, masked")],
)
def test_the_shipped_model_on_the_bundled_clip(images: dict[int, Any], number: int, label: str, model: Path) -> None:
    image = images[number]
    (face,) = open_classifier(Config()).classify(image, HaarDetector(DetectConfig()).detect(image))
    assert face.label == label and face.score > 0.5
    assert sum(face.probabilities.values()) == pytest.approx(1, abs=1e-3)
    assert list(face.probabilities) == json.loads(model.with_suffix(".json").read_text())["labels"]


def test_a_batch_gives_the_same_as_single_crops(images: dict[int, Any]) -> None:
    classifier = open_classifier(Config())
    parts = [cv2.resize(images[number], (100, 100)) for number in (HOPPER, COLLINS)]
    assert classifier.classify_crops(parts) == [classifier.classify_crops([part])[0] for part in parts]
