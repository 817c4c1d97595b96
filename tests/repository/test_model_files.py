"""Models and cards that do not match, are damaged or missing are refused when loaded, with the file's name."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edge.errors import ModelError
from edge.faces.card import read_card
from edge.faces.tflite import TfliteNetwork

Make = Callable[..., Path]


@pytest.fixture
def make(model: Path, tmp_path: Path) -> Make:
    """Makes a copy of the shipped model with other content or other values in its card.

    The card has the SHA-256 of the copy, unless another one is given.
    """

    def made(content: bytes | None = None, **card: Any) -> Path:
        path = tmp_path / "copy.tflite"
        path.write_bytes(model.read_bytes() if content is None else content)
        data = json.loads(model.with_suffix(".json").read_text())
        data["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
        path.with_suffix(".json").write_text(json.dumps(data | card))
        return path

    return made


def refusal(path: Path) -> str:
    """Loads the model, which must fail; returns the message."""
    with pytest.raises(ModelError) as caught:
        TfliteNetwork(path, threads=1)
    assert path.stem in str(caught.value)
    return str(caught.value)


def test_an_unchanged_copy_is_loaded(make: Make) -> None:
    network = TfliteNetwork(make(name="other"), threads=1)
    assert network.card.id == f"other@{network.card.sha256[:8]}"
    assert network.runtime in ("ai_edge_litert", "tflite_runtime")


def test_a_missing_card_is_refused(make: Make) -> None:
    path = make()
    path.with_suffix(".json").unlink()
    assert "no card" in refusal(path)


def test_a_missing_model_is_refused(make: Make) -> None:
    path = make()
    path.unlink()
    assert "does not exist" in refusal(path)


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", '"text"', "{}", '{"name": "a"}', "\ufeff{}", "[" * 100_000],
    ids=["empty", "cut off", "list", "null", "text", "object", "incomplete", "byte order mark", "nested too deep"],
)
def test_a_damaged_card_is_refused(make: Make, text: str) -> None:
    path = make()
    path.with_suffix(".json").write_text(text, "utf-8")
    assert "is damaged" in refusal(path)


def test_a_card_that_is_not_utf8_is_refused(make: Make) -> None:
    path = make()
    path.with_suffix(".json").write_bytes(b"\xff\xfe\x00")
    assert "is damaged" in refusal(path)


@pytest.mark.parametrize(
    "labels",
    [["mask"], [], "mask", None, 3, ["hat", "no_mask", "mask"], [["mask"], ["no_mask"]], ["mask", "mask", "no_mask"]],
    ids=["one", "none", "text", "null", "number", "unknown", "lists", "twice"],
)
def test_invalid_labels_are_refused(make: Make, labels: Any) -> None:
    assert "card" in refusal(make(labels=labels))


@pytest.mark.parametrize(
    "given",
    [{}, {"size": 96}, {"size": "big", "colour": "rgb"}, {"size": float("inf"), "colour": "rgb"}, None, [96]],
    ids=["empty", "no colour", "size in words", "infinite", "null", "list"],
)
def test_an_incomplete_description_of_the_input_is_refused(make: Make, given: Any) -> None:
    assert "is damaged" in refusal(make(input=given))


def test_an_unknown_colour_order_is_refused(make: Make) -> None:
    assert "rgb, bgr, luma" in refusal(make(input={"size": 96, "colour": "hsv"}))


def test_a_file_with_another_sha256_than_in_the_card_is_refused(make: Make) -> None:
    assert "is not the file its card describes" in refusal(make(sha256="0" * 64))


@pytest.mark.parametrize("flipped", [100, 50_000, -100])
def test_a_damaged_model_is_refused(make: Make, model: Path, flipped: int) -> None:
    path = make()
    content = bytearray(path.read_bytes())
    content[flipped] ^= 0xFF
    path.write_bytes(content)
    assert "is not the file its card describes" in refusal(path)


@pytest.mark.parametrize("share", [0, 0.001, 0.1, 0.5, 0.99])
def test_a_truncated_model_with_a_matching_card_is_refused(make: Make, model: Path, share: float) -> None:
    whole = model.read_bytes()
    assert "cannot be used: " in refusal(make(whole[: int(len(whole) * share)]))


@pytest.mark.parametrize("size", [64, 0, -96, 224])
def test_another_image_size_than_in_the_card_is_refused(make: Make, size: int) -> None:
    assert f"its card says ({size}, {size}, 3)" in refusal(make(input={"size": size, "colour": "rgb"}))


@pytest.mark.parametrize("labels", [["mask", "no_mask"], ["mask", "no_mask", "incorrect_mask"]], ids=len)
def test_another_number_of_labels_than_of_outputs_is_refused(make: Make, labels: list[str]) -> None:
    assert "outputs, its card" in refusal(make(labels=labels))


def test_the_shipped_card_describes_the_shipped_model(model: Path) -> None:
    card = read_card(model)
    assert card.sha256 == hashlib.sha256(model.read_bytes()).hexdigest()
    assert {"mask", "no_mask"} <= set(card.labels)
