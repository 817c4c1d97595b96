"""convert.training.quantize: the int8 file, its card, and that both TFLite runtimes give the same answers."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from support import ROOT
from support.tiny import MODEL, door_faces, door_frames, draw_tree, quantized, readable, tiny_tree, trained

from convert.data.trees import read_tree
from convert.errors import DataError
from convert.evaluation.networks import open_network
from convert.training.quantize import quantize
from edge.camera.frames import Image
from edge.errors import ModelError
from edge.faces.card import Card, read_card
from edge.faces.crop import crop, prepare
from edge.faces.tflite import TfliteNetwork

STEP = 1 / 256
OTHER = "MASKWATCH_OTHER_PYTHON"
ANSWERS = """
import json, sys
from pathlib import Path
import numpy as np
from edge.faces.tflite import TfliteNetwork
network = TfliteNetwork(Path(sys.argv[1]), threads=1)
print(json.dumps([network.runtime, network.probabilities(np.load(sys.argv[2])).tolist()]))
"""


@pytest.fixture
def tensorflow() -> None:
    pytest.importorskip("tensorflow", reason="needs the convert extra (TensorFlow)")


@pytest.fixture
def tiny(tensorflow: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return quantized(tmp_path_factory)


@pytest.fixture
def keras_file(tensorflow: None, tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> Path:
    """A copy of the trained network that a test may damage."""
    made = trained(tmp_path_factory)
    for path in (made, made.with_suffix(".labels.json")):
        shutil.copy(path, tmp_path / path.name)
    return tmp_path / made.name


def tiny_pictures(factory: pytest.TempPathFactory, card: Card) -> Image:
    return np.stack([prepare(readable(sample.path), card) for sample in read_tree(tiny_tree(factory))])


def door_pictures(card: Card) -> Image:
    """Returns every face of the clip, and a corner of the wall from each frame."""
    faces = [crop(door_frames()[frame], box) for frame, _, box in door_faces()]
    return np.stack([prepare(part, card) for part in [*faces, *(image[:90, :90] for image in door_frames().values())]])


@pytest.mark.timeout(240)
def test_input_and_output_are_uint8(tiny: Path) -> None:
    card = json.loads(tiny.with_suffix(".json").read_text("utf-8"))
    network = TfliteNetwork(tiny, threads=1)
    assert {end["dtype"] for end in (network._input, network._output)} == {np.uint8}
    assert {end["type"] for end in card["quantization"].values()} == {"uint8"}
    for name, end in (("input", network._input), ("output", network._output)):
        assert (card["quantization"][name]["scale"], card["quantization"][name]["zero_point"]) == end["quantization"]


@pytest.mark.timeout(240)
def test_the_card_describes_the_file(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    content = tiny.read_bytes()
    card = json.loads(tiny.with_suffix(".json").read_text("utf-8"))
    about = json.loads(trained(tmp_path_factory).with_suffix(".labels.json").read_text("utf-8"))
    assert card["sha256"] == hashlib.sha256(content).hexdigest() and card["bytes"] == len(content)
    assert card["name"] == "tiny" and card["arch"] == "lean" and card["labels"] == ["mask", "no_mask"]
    assert card["input"] == {"size": 96, "colour": "rgb", "exposure": "face", "values": "uint8 pixels 0..255"}
    assert card["data"] == about["data"] and card["recipe"] == about["recipe"] and card["epochs_trained"] == 2
    assert 15e6 < card["multiply_adds"] < 18e6
    assert set(card["made_with"]) == {"tensorflow", "keras", "numpy"} and len(card["date"]) == 10


@pytest.mark.timeout(240)
def test_the_card_has_float_and_int8_figures_of_each_set(tiny: Path) -> None:
    accuracy = json.loads(tiny.with_suffix(".json").read_text("utf-8"))["accuracy"]
    assert set(accuracy) == {"validation", "tiny-data"}
    for figures in accuracy.values():
        assert set(figures) == {"float", "int8"}
        assert figures["float"]["pictures"] == figures["int8"]["pictures"] == 16


@pytest.mark.timeout(240)
def test_the_card_is_as_complete_as_the_shipped_one(tiny: Path) -> None:
    made, shipped = (json.loads(path.with_suffix(".json").read_text("utf-8")) for path in (tiny, MODEL))
    assert set(made) <= set(shipped)


@pytest.mark.timeout(240)
def test_int8_and_float_give_similar_answers(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    exact, rounded = open_network(trained(tmp_path_factory)), TfliteNetwork(tiny, threads=1)
    pictures = tiny_pictures(tmp_path_factory, rounded.card)
    expected, actual = exact.probabilities(pictures), rounded.probabilities(pictures)
    assert expected.std(axis=0).max() > 0.02, (
        "the float answers do not depend on the picture, so the comparison is void"
    )
    assert np.abs(expected - actual).mean() < 0.03
    assert np.corrcoef(expected[:, 0], actual[:, 0])[0, 1] > 0.95


@pytest.mark.timeout(240)
def test_only_the_model_and_its_card_are_added(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    names = {path.name for path in tiny.parent.iterdir()}
    assert names == {"tiny.keras", "tiny.labels.json", "tiny.png", "tiny.tflite", "tiny.json"}
    assert read_card(tiny).id == f"tiny@{hashlib.sha256(tiny.read_bytes()).hexdigest()[:8]}"


@pytest.mark.timeout(240)
def test_a_failure_keeps_the_old_model_and_leaves_no_other_file(keras_file: Path, tmp_path: Path) -> None:
    data, out = draw_tree(tmp_path / "data", {"train": 4, "val": 2}), tmp_path / "models" / "mask.tflite"
    out.parent.mkdir()
    for path in (MODEL, MODEL.with_suffix(".json")):
        shutil.copy(path, out.parent / path.name)
    before = {path.name: path.read_bytes() for path in out.parent.iterdir()}
    with pytest.raises(DataError, match="nowhere is not a folder"):
        quantize(keras_file, data, out, [tmp_path / "nowhere"])
    assert {path.name: path.read_bytes() for path in out.parent.iterdir()} == before
    TfliteNetwork(out, threads=1)


def test_another_file_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"model\.bin: the file name must end in \.tflite"):
        quantize(tmp_path / "a.keras", tmp_path, tmp_path / "model.bin")


@pytest.mark.parametrize("gone", ["tiny.keras", "tiny.labels.json"])
def test_the_error_names_a_missing_file_of_the_trained_model(tmp_path: Path, gone: str) -> None:
    for name in {"tiny.keras", "tiny.labels.json"} - {gone}:
        (tmp_path / name).touch()
    with pytest.raises(DataError, match=rf"{gone} does not exist; .*train"):
        quantize(tmp_path / "tiny.keras", tmp_path, tmp_path / "out.tflite")


@pytest.mark.parametrize("spoilt", ["tiny.keras", "tiny.labels.json"])
def test_the_error_names_a_damaged_file_of_the_trained_model(keras_file: Path, tmp_path: Path, spoilt: str) -> None:
    (tmp_path / spoilt).write_bytes(b"{ no such thing")
    with pytest.raises((DataError, ModelError), match=spoilt):
        quantize(keras_file, draw_tree(tmp_path / "data", {"train": 2, "val": 2}), tmp_path / "out.tflite")


@pytest.mark.parametrize("parts", [{"test": 2}, {"val": 2}], ids=["test only", "val only"])
def test_data_without_a_training_split_is_refused(keras_file: Path, tmp_path: Path, parts: dict[str, int]) -> None:
    with pytest.raises(DataError, match="train"):
        quantize(keras_file, draw_tree(tmp_path / "data", parts), tmp_path / "out.tflite")


@pytest.mark.timeout(240)
def test_two_test_trees_of_the_same_name_both_get_figures(keras_file: Path, tmp_path: Path) -> None:
    trees = [draw_tree(tmp_path / place / "crops", {"test": count}) for place, count in (("a", 2), ("b", 3))]
    data = draw_tree(tmp_path / "data", {"train": 4, "val": 4})
    card = json.loads(quantize(keras_file, data, tmp_path / "two.tflite", trees).read_text("utf-8"))
    assert sorted(figures["int8"]["pictures"] for figures in card["accuracy"].values()) == [4, 6, 8]


# --- the two runtimes ---------------------------------------------------------------------------------------------


@pytest.fixture
def other_python() -> str:
    python = os.environ.get(OTHER)
    if not python:
        pytest.skip(f"{OTHER} does not name a Python with tflite-runtime 2.14")
    return python


def answers(python: str, model: Path, pictures: Path) -> tuple[str, NDArray[np.float64]]:
    """Returns the name of the runtime and the probabilities that it gives."""
    command = [python, "-c", ANSWERS, str(model), str(pictures)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    runtime, rows = json.loads(done.stdout.splitlines()[-1])
    return runtime, np.array(rows)


def compare_runtimes(python: str, model: Path, pictures: Image, folder: Path) -> None:
    """Allows for rounding: the runtimes round differently between layers, which adds up to a few steps."""
    np.save(folder / "pictures.npy", pictures)
    (here, ours), (there, theirs) = (answers(one, model, folder / "pictures.npy") for one in (sys.executable, python))
    assert (here, there) == ("ai_edge_litert", "tflite_runtime")
    assert ours.std(axis=0).max() > 2 * STEP, "the answers do not depend on the picture, so the comparison is void"
    apart = np.abs(ours - theirs).max(axis=1)
    assert apart.mean() <= STEP, f"mean difference {apart.mean() / STEP:.2f} steps"
    assert apart.max() <= 4 * STEP, f"largest difference {apart.max() / STEP:.2f} steps"
    low, high = np.sort(ours, axis=1)[:, -2:].T
    clear = high - low > 8 * STEP
    assert (ours.argmax(axis=1) == theirs.argmax(axis=1))[clear].all()


@pytest.mark.timeout(240)
def test_both_runtimes_agree_on_a_fresh_model(
    other_python: str, tiny: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    compare_runtimes(other_python, tiny, tiny_pictures(tmp_path_factory, read_card(tiny)), tmp_path)


def test_both_runtimes_agree_on_the_shipped_model(other_python: str, tmp_path: Path) -> None:
    compare_runtimes(other_python, MODEL, door_pictures(read_card(MODEL)), tmp_path)
