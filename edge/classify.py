"""What is on each face. The only place with the face crop and the quantization arithmetic.

Three layers: ``crop`` (pixels), ``TfliteNetwork`` (touches the interpreter, bytes in, probabilities out),
``MaskClassifier`` (composes the two). ``convert`` trains and evaluates through the same ``crop`` and
``MaskClassifier``, so what was measured is what runs.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from .card import COLOURS, EXPOSURES, LABELS, Card, read_card
from .errors import ModelError
from .geometry import Box, clip, square

__all__ = ["COLOURS", "EXPOSURES", "LABELS", "REJECT", "Card", "Face", "Image", "MaskClassifier", "Network",
           "TfliteNetwork", "as_rows", "crop", "expose", "interpreter", "prepare", "present", "read_card"]  # fmt: skip

CONTEXT = 1.3
"""Side of the crop over the side of the detector's box: chin, ears and the mask's edge belong to the evidence."""
REJECT = 0.4
"""Probability of ``not_face`` above which a face is none. On the development scenes 0.4 called a third fewer of the
cascade's false faces bare than 0.5 did, and lost less than one true face of a hundred (backlit: two with YuNet)."""
MOST_GAIN = 8.0
"""Contrast is stretched no further: beyond that there is only noise."""
Image = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Face:
    """One classified face: its box in the full image and a probability per label of the model."""

    box: Box
    probabilities: dict[str, float]

    @property
    def label(self) -> str:
        """The likeliest label, the reject class apart."""
        known = {name: p for name, p in self.probabilities.items() if name != "not_face"}
        return max(known, key=lambda name: known[name])

    @property
    def score(self) -> float:
        return self.probabilities[self.label]


class Network(Protocol):
    """Anything that turns ``n`` prepared pictures into ``n`` rows of probabilities."""

    card: Card

    def probabilities(self, batch: Image) -> NDArray[np.float32]:
        """``(n, size, size, 3) uint8`` in the card's colour order -> ``(n, len(labels))``, rows sum to 1."""
        ...


def crop(image: Image, box: Box) -> Image:
    """The square around a detector's box, ``CONTEXT`` times as wide; the picture's edge is repeated outside it."""
    frame = Box(0, 0, image.shape[1], image.shape[0])
    want = square(box, CONTEXT)
    have = clip(want, frame)
    if have.area == 0:
        raise ValueError(f"box {tuple(box)} lies outside the {frame.width}x{frame.height} picture")
    part = image[have.y0 : have.y1, have.x0 : have.x1]
    if have == want:
        return part
    edges = (have.y0 - want.y0, want.y1 - have.y1, have.x0 - want.x0, want.x1 - have.x1)
    return np.asarray(cv2.copyMakeBorder(part, *edges, cv2.BORDER_REPLICATE), np.uint8)


def prepare(part: Image, card: Card) -> Image:
    """One crop as the network takes it: ``(size, size, 3) uint8`` in the card's colour order and exposure."""
    shrink = min(part.shape[:2]) > card.size
    small = cv2.resize(part, (card.size, card.size), interpolation=cv2.INTER_AREA if shrink else cv2.INTER_LINEAR)
    return present(np.asarray(small, np.uint8), card)


def present(small: Image, card: Card) -> Image:
    """A crop of the network's size in the card's exposure and colour; ``luma`` is the grey picture three times."""
    exposed = expose(small) if card.exposure == "face" else small
    if card.colour == "luma":
        return np.repeat(cv2.cvtColor(exposed, cv2.COLOR_BGR2GRAY)[..., np.newaxis], 3, axis=2)
    return np.asarray(cv2.cvtColor(exposed, cv2.COLOR_BGR2RGB) if card.colour == "rgb" else exposed, np.uint8)


def expose(picture: Image) -> Image:
    """A square face crop exposed for the face and not for the window behind it.

    The middle of the crop (half its width, from a quarter of its height down) is stretched linearly so that its
    2nd and 98th percentile become black and white, at most ``MOST_GAIN`` times. A camera that looks into the light
    leaves a face 20 of 256 levels; stretched before the network, its 8 bits resolve them.
    """
    size = picture.shape[0]
    middle = picture[size // 4 : size - size // 8, size // 4 : size - size // 4].reshape(-1)
    counts = np.cumsum(np.bincount(middle, minlength=256))
    low, high = np.searchsorted(counts, (0.02 * counts[-1], 0.98 * counts[-1]))
    gain = min(255.0 / max(1.0, float(high - low)), MOST_GAIN)
    return np.asarray(cv2.LUT(picture, _levels(int(low), gain)), np.uint8)


@lru_cache(maxsize=4096)
def _levels(low: int, gain: float) -> Image:
    return np.asarray(np.clip((np.arange(256) - low) * gain, 0, 255), np.uint8)


class MaskClassifier:
    """Labels faces with a network. Boxes whose reject probability exceeds ``reject`` are left out."""

    def __init__(self, network: Network, *, reject: float = REJECT) -> None:
        self.network = network
        self.card = network.card
        self._reject = reject

    def classify(self, image: Image, boxes: Sequence[Box]) -> list[Face]:
        """The faces among ``boxes``, in their order."""
        faces = self.classify_crops([crop(image, box) for box in boxes])
        return [
            Face(box, found)
            for box, found in zip(boxes, faces, strict=True)
            if found.get("not_face", 0.0) <= self._reject
        ]

    def classify_crops(self, crops: Sequence[Image]) -> list[dict[str, float]]:
        """A probability per label for each ready-made face crop, ``(h, w, 3)`` of any size."""
        if not crops:
            return []
        rows = self.network.probabilities(np.stack([prepare(part, self.card) for part in crops]))
        return [dict(zip(self.card.labels, map(float, row), strict=True)) for row in rows]


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
