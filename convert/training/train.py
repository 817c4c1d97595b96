"""Trains a network on a folder tree of face crops."""

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from ..data.files import write_json
from ..data.splits import count_samples, labels_present, select_and_split, training_sets
from ..data.trees import Sample, load
from ..errors import DataError
from .architectures import build
from .batches import AugmentedBatches, one_hot
from .checkpoint import Checkpoint, History
from .recipe import Recipe, input_entry

Say = Callable[[str], None]
"""Takes a line of progress for the user."""


def train(samples: Sequence[Sample], recipe: Recipe, out: Path, say: Say = print) -> Path:
    """Trains and writes ``out`` (.keras), its training record (.labels.json) and the learning curves (.png).

    Resumes from ``FILE.part`` if that is a checkpoint of the same recipe, and removes it at the end. Raises
    ``DataError`` if a split or a second label is missing, or if the checkpoint belongs to another recipe.
    """
    import keras

    keras.utils.set_random_seed(recipe.seed)
    divided = select_and_split(samples, exclude=recipe.exclude, seed=recipe.seed)
    labels = labels_present(sample for sample in divided if sample.split in ("train", "val"))
    checkpoint, card = Checkpoint(out, recipe, labels), recipe.card(labels)
    sets = training_sets(divided, recipe.subset)
    _check_labels(sets, labels, recipe)
    counts = f"{len(sets['train'])} training pictures, {len(sets['val'])} validation pictures"
    say(f"{recipe.arch}, labels {', '.join(labels)}: {counts}")
    model = checkpoint.load() if checkpoint.history else _compile(recipe, len(labels))
    pictures, numbers = load(sets["val"], card)
    validation = pictures, one_hot(numbers, model.output_shape[-1])
    _fit(model, AugmentedBatches(sets["train"], card, recipe), validation, recipe, checkpoint, say)
    out.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(checkpoint.best, out)
    record: dict[str, Any] = {"labels": list(labels), "input": input_entry(card), "recipe": asdict(recipe)}
    record |= {"data": count_samples(sets), "history": checkpoint.history, "before": _record_before(recipe.init)}
    write_json(out.with_suffix(".labels.json"), record)
    draw_curves(checkpoint.history, out.with_suffix(".png"))
    checkpoint.remove()
    return out


def _record_before(init: str) -> dict[str, Any] | None:
    """Returns how the network that a training started from was trained itself, if that is known."""
    if not init or not (file := Path(init).with_suffix(".labels.json")).is_file():
        return None
    record = json.loads(file.read_text("utf-8"))
    return {"recipe": record["recipe"], "epochs_trained": len(record["history"]), "before": record.get("before")}


def _check_labels(sets: dict[str, list[Sample]], labels: Sequence[str], recipe: Recipe) -> None:
    if len(labels) < 2:
        present = ", ".join(labels) or "none"
        raise DataError(f"training needs train and val pictures of at least two labels; DATA has {present}")
    for split, samples in sets.items():
        missing = set(labels) - {sample.label for sample in samples}
        # an excluded source may be the only one with validation pictures of a label
        if missing and (split == "train" or not recipe.exclude):
            raise DataError(
                f"no {', '.join(sorted(missing))} pictures in the {split} split; add some or use a larger --subset"
            )


def _compile(recipe: Recipe, classes: int) -> Any:
    import keras

    model = _initial_network(recipe, classes)
    if model.output_shape[-1] == 1:
        loss: Any = keras.losses.BinaryCrossentropy(label_smoothing=0.02)
        optimizer: Any = keras.optimizers.Adam(recipe.rate)
    else:
        loss = keras.losses.CategoricalCrossentropy(label_smoothing=0.02)
        optimizer = keras.optimizers.AdamW(recipe.rate, weight_decay=1e-4)
    model.compile(optimizer, loss, metrics=["accuracy"])
    return model


def _initial_network(recipe: Recipe, classes: int) -> Any:
    """Builds the network, with the weights of ``recipe.init`` if given. Raises ``DataError`` if they do not fit."""
    network = build(recipe.arch, classes, recipe.size, recipe.width)
    if recipe.init:
        try:
            network.load_weights(recipe.init)
        except (ValueError, OSError, BadZipFile) as error:
            raise DataError(
                f"--init {recipe.init} is not a {recipe.arch} network with {classes} labels of the same size and width"
            ) from error
    return network


def _fit(
    model: Any, batches: AugmentedBatches, validation: Any, recipe: Recipe, checkpoint: Checkpoint, say: Say
) -> None:
    for number in range(len(checkpoint.history), recipe.epochs):
        if checkpoint.epochs_without_gain > recipe.patience:
            say(f"training stopped early: no lower validation loss in {recipe.patience} epochs")
            return
        model.optimizer.learning_rate = _learning_rate(recipe, number)
        data = batches.dataset(number, model.output_shape[-1])
        logs = model.fit(data, validation_data=validation, epochs=1, verbose=0).history
        epoch = {name: float(values[0]) for name, values in logs.items()}
        checkpoint.save(model, epoch)
        say(  # after saving: an epoch that has been printed is not lost
            f"epoch {number + 1:3}/{recipe.epochs}  loss {epoch['loss']:.4f}  accuracy {epoch['accuracy']:.4f}  "
            f"validation loss {epoch['val_loss']:.4f}  accuracy {epoch['val_accuracy']:.4f}"
        )


def _learning_rate(recipe: Recipe, epoch: int) -> float:
    """Returns the rate under cosine decay. It depends on the epoch alone, so that a resumed run continues exactly."""
    return float(recipe.rate * (0.01 + 0.99 * (1 + np.cos(np.pi * epoch / recipe.epochs)) / 2))


def draw_curves(history: History, path: Path) -> None:
    """Draws loss and accuracy over the epochs as a PNG file."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.5), layout="constrained")
    for axes, name in zip(figure.subplots(1, 2), ("loss", "accuracy"), strict=True):
        for key, label in ((name, "training"), (f"val_{name}", "validation")):
            axes.plot(range(1, len(history) + 1), [epoch[key] for epoch in history], label=label)
        axes.set_xlabel("epoch")
        axes.set_title(name)
        axes.grid(alpha=0.3)
        axes.legend()
    figure.savefig(path, dpi=120)
