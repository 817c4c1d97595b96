"""Opens the networks that are measured: .tflite as on the device, and .keras before quantization."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.addresses import printable
from edge.camera.frames import Image
from edge.config.schema import ClassifyConfig
from edge.faces.card import Card
from edge.faces.classifier import Network
from edge.faces.tflite import TfliteNetwork, as_probabilities
from edge.paths import read_text

from ..errors import DataError


class KerasNetwork:
    """Implements the device's ``Network`` for a .keras file. ``training`` is the record that ``train`` wrote beside it.

    Raises ``DataError`` if the file or its record is missing or damaged.
    """

    def __init__(self, path: Path) -> None:
        file = record_beside(path)
        import keras  # after the check, so that a missing file is reported without TensorFlow too

        try:
            self.training: dict[str, Any] = json.loads(read_text(file))
            labels = tuple(self.training["labels"])
            self.model: Any = keras.models.load_model(path, compile=False)
        except (ValueError, KeyError, TypeError, OSError) as error:
            raise DataError(f"{path} or {file.name} is damaged; train again") from error
        taken = self.training.get("input", {})
        size, exposure = int(self.model.input_shape[1]), taken.get("exposure", "camera")
        self.card = Card(path.stem, labels, size, taken.get("colour", "rgb"), "float", exposure)

    def probabilities(self, batch: Image) -> NDArray[np.float32]:
        """Returns the probability of each label, ``(n, labels)``, for a batch ``(n, size, size, 3)``."""
        rows = np.asarray(self.model.predict_on_batch(batch.astype(np.float32)), np.float32)
        return as_probabilities(rows, len(self.card.labels))


def record_beside(keras_file: Path) -> Path:
    """Returns the .labels.json that ``train`` writes beside a .keras file. Raises ``DataError`` if one is missing."""
    record = keras_file.with_suffix(".labels.json")
    for path in (keras_file, record):
        if not path.is_file():
            raise DataError(f"{printable(path)} does not exist; `maskwatch-convert train` writes it")
    return record


def open_network(path: Path, threads: int = ClassifyConfig().threads) -> Network:
    """Opens a .tflite or .keras model. ``threads`` are those of the TFLite runtime.

    Raises ``ModelError`` or ``DataError`` if a file is missing or damaged.
    """
    if path.suffix == ".tflite":
        return TfliteNetwork(path, threads=threads)
    if path.suffix == ".keras":
        return KerasNetwork(path)
    raise DataError(f"{printable(path)} is not a model; expected a .tflite or a .keras file")


def training_record(path: Path) -> dict[str, Any]:
    """Returns what a model's card (.tflite) or training record (.keras) says about its training data.

    Call it after ``open_network``, which reports missing and damaged files.
    """
    file = record_beside(path) if path.suffix == ".keras" else path.with_suffix(".json")
    record: dict[str, Any] = json.loads(read_text(file))
    return record
