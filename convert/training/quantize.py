"""Full-integer int8 TFLite from a Keras model, and the card that the device trusts."""

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
from ..data.trees import DataError, Sample, load_detailed, read_tree, select_and_split, subset
from ..evaluation.crops import KerasNetwork, evaluate, held_out, open_network, summary
from .architectures import multiply_adds

REPRESENTATIVE = 300
"""Training pictures that set the activation ranges; half as they are, half as a doorway may show them."""


def quantize(keras_file: Path, data: Path, out: Path, tests: Sequence[Path] = (), note: str = "") -> Path:
    """Writes ``out`` (.tflite) and its card (.json), whole or not at all; returns the card's path.

    ``data`` gives the representative pictures, from its training split only; each tree of ``tests`` is evaluated
    in float and int8 for the card. Raises ``DataError`` or ``ModelError`` naming what is missing.
    """
    if out.suffix != ".tflite":
        raise DataError(f"--out {out}: the file name must end in .tflite")
    network = KerasNetwork(keras_file)
    about = network.about
    left_out = about["recipe"].get("exclude", ())
    seed = about["recipe"]["seed"]
    samples = select_and_split(read_tree(data), labels=network.card.labels, exclude=left_out, seed=seed)
    chosen = subset([s for s in samples if s.split == "train"], REPRESENTATIVE)
    if not chosen:
        raise DataError(f"{data} has no training pictures with the model's labels ({', '.join(network.card.labels)})")
    rng = np.random.default_rng(0)
    pictures = np.stack([view(p, network.card, rng, 0.5) for p in load_detailed(chosen, network.card)[0]])
    content = convert(network.model, pictures)
    card = describe(network, about, content, out.stem) | ({"note": note} if note else {})
    out.parent.mkdir(parents=True, exist_ok=True)
    new = out.with_name(f"{out.stem}.new.tflite")
    try:
        _write(new, content, card)
        trees = {_name(tree, tests): held_out(tree) for tree in tests}
        card["accuracy"] = accuracies(keras_file, new, {"validation": _validation(samples)} | trees)
        _write(new, content, card)
        new.replace(out)
        new.with_suffix(".json").replace(out.with_suffix(".json"))
    finally:
        for left in (new, new.with_suffix(".json")):
            left.unlink(missing_ok=True)
    return out.with_suffix(".json")


def convert(model: Any, pictures: Image) -> bytes:
    """The .tflite file: weights, activations, input and output in 8 bits. ``pictures`` ``(n, size, size, 3)`` as the
    network takes them set the ranges."""
    import tensorflow as tf

    def representative() -> Iterator[list[Any]]:
        for picture in pictures:
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


def describe(network: KerasNetwork, about: dict[str, Any], content: bytes, name: str) -> dict[str, Any]:
    """The card without its accuracies."""
    import keras
    import tensorflow as tf

    card: Card = network.card
    return {
        "name": name,
        "arch": about["recipe"]["arch"],
        "labels": list(card.labels),
        "input": {
            "size": card.size,
            "colour": card.colour,
            "exposure": card.exposure,
            "values": "uint8 pixels 0..255",
        },
        "quantization": _quantization(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "bytes": len(content),
        "multiply_adds": multiply_adds(network.model),
        "data": about["data"],
        "recipe": _told(about["recipe"]),
        "epochs_trained": len(about["history"]),
        "before": _told(about.get("before")),
        "made_with": {"tensorflow": tf.__version__, "keras": keras.__version__, "numpy": np.__version__},
        "date": date.today().isoformat(),
    }


def _told(about: Any) -> Any:
    """Of a file only its name: where it lay on somebody's machine is nobody's business."""
    if not isinstance(about, dict):
        return about
    return {key: Path(value).name if key == "init" and value else _told(value) for key, value in about.items()}


def _quantization(content: bytes) -> dict[str, Any]:
    import tensorflow as tf

    interpreter = tf.lite.Interpreter(model_content=content)
    ends = {"input": interpreter.get_input_details()[0], "output": interpreter.get_output_details()[0]}
    return {
        name: {"type": end["dtype"].__name__, "scale": end["quantization"][0], "zero_point": end["quantization"][1]}
        for name, end in ends.items()
    }


def accuracies(keras_file: Path, tflite: Path, trees: dict[str, list[Sample]]) -> dict[str, Any]:
    """Float and int8 figures on each set, by the shipping classifier."""
    networks = {"float": open_network(keras_file), "int8": open_network(tflite)}
    return {
        name: {kind: summary(evaluate(network, samples)) for kind, network in networks.items()}
        for name, samples in trees.items()
    }


def _name(tree: Path, tests: Sequence[Path]) -> str:
    """What a tree is called in the card: its folder's name, with its parents' where that alone is taken."""
    whole = tree.resolve()
    alike = [other for other in tests if other.resolve().name == whole.name]
    return whole.name if len(alike) == 1 and whole.name != "validation" else "/".join(whole.parts[-2:])


def _validation(samples: Sequence[Sample]) -> list[Sample]:
    return [sample for sample in samples if sample.split == "val"]


def _write(path: Path, content: bytes, card: dict[str, Any]) -> None:
    path.write_bytes(content)
    path.with_suffix(".json").write_text(json.dumps(card, indent=1) + "\n", "utf-8")
