"""Models and cards that do not fit, are damaged or missing: refused when loaded, with the file's name."""

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
    """A copy of the shipped model: other content, other values in its card; the SHA-256 fits unless given."""

    def made(content: bytes | None = None, **card: Any) -> Path:
        path = tmp_path / "copy.tflite"
        path.write_bytes(model.read_bytes() if content is None else content)
        data = json.loads(model.with_suffix(".json").read_text())
        data["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
        path.with_suffix(".json").write_text(json.dumps(data | card))
        return path

    return made


def refused(path: Path) -> str:
    with pytest.raises(ModelError) as caught:
        TfliteNetwork(path, threads=1)
    assert path.stem in str(caught.value)
    return str(caught.value)


def test_the_untouched_copy_loads(make: Make) -> None:
    network = TfliteNetwork(make(name="other"), threads=1)
    assert network.card.id == f"other@{network.card.sha256[:8]}"
    assert network.runtime in ("ai_edge_litert", "tflite_runtime")


def test_no_card(make: Make) -> None:
    path = make()
    path.with_suffix(".json").unlink()
    assert "no card" in refused(path)


def test_no_model(make: Make) -> None:
    path = make()
    path.unlink()
    assert "is not there" in refused(path)


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", '"text"', "{}", '{"name": "a"}', "\ufeff{}", "[" * 100_000],
    ids=["empty", "cut off", "list", "null", "text", "object", "incomplete", "byte order mark", "nested too deep"],
)
def test_a_damaged_card(make: Make, text: str) -> None:
    path = make()
    path.with_suffix(".json").write_text(text, "utf-8")
    assert "is damaged" in refused(path)


def test_a_card_that_is_not_utf8(make: Make) -> None:
    path = make()
    path.with_suffix(".json").write_bytes(b"\xff\xfe\x00")
    assert "is damaged" in refused(path)


@pytest.mark.parametrize(
    "labels",
    [["mask"], [], "mask", None, 3, ["hat", "no_mask", "mask"], [["mask"], ["no_mask"]], ["mask", "mask", "no_mask"]],
    ids=["one", "none", "text", "null", "number", "unknown", "lists", "twice"],
)
def test_labels_that_no_model_may_have(make: Make, labels: Any) -> None:
    assert "card" in refused(make(labels=labels))


@pytest.mark.parametrize(
    "given",
    [{}, {"size": 96}, {"size": "big", "colour": "rgb"}, {"size": float("inf"), "colour": "rgb"}, None, [96]],
    ids=["empty", "no colour", "size in words", "infinite", "null", "list"],
)
def test_an_input_that_is_not_described(make: Make, given: Any) -> None:
    assert "is damaged" in refused(make(input=given))


def test_an_unknown_colour_order(make: Make) -> None:
    assert "rgb, bgr, luma" in refused(make(input={"size": 96, "colour": "hsv"}))


def test_another_file_than_the_card_s(make: Make) -> None:
    assert "is not the file its card describes" in refused(make(sha256="0" * 64))


@pytest.mark.parametrize("flipped", [100, 50_000, -100])
def test_a_damaged_model(make: Make, model: Path, flipped: int) -> None:
    path = make()
    content = bytearray(path.read_bytes())
    content[flipped] ^= 0xFF
    path.write_bytes(content)
    assert "is not the file its card describes" in refused(path)


@pytest.mark.parametrize("share", [0, 0.001, 0.1, 0.5, 0.99])
def test_a_model_that_was_cut_off_before_its_card_was_written(make: Make, model: Path, share: float) -> None:
    whole = model.read_bytes()
    assert "no TFLite runtime can load it" in refused(make(whole[: int(len(whole) * share)]))


@pytest.mark.parametrize("size", [64, 0, -96, 224])
def test_another_picture_size_than_the_card_s(make: Make, size: int) -> None:
    assert f"its card says ({size}, {size}, 3)" in refused(make(input={"size": size, "colour": "rgb"}))


@pytest.mark.parametrize("labels", [["mask", "no_mask"], ["mask", "no_mask", "incorrect_mask"]], ids=len)
def test_another_number_of_labels_than_outputs(make: Make, labels: list[str]) -> None:
    assert "outputs, its card" in refused(make(labels=labels))


def test_the_shipped_card_describes_the_shipped_model(model: Path) -> None:
    card = read_card(model)
    assert card.sha256 == hashlib.sha256(model.read_bytes()).hexdigest()
    assert {"mask", "no_mask"} <= set(card.labels)
