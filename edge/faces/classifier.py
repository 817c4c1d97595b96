"""Classifies faces: crops them (crop.py) and runs a network on the crops (tflite.py).

``maskwatch-convert`` measures models through the same code.
"""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..camera.frames import Image
from .card import Card
from .crop import crop, prepare
from .face import Face
from .geometry import Box


class Network(Protocol):
    """Classifies prepared crops."""

    card: Card

    def probabilities(self, batch: Image) -> NDArray[np.float32]:
        """Returns ``(n, len(labels))``, rows that sum to 1, for ``(n, size, size, 3) uint8`` in the card's format."""
        ...


class MaskClassifier:
    """Classifies faces with a network. Boxes whose probability of ``not_face`` exceeds ``reject`` are left out."""

    def __init__(self, network: Network, *, reject: float) -> None:
        self.network = network
        self.card = network.card
        self._reject = reject

    def classify(self, image: Image, boxes: Sequence[Box]) -> list[Face]:
        """Classifies what is in each box. Returns the faces in the order of ``boxes``."""
        rows = self.classify_crops([crop(image, box) for box in boxes])
        return [
            Face(box, probabilities)
            for box, probabilities in zip(boxes, rows, strict=True)
            if probabilities.get("not_face", 0.0) <= self._reject
        ]

    def classify_crops(self, crops: Sequence[Image]) -> list[dict[str, float]]:
        """Returns a probability per label for each crop of a face; crops may have any size."""
        if not crops:
            return []
        rows = self.network.probabilities(np.stack([prepare(part, self.card) for part in crops]))
        return [dict(zip(self.card.labels, map(float, row), strict=True)) for row in rows]
