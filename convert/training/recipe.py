"""Declares how a network is trained. Each default is written here once; the command line takes it from here."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from edge.faces.card import Card

from .architectures import SIZES

RATES = {"lean": 3e-3, "article": 5e-4}
"""First learning rate of each architecture."""
EXPOSURES = {"lean": "face", "article": "camera"}
"""Exposure of the crops for each architecture (see ``edge.faces.card``)."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """Holds the settings of one training.

    ``patience`` is the number of epochs without a lower validation loss after which training stops early. ``clean`` is
    the mean share of training views without faults of light and camera, 0..1. ``init`` is a .keras file to start from.
    ``exclude`` names sources that are left out. ``subset`` limits the training pictures (0: all of them). ``size`` is
    the input's side in pixels (0: the architecture's default). ``width`` multiplies the channels of lean. ``colour``
    and ``exposure`` are as in a model's card.
    """

    arch: str = "lean"
    epochs: int = 45
    batch: int = 128
    patience: int = 16
    rate: float = RATES["lean"]
    seed: int = 0
    subset: int = 0
    clean: float = 0.4
    init: str = ""
    exclude: tuple[str, ...] = ()
    size: int = 0
    width: float = 1.0
    colour: str = "rgb"
    exposure: str = EXPOSURES["lean"]

    def card(self, labels: Sequence[str]) -> Card:
        """Returns the card of the network that this recipe trains, still without a file."""
        return Card(self.arch, tuple(labels), self.size or SIZES[self.arch], self.colour, "", self.exposure)

    def entry(self) -> dict[str, Any]:
        """Returns the recipe as it reads back from a JSON file, where tuples are lists."""
        return dict(json.loads(json.dumps(asdict(self))))


def input_entry(card: Card) -> dict[str, Any]:
    """Returns what a .labels.json and a model's card say about the network's input."""
    return {"size": card.size, "colour": card.colour, "exposure": card.exposure}
