"""Labels faces: composes the crop (crop.py) with a network (tflite.py). What ``convert`` measures is what runs here."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..camera.frames import Image
from .card import Card
from .crop import crop, prepare
from .face import Face
from .geometry import Box

REJECT = 0.4
"""Probability of ``not_face`` above which a face is none. On the development scenes 0.4 called a third fewer of the
cascade's false faces bare than 0.5 did, and lost less than one true face of a hundred (backlit: two with YuNet)."""


class Network(Protocol):
    """Anything that turns ``n`` prepared pictures into ``n`` rows of probabilities."""

    card: Card

    def probabilities(self, batch: Image) -> NDArray[np.float32]:
        """``(n, size, size, 3) uint8`` in the card's colour order -> ``(n, len(labels))``, rows sum to 1."""
        ...


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
