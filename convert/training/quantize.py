"""Converts a Keras model to a full-integer int8 TFLite model with its card."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from edge.camera.frames import Image
from edge.faces.card import Card

from ..data.augment import view
from ..data.readable import readable
from ..data.splits import balanced_subset, held_out, select_and_split
from ..data.trees import Sample, load_enlarged, read_tree
from ..errors import DataError
from ..evaluation.crops import evaluate, summary
from ..evaluation.networks import KerasNetwork, open_network
from .architectures import multiply_adds
from .recipe import input_entry

CALIBRATION_PICTURES = 300
"""Training pictures that set the ranges of the activations."""
CLEAN_CALIBRATION = 0.5
"""Share of the calibration pictures without faults of light and camera."""


def quantize(keras_file: Path, data: Path, out: Path, tests: Sequence[Path] = (), note: str = "") -> Path:
    """Writes ``out`` (.tflite) and its card (.json), and returns the card's path.

    ``data`` is the tree that the model was trained on. The calibration set comes from its training split, and the
    card's validation figures from its validation split. The card also gets float and int8 figures on each tree of
    ``tests``. Both files are replaced as a whole or left as they were. Raises ``DataError`` or ``ModelError`` if a file
    is missing or damaged.
    """
    if out.suffix != ".tflite":
        raise DataError(f"--out {out}: the file name must end in .tflite")
    network = KerasNetwork(keras_file)
    recipe, labels = network.training["recipe"], network.card.labels
    samples = select_and_split(
        readable(read_tree(data)), labels=labels, exclude=recipe.get("exclude", ()), seed=recipe["seed"]
    )
    content = convert(network.model, calibration_set(samples, network.card, data))
    card = describe(network, content, out.stem) | ({"note": note} if note else {})
    out.parent.mkdir(parents=True, exist_ok=True)
    new = out.with_name(f"{out.stem}.new.tflite")
    try:
        _write(new, content, card)
        sets = {"validation": [sample for sample in samples if sample.split == "val"]}
        sets |= {_name(tree, tests): held_out(tree, [network.training]) for tree in tests}
        card["accuracy"] = measure_both(keras_file, new, sets)
        _write(new, content, card)
        new.replace(out)
        new.with_suffix(".json").replace(out.with_suffix(".json"))
    finally:
        for left in (new, new.with_suffix(".json")):
            left.unlink(missing_ok=True)
    return out.with_suffix(".json")


def calibration_set(samples: Sequence[Sample], card: Card, data: Path) -> Image:
    """Returns ``CALIBRATION_PICTURES`` augmented training pictures ``(n, size, size, 3)`` as the network takes them.

    Raises ``DataError`` naming ``data`` if there is no training picture.
    """
    chosen = balanced_subset([sample for sample in samples if sample.split == "train"], CALIBRATION_PICTURES)
    if not chosen:
        raise DataError(f"{data} has no train pictures with the model's labels ({', '.join(card.labels)})")
    rng = np.random.default_rng(0)
    return np.stack([view(picture, card, rng, CLEAN_CALIBRATION) for picture in load_enlarged(chosen, card)[0]])


def convert(model: Any, calibration: Image) -> bytes:
    """Returns the .tflite file, with weights, activations, input and output in 8 bits.

    ``calibration`` ``(n, size, size, 3)`` sets the ranges of the activations.
    """
    import tensorflow as tf

    def representative() -> Iterator[list[Any]]:
        for picture in calibration:
            yield [picture[np.newaxis].astype(np.float32)]

    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = representative
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.uint8
    converter.inference_output_type = tf.uint8
    # without this TensorFlow writes FULLY_CONNECTED version 12, which tflite-runtime 2.14 refuses
    converter._experimental_disable_per_channel_quantization_for_dense_layers = True
    return bytes(converter.convert())


def describe(network: KerasNetwork, content: bytes, name: str) -> dict[str, Any]:
    """Returns the model's card without its accuracies."""
    import keras
    import tensorflow as tf

    training = network.training
    return {
        "name": name,
        "arch": training["recipe"]["arch"],
        "labels": list(network.card.labels),
        "input": input_entry(network.card) | {"values": "uint8 pixels 0..255"},
        "quantization": _quantization(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "bytes": len(content),
        "multiply_adds": multiply_adds(network.model),
        "data": training["data"],
        "recipe": _without_folders(training["recipe"]),
        "epochs_trained": len(training["history"]),
        "before": _without_folders(training.get("before")),
        "made_with": {"tensorflow": tf.__version__, "keras": keras.__version__, "numpy": np.__version__},
        "date": date.today().isoformat(),
    }


def _without_folders(entry: Any) -> Any:
    """Reduces the path of ``init`` to its file name: the folders of a workstation do not belong in a public card."""
    if not isinstance(entry, dict):
        return entry
    return {
        key: Path(value).name if key == "init" and value else _without_folders(value) for key, value in entry.items()
    }


def _quantization(content: bytes) -> dict[str, Any]:
    import tensorflow as tf

    interpreter = tf.lite.Interpreter(model_content=content)
    tensors = {"input": interpreter.get_input_details()[0], "output": interpreter.get_output_details()[0]}
    return {
        name: {"type": one["dtype"].__name__, "scale": one["quantization"][0], "zero_point": one["quantization"][1]}
        for name, one in tensors.items()
    }


def measure_both(keras_file: Path, tflite: Path, sets: dict[str, list[Sample]]) -> dict[str, Any]:
    """Returns the float and int8 figures on each set of samples, measured with the device's classifier."""
    networks = {"float": open_network(keras_file), "int8": open_network(tflite)}
    return {
        name: {kind: summary(evaluate(network, samples)) for kind, network in networks.items()}
        for name, samples in sets.items()
    }


def _name(tree: Path, tests: Sequence[Path]) -> str:
    """Returns a tree's name in the card: its folder, with the parent folder if the folder alone is ambiguous."""
    whole = tree.resolve()
    namesakes = [other for other in tests if other.resolve().name == whole.name]
    return whole.name if len(namesakes) == 1 and whole.name != "validation" else "/".join(whole.parts[-2:])


def _write(path: Path, content: bytes, card: dict[str, Any]) -> None:
    path.write_bytes(content)
    path.with_suffix(".json").write_text(json.dumps(card, indent=1) + "\n", "utf-8")
