"""Runs a TFLite model: the only place that touches the interpreter and the quantization arithmetic."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..camera.frames import Image
from ..errors import ModelError
from .card import read_card


def interpreter(content: bytes, threads: int) -> tuple[Any, str]:
    """An allocated TFLite interpreter and the runtime's name: LiteRT where installed, else tflite-runtime.

    Each is proven by building an interpreter: tflite-runtime imports under NumPy 2 and fails only then.
    """
    failures = []
    for name in ("ai_edge_litert", "tflite_runtime"):
        try:
            runtime = __import__(f"{name}.interpreter", fromlist=["Interpreter"])
            built = runtime.Interpreter(model_content=content, num_threads=threads)
            built.allocate_tensors()
            return built, name
        except (ImportError, SystemError, ValueError, RuntimeError, AttributeError) as error:
            failures.append(f"{name}: {error}".splitlines()[0])
    raise ModelError("no TFLite runtime can load it (" + "; ".join(failures) + "); pip install ai-edge-litert")


class TfliteNetwork:
    """A .tflite file whose SHA-256, shape and types match its card.

    Raises ``ModelError`` naming the file and the reason; nothing is checked again per frame.
    """

    def __init__(self, model: Path, *, threads: int = 1) -> None:
        self.card = read_card(model)
        try:
            content = model.read_bytes()
        except OSError as error:
            raise ModelError(f"model {model} cannot be read: {error.strerror}") from error
        digest = hashlib.sha256(content).hexdigest()
        if digest != self.card.sha256:  # damaged files often load and run, with wrong answers
            raise ModelError(
                f"model {model} is not the file its card describes (SHA-256 {digest[:8]}, "
                f"card {self.card.sha256[:8]}); copy both again, or quantize again"
            )
        try:
            self._interpreter, self.runtime = interpreter(content, threads)
        except ModelError as error:
            raise ModelError(f"model {model}: {error}") from error
        self._input = self._interpreter.get_input_details()[0]
        self._output = self._interpreter.get_output_details()[0]
        self._check(model)
        self._table = _input_table(self._input)
        self._planned = 1

    def _check(self, model: Path) -> None:
        want = (self.card.size, self.card.size, 3)
        shape = tuple(int(n) for n in self._input["shape"][1:])
        if shape != want:
            raise ModelError(f"model {model} takes pictures of {shape}, its card says {want}; quantize it again")
        outputs = int(self._output["shape"][-1])
        if outputs != len(self.card.labels) and (outputs, len(self.card.labels)) != (1, 2):
            raise ModelError(f"model {model} has {outputs} outputs, its card {len(self.card.labels)} labels")
        for end in (self._input, self._output):
            if end["dtype"] not in (np.uint8, np.int8, np.float32):
                raise ModelError(f"model {model} uses {end['dtype'].__name__}; only uint8, int8 and float32 are taken")

    def probabilities(self, batch: Image) -> NDArray[np.float32]:
        """See ``Network``. One invocation for all faces: though the tensors are planned anew whenever the number of
        faces changes, that took a quarter less time a face than one invocation each (1 to 5 faces, changing)."""
        if len(batch) != self._planned:
            self._interpreter.resize_tensor_input(self._input["index"], (len(batch), *self._input["shape"][1:]))
            self._interpreter.allocate_tensors()
            self._planned = len(batch)
        self._interpreter.set_tensor(self._input["index"], self._table[batch])
        self._interpreter.invoke()
        output = self._interpreter.get_tensor(self._output["index"])
        return as_rows(_dequantized(output, self._output), len(self.card.labels))


def as_rows(output: NDArray[np.float32], labels: int) -> NDArray[np.float32]:
    """Network output as rows that sum to 1; one sigmoid output ``p`` means ``(1 - p, p)``."""
    if output.shape[1] == 1 and labels == 2:
        output = np.concatenate([1.0 - output, output], axis=1)
    return np.asarray(output / np.maximum(output.sum(axis=1, keepdims=True), 1e-6), np.float32)


def _input_table(end: dict[str, Any]) -> NDArray[Any]:
    """The network's value for each pixel value 0..255: ``q = pixel / scale + zero_point``, rounded and clipped."""
    pixels = np.arange(256, dtype=np.float64)
    if end["dtype"] == np.float32:
        return pixels.astype(np.float32)
    scale, zero_point = end["quantization"]
    limits = np.iinfo(end["dtype"])
    return np.asarray(np.clip(np.round(pixels / scale + zero_point), limits.min, limits.max), end["dtype"])


def _dequantized(values: NDArray[Any], end: dict[str, Any]) -> NDArray[np.float32]:
    """Real values, ``(q - zero_point) * scale``, widened first: a zero point must not be subtracted in 8 bits."""
    if end["dtype"] == np.float32:
        return np.asarray(values, np.float32)
    scale, zero_point = end["quantization"]
    return ((values.astype(np.int32) - int(zero_point)) * float(scale)).astype(np.float32)
