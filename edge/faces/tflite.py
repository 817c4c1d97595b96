"""Runs TFLite models. No other module touches the interpreter or the quantization arithmetic."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..addresses import printable
from ..camera.frames import Image
from ..errors import FileError, ModelError
from ..paths import read_bytes
from .card import read_card
from .proving import Kind, prove
from .tflite_file import MAX_BYTES


def load_interpreter(content: bytes, threads: int, kind: Kind = "model") -> tuple[Any, str]:
    """Returns an allocated TFLite interpreter for a model, which is tried first if it is not known, and the runtime's
    name.

    Raises ``ModelError`` if the model is damaged or no runtime can load it, and ``FileError`` like ``prove``.
    """
    prove(kind, content)
    return load_unproved(content, threads)


def load_unproved(content: bytes, threads: int) -> tuple[Any, str]:
    """Returns an interpreter of LiteRT if installed, else of tflite-runtime. A hostile model can end the process.

    Each runtime is tried by building an interpreter, because tflite-runtime imports under NumPy 2 and fails only then.
    Raises ``ModelError`` if no runtime can load the model.
    """
    failures = []
    for name in ("ai_edge_litert", "tflite_runtime"):
        try:
            runtime = __import__(f"{name}.interpreter", fromlist=["Interpreter"])
            interpreter = runtime.Interpreter(model_content=content, num_threads=threads)
            interpreter.allocate_tensors()
            return interpreter, name
        except (ImportError, SystemError, ValueError, RuntimeError, AttributeError) as error:
            failures.append(f"{name}: {error}".splitlines()[0])
    raise ModelError("no TFLite runtime can load it (" + "; ".join(failures) + "); pip install ai-edge-litert")


class TfliteNetwork:
    """Runs a .tflite file whose SHA-256, shape and types match its card; see ``classifier.Network``.

    The constructor raises ``ModelError`` naming the file and the reason. Nothing is checked again per frame.
    """

    def __init__(self, model: Path, *, threads: int) -> None:
        self.card = read_card(model)
        try:
            content = read_bytes(model, MAX_BYTES)
        except OSError as error:
            raise ModelError(f"model {model} cannot be read: {error.strerror}") from error
        digest = hashlib.sha256(content).hexdigest()
        if digest != self.card.sha256:  # many damaged files load and run, and give wrong answers
            raise ModelError(
                f"model {model} is not the file its card describes (SHA-256 {digest[:8]}, "
                f"card {self.card.sha256[:8]}); copy both again, or quantize again"
            )
        try:
            self._interpreter, self.runtime = load_interpreter(content, threads)
        except FileError as error:
            raise FileError(f"model {printable(model)}: {error}") from error
        except ModelError as error:
            reason = f"model {printable(model)} cannot be used: {error}"
            raise ModelError(f"{reason}; quantize it again, or leave classify.model empty") from error
        self._input = self._interpreter.get_input_details()[0]
        self._output = self._interpreter.get_output_details()[0]
        self._check(model)
        self._table = _quantization_table(self._input)
        self._batch_size = 1

    def _check(self, model: Path) -> None:
        expected = (self.card.size, self.card.size, 3)
        shape = tuple(int(n) for n in self._input["shape"][1:])
        if shape != expected:
            raise ModelError(f"model {model} takes pictures of {shape}, its card says {expected}; quantize it again")
        outputs = int(self._output["shape"][-1])
        if outputs != len(self.card.labels) and (outputs, len(self.card.labels)) != (1, 2):
            raise ModelError(f"model {model} has {outputs} outputs, its card {len(self.card.labels)} labels")
        for tensor in (self._input, self._output):
            if tensor["dtype"] not in (np.uint8, np.int8, np.float32):
                raise ModelError(
                    f"model {model} uses {tensor['dtype'].__name__}; only uint8, int8 and float32 are taken"
                )

    def probabilities(self, batch: Image) -> NDArray[np.float32]:
        """See ``classifier.Network``. Runs one invocation for all faces.

        The tensors are allocated again whenever the number of faces changes. Even so this took a quarter less time per
        face than one invocation each, with 1 to 5 faces in changing numbers.
        """
        if len(batch) != self._batch_size:
            self._interpreter.resize_tensor_input(self._input["index"], (len(batch), *self._input["shape"][1:]))
            self._interpreter.allocate_tensors()
            self._batch_size = len(batch)
        self._interpreter.set_tensor(self._input["index"], self._table[batch])
        self._interpreter.invoke()
        output = self._interpreter.get_tensor(self._output["index"])
        return as_probabilities(_dequantize(output, self._output), len(self.card.labels))


def as_probabilities(output: NDArray[np.float32], labels: int) -> NDArray[np.float32]:
    """Converts a network's output to rows that sum to 1; a single sigmoid output ``p`` becomes ``(1 - p, p)``."""
    if output.shape[1] == 1 and labels == 2:
        output = np.concatenate([1.0 - output, output], axis=1)
    output = np.nan_to_num(output, nan=0.0, posinf=1.0, neginf=0.0)  # a damaged model must not end the monitor
    return np.asarray(output / np.maximum(output.sum(axis=1, keepdims=True), 1e-6), np.float32)


def _quantization_table(tensor: dict[str, Any]) -> NDArray[Any]:
    """Tabulates the input value for each pixel 0..255: ``pixel / scale + zero_point``, rounded and clipped."""
    pixels = np.arange(256, dtype=np.float64)
    if tensor["dtype"] == np.float32:
        return pixels.astype(np.float32)
    scale, zero_point = tensor["quantization"]
    limits = np.iinfo(tensor["dtype"])
    return np.asarray(np.clip(np.round(pixels / scale + zero_point), limits.min, limits.max), tensor["dtype"])


def _dequantize(values: NDArray[Any], tensor: dict[str, Any]) -> NDArray[np.float32]:
    """Computes ``(value - zero_point) * scale`` in 32 bits, because the difference does not fit into 8 bits."""
    if tensor["dtype"] == np.float32:
        return np.asarray(values, np.float32)
    scale, zero_point = tensor["quantization"]
    return ((values.astype(np.int32) - int(zero_point)) * float(scale)).astype(np.float32)
