"""Training: one state on disk after every epoch, so Ctrl-C costs at most the epoch in progress.

``FILE.part/`` holds the last and the best network and the history; it is removed when training ends.
"""

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from edge.camera.frames import Image
from edge.faces.card import Card
from edge.faces.crop import as_network_input
from edge.files import replacing

from ..data.augment import framing, view
from ..data.trees import DataError, Sample, labels_in, load, load_detailed, select_and_split, subset, write_json
from .architectures import SIZES, build


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to train. ``patience`` counts epochs without a better validation loss (the article's early stopping),
    ``clean`` is the share of pictures that stay without a doorway's faults, ``init`` a .keras file to start from,
    ``exclude`` names sources to leave out. ``size`` 0 is the architecture's own; the rest is as in a model's card."""

    arch: str = "lean"
    epochs: int = 60
    batch: int = 64
    patience: int = 16
    rate: float = 2e-3
    seed: int = 0
    subset: int = 0
    clean: float = 0.4
    init: str = ""
    exclude: tuple[str, ...] = ()
    size: int = 0
    width: float = 1.0
    colour: str = "rgb"
    exposure: str = "face"

    @property
    def told(self) -> dict[str, Any]:
        """As it reads back from a file, where tuples are lists."""
        return dict(json.loads(json.dumps(asdict(self))))


def train(samples: Sequence[Sample], recipe: Recipe, out: Path, say: Callable[[str], None] = print) -> Path:
    """Trains and writes ``out`` (.keras), its labels and data summary (.labels.json) and the curves (.png).

    Raises ``DataError`` when a split or a second label is missing, or when ``FILE.part`` belongs to another run.
    """
    import keras

    keras.utils.set_random_seed(recipe.seed)
    samples = select_and_split(samples, exclude=recipe.exclude, seed=recipe.seed)
    labels = labels_in(sample for sample in samples if sample.split in ("train", "val"))
    part = out.with_suffix(".part")
    state = _state(part, recipe, labels)
    card = Card(recipe.arch, labels, recipe.size or SIZES[recipe.arch], recipe.colour, "", recipe.exposure)
    sets = {name: [s for s in samples if s.split == name] for name in ("train", "val")}
    if recipe.subset:
        sets = {
            name: subset(own, recipe.subset if name == "train" else recipe.subset // 4) for name, own in sets.items()
        }
    _check(sets, labels, whole=not recipe.exclude)
    say(f"{recipe.arch}, labels {', '.join(labels)}: {len(sets['train'])} pictures, {len(sets['val'])} to validate")
    model = keras.models.load_model(part / "last.keras") if state["history"] else _compiled(recipe, len(labels))
    feed = Feed(sets["train"], card, recipe)
    val = load(sets["val"], card, labels)
    part.mkdir(parents=True, exist_ok=True)
    _epochs(model, feed, (val[0], _targets(val[1], model)), recipe, part, state, say)
    (out.parent).mkdir(parents=True, exist_ok=True)
    shutil.copyfile(part / "best.keras", out)
    taken = {"size": card.size, "colour": card.colour, "exposure": card.exposure}
    about: dict[str, Any] = {"labels": list(labels), "input": taken, "recipe": asdict(recipe), "data": summary(sets)}
    about |= {"history": state["history"], "before": _before(recipe.init)}
    write_json(out.with_suffix(".labels.json"), about)
    curves(state["history"], out.with_suffix(".png"))
    shutil.rmtree(part)
    return out


def _before(init: str) -> dict[str, Any] | None:
    """How the network that this one started from was trained, where that is known."""
    if not init or not (file := Path(init).with_suffix(".labels.json")).is_file():
        return None
    about = json.loads(file.read_text("utf-8"))
    return {"recipe": about["recipe"], "epochs_trained": len(about["history"]), "before": about.get("before")}


def _state(part: Path, recipe: Recipe, labels: Sequence[str]) -> dict[str, Any]:
    fresh = {"recipe": recipe.told, "labels": list(labels), "history": []}
    try:
        state: dict[str, Any] = json.loads((part / "state.json").read_text("utf-8"))
        longer = {**state["recipe"], "epochs": recipe.epochs, "patience": recipe.patience}
        state["labels"], state["history"]
    except FileNotFoundError:
        return fresh
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"{part}/state.json is damaged; delete {part} and train anew") from error
    if longer != fresh["recipe"] or state["labels"] != fresh["labels"]:
        raise DataError(
            f"{part} holds another unfinished training ({state['recipe']}); delete it or choose another --out"
        )
    return state


def _check(sets: dict[str, list[Sample]], labels: Sequence[str], whole: bool) -> None:
    if len(labels) < 2:
        raise DataError(
            f"training needs train and val pictures of at least two labels, found only {', '.join(labels) or 'none'}"
        )
    for name, own in sets.items():
        missing = set(labels) - {sample.label for sample in own}
        if missing and (whole or name == "train"):  # a source left out may be the only one to validate a label on
            raise DataError(
                f"no {', '.join(sorted(missing))} pictures in the {name} part; add some or use a larger --subset"
            )


def _compiled(recipe: Recipe, classes: int) -> Any:
    import keras

    model = _started(recipe, classes)
    if model.output_shape[-1] == 1:
        loss: Any = keras.losses.BinaryCrossentropy(label_smoothing=0.02)
        model.compile(keras.optimizers.Adam(recipe.rate), loss, metrics=["accuracy"])
    else:
        loss = keras.losses.CategoricalCrossentropy(label_smoothing=0.02)
        model.compile(keras.optimizers.AdamW(recipe.rate, weight_decay=1e-4), loss, metrics=["accuracy"])
    return model


def _started(recipe: Recipe, classes: int) -> Any:
    """A fresh network, or the one to start from. Raises ``DataError`` if that has another shape."""
    fresh = build(recipe.arch, classes, recipe.size, recipe.width)
    if recipe.init:
        try:
            fresh.load_weights(recipe.init)
        except (ValueError, OSError, BadZipFile) as error:
            raise DataError(f"--init {recipe.init} is no {recipe.arch} network with {classes} labels") from error
    return fresh


def _targets(numbers: NDArray[np.int64], model: Any) -> NDArray[np.float32]:
    outputs = model.output_shape[-1]
    if outputs == 1:
        return numbers.astype(np.float32)[:, np.newaxis]
    return np.eye(outputs, dtype=np.float32)[numbers]


class Feed:
    """Endless supply of augmented batches; the same seed and epoch give the same pictures."""

    def __init__(self, samples: Sequence[Sample], card: Card, recipe: Recipe) -> None:
        self.card, self.recipe = card, recipe
        self.pictures, self.numbers = load_detailed(samples, card)

    def view(self, index: int, number: int, rng: np.random.Generator) -> Image:
        """One training view of a picture in epoch ``number``, as the network takes it.

        The share of clean views grows from half of ``clean`` to one and a half of it: hard first, true to life last.
        """
        if self.recipe.arch == "article":  # the article's augmentation was geometric only; lean is made for doorways
            return as_network_input(framing(self.pictures[index], rng, self.card.size), self.card)
        clean = self.recipe.clean * (0.5 + number / max(1, self.recipe.epochs - 1))
        return view(self.pictures[index], self.card, rng, clean)

    def epoch(self, number: int, model: Any) -> Any:
        """A Keras data set over one shuffled pass."""
        import keras

        feed = self
        order = np.random.default_rng((self.recipe.seed, number)).permutation(len(self.numbers))
        targets = _targets(self.numbers, model)

        class Batches(keras.utils.PyDataset):  # type: ignore[misc]
            def __len__(self) -> int:
                return -(-len(order) // feed.recipe.batch)

            def __getitem__(self, index: int) -> tuple[Any, Any]:
                chosen = order[index * feed.recipe.batch : (index + 1) * feed.recipe.batch]
                rng = np.random.default_rng((feed.recipe.seed, number, index))
                pictures = np.stack([feed.view(i, number, rng) for i in chosen])
                # unweighted: a label made dearer would be called too often, and scores be no probabilities
                return pictures, targets[chosen]

        return Batches(workers=1, use_multiprocessing=False, max_queue_size=8)


def _epochs(
    model: Any, feed: Feed, val: Any, recipe: Recipe, part: Path, state: dict[str, Any], say: Callable[[str], None]
) -> None:
    history: list[dict[str, float]] = state["history"]
    for number in range(len(history), recipe.epochs):
        best = min(range(len(history)), key=lambda i: history[i]["val_loss"], default=0)
        if len(history) - best > recipe.patience:
            say(f"no better validation loss for {recipe.patience} epochs: stopped early")
            return
        # cosine decay: the rate is a function of the epoch alone, so a resumed run goes on exactly where it was
        model.optimizer.learning_rate = recipe.rate * (0.01 + 0.99 * (1 + np.cos(np.pi * number / recipe.epochs)) / 2)
        logs = model.fit(feed.epoch(number, model), validation_data=val, epochs=1, verbose=0).history
        history.append({name: float(values[0]) for name, values in logs.items()})
        last = history[-1]
        if last["val_loss"] <= min(entry["val_loss"] for entry in history) or number == 0:
            _saved(model, part / "best.keras")
        _saved(model, part / "last.keras")
        write_json(part / "state.json", state)
        say(  # only now: what is announced is on disk
            f"epoch {number + 1:3}/{recipe.epochs}  loss {last['loss']:.4f}  accuracy {last['accuracy']:.4f}  "
            f"validation loss {last['val_loss']:.4f}  accuracy {last['val_accuracy']:.4f}"
        )


def _saved(model: Any, path: Path) -> None:
    """Whole or not at all: written beside, then renamed."""
    with replacing(path) as new:
        model.save(new)


def summary(sets: dict[str, list[Sample]]) -> dict[str, dict[str, dict[str, int]]]:
    """Pictures by split, source and label."""
    counts: dict[str, dict[str, dict[str, int]]] = {}
    for name, own in sets.items():
        for sample in own:
            row = counts.setdefault(name, {}).setdefault(sample.source, {})
            row[sample.label] = row.get(sample.label, 0) + 1
    return counts


def curves(history: Sequence[dict[str, float]], path: Path) -> None:
    """Loss and accuracy over the epochs, as a picture."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.5), layout="constrained")
    for axes, name in zip(figure.subplots(1, 2), ("loss", "accuracy"), strict=True):
        for key, style in ((name, "training"), (f"val_{name}", "validation")):
            axes.plot(range(1, len(history) + 1), [entry[key] for entry in history], label=style)
        axes.set_xlabel("epoch")
        axes.set_title(name)
        axes.grid(alpha=0.3)
        axes.legend()
    figure.savefig(path, dpi=120)
