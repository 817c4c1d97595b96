"""Keeps a training on disk after every epoch, so that a stopped training loses at most the epoch in progress."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edge.files import replacing

from ..data.files import write_json
from ..errors import DataError
from .recipe import Recipe

History = list[dict[str, float]]
"""Loss and accuracy of each epoch, on the training and the validation split (prefix ``val_``)."""


class Checkpoint:
    """Manages ``FILE.part/``: the network after the last epoch, the best network, the recipe and the history.

    Raises ``DataError`` if the folder is damaged, or if it belongs to a training with another recipe or other labels.
    """

    def __init__(self, out: Path, recipe: Recipe, labels: Sequence[str]) -> None:
        self.folder = out.with_suffix(".part")
        self._state = self._read(recipe, labels)

    def _read(self, recipe: Recipe, labels: Sequence[str]) -> dict[str, Any]:
        fresh = {"recipe": recipe.entry(), "labels": list(labels), "history": []}
        try:
            state: dict[str, Any] = json.loads((self.folder / "state.json").read_text("utf-8"))
            # a longer training may continue a shorter one
            continued = {**state["recipe"], "epochs": recipe.epochs, "patience": recipe.patience}
            state["labels"], state["history"]
        except FileNotFoundError:
            return fresh
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(f"{self.folder}/state.json is damaged; delete {self.folder} and train again") from error
        if continued != fresh["recipe"] or state["labels"] != fresh["labels"]:
            raise DataError(
                f"{self.folder} holds another unfinished training ({state['recipe']}); "
                "delete it or choose another --out"
            )
        return state

    @property
    def history(self) -> History:
        history: History = self._state["history"]
        return history

    @property
    def epochs_without_gain(self) -> int:
        """Number of epochs since the one with the lowest validation loss, that one included."""
        losses = [epoch["val_loss"] for epoch in self.history]
        return len(losses) - losses.index(min(losses)) if losses else 0

    @property
    def best(self) -> Path:
        """The network with the lowest validation loss."""
        return self.folder / "best.keras"

    def load(self) -> Any:
        """Returns the network after the last epoch, with the state of its optimizer."""
        import keras

        return keras.models.load_model(self.folder / "last.keras")

    def save(self, model: Any, epoch: dict[str, float]) -> None:
        """Adds a finished epoch. Each file is replaced as a whole or left as it was."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.history.append(epoch)
        if len(self.history) == 1 or epoch["val_loss"] <= min(entry["val_loss"] for entry in self.history):
            _save(model, self.best)
        _save(model, self.folder / "last.keras")
        write_json(self.folder / "state.json", self._state)

    def remove(self) -> None:
        shutil.rmtree(self.folder)


def _save(model: Any, path: Path) -> None:
    with replacing(path) as new:
        model.save(new)
