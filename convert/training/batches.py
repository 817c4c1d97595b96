"""Feeds augmented batches to Keras."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.camera.frames import Image
from edge.faces.card import Card
from edge.faces.crop import as_network_input

from ..data.augment import framing, view
from ..data.trees import Sample, load_enlarged
from .recipe import Recipe


def one_hot(labels: NDArray[np.int64], outputs: int) -> NDArray[np.float32]:
    """Converts label numbers ``(n,)`` to training targets: ``(n, outputs)``, or ``(n, 1)`` for one sigmoid output."""
    if outputs == 1:
        return labels.astype(np.float32)[:, np.newaxis]
    return np.eye(outputs, dtype=np.float32)[labels]


class AugmentedBatches:
    """Holds the training pictures and makes each epoch's batches. The same seed and epoch give the same batches."""

    def __init__(self, samples: Sequence[Sample], card: Card, recipe: Recipe) -> None:
        self._card, self._recipe = card, recipe
        self._pictures, self._labels = load_enlarged(samples, card)

    def view(self, index: int, epoch: int, rng: np.random.Generator) -> Image:
        """Returns one training view of a picture as the network takes it, ``(size, size, 3)``.

        The share of clean views grows over the epochs from 0.5 to 1.5 times ``recipe.clean``: the hard views come
        first, and the last epochs are closer to real pictures.
        """
        picture = self._pictures[index]
        if self._recipe.arch == "article":  # the article augmented by framing alone
            return as_network_input(framing(picture, rng, self._card.size), self._card)
        clean = self._recipe.clean * (0.5 + epoch / max(1, self._recipe.epochs - 1))
        return view(picture, self._card, rng, clean)

    def batch(self, indices: NDArray[np.int64], epoch: int, number: int) -> Image:
        """Returns the views of one batch, ``(n, size, size, 3)``. ``number`` is the batch's place in the epoch."""
        rng = np.random.default_rng((self._recipe.seed, epoch, number))
        return np.stack([self.view(index, epoch, rng) for index in indices])

    def dataset(self, epoch: int, outputs: int) -> Any:
        """Returns a Keras data set over one shuffled pass, for a network with ``outputs`` outputs."""
        import keras

        size, batch = self._recipe.batch, self.batch
        order = np.random.default_rng((self._recipe.seed, epoch)).permutation(len(self._labels))
        targets = one_hot(self._labels, outputs)

        class Batches(keras.utils.PyDataset):  # type: ignore[misc]
            def __len__(self) -> int:
                return -(-len(order) // size)

            def __getitem__(self, number: int) -> tuple[Any, Any]:
                indices = order[number * size : (number + 1) * size]
                # labels have equal weights: with weights, scores are no longer probabilities
                return batch(indices, epoch, number), targets[indices]

        return Batches(workers=1, use_multiprocessing=False, max_queue_size=8)
