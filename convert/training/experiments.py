"""Measures models on crops of sources that they were not trained on.

On sources that trained it, a model's accuracy says little about a new door. ``leave_one_out`` therefore trains once per
source without that source, and ``search`` trains once per network shape, always without the same sources. Both train
briefly, quantize, and measure the int8 model with the device's classifier. Finished models and figures are on disk, so
a stopped run resumes there.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.faces.tflite import TfliteNetwork
from edge.paths import read_text

from ..data.files import write_json
from ..data.prepare import photo_of
from ..data.readable import readable
from ..data.splits import DRAWN_SUFFIX
from ..data.trees import Sample, read_tree
from ..errors import DataError
from ..evaluation.crops import CropReport, evaluate
from ..evaluation.intervals import Share
from .quantize import quantize
from .recipe import Recipe
from .train import Say, train

SHAPES: dict[str, dict[str, Any]] = {
    "96 px, as shipped": {"size": 96},
    "64 px": {"size": 64},
    "64 px, grey": {"size": 64, "colour": "luma"},
    "64 px, exposed by the camera": {"size": 64, "exposure": "camera"},
    "48 px": {"size": 48},
    "80 px": {"size": 80},
    "96 px, half the channels": {"size": 96, "width": 0.5},
    "112 px": {"size": 112},
    "64 px, 1.5 times the channels": {"size": 64, "width": 1.5},
}
"""Changes to the recipe that ``search`` tries, by name. The model card compares the others with the first."""
INVOCATIONS = 200
"""Invocations behind an inference time. The least time counts, because other processes share the machine."""


def face_samples(samples: Sequence[Sample], source: str) -> list[Sample]:
    """Returns the real faces of one source, without drawings and without pictures of the reject class."""
    return [sample for sample in samples if sample.source == source and sample.label != "not_face"]


def measure(report: CropReport) -> dict[str, Any]:
    """Returns the figures of one source's face crops.

    ``binary`` is the share of masked and bare faces whose answer is on the right side: mask, or either fault. ``f1`` is
    by label. ``rejected`` is the share of faces that the model takes for none. The confidence intervals resample
    photos, because several crops of one photo are not independent.
    """
    labels, photos = list(report.labels), [photo_of(sample.path) for sample in report.samples]
    faults = [labels.index(label) for label in ("no_mask", "incorrect_mask") if label in labels]
    masked = report.probabilities[:, labels.index("mask")] >= report.probabilities[:, faults].sum(axis=1)
    truth = np.array([sample.label for sample in report.samples])
    counted = truth != "incorrect_mask"
    return {
        "faces": len(report.samples),
        "binary": _share(photos, (masked == (truth == "mask")) & counted, counted).entry(),
        "f1": {label: round(report.label_figures(label)["f1"], 4) for label in labels if (truth == label).any()},
        "rejected": _share(photos, report.rejected, np.ones(len(truth), bool)).entry(),
        "calibration_error": round(report.calibration_error, 4),
    }


def _share(photos: Sequence[str], hits: NDArray[np.bool_], cases: NDArray[np.bool_]) -> Share:
    """Counts the hits and cases, ``(n,)`` each, photo by photo."""
    rows: dict[str, list[int]] = {}
    for photo, hit, case in zip(photos, hits, cases, strict=True):
        row = rows.setdefault(photo, [0, 0])
        row[0] += int(hit)
        row[1] += int(case)
    return Share(np.array(list(rows.values()), np.float64))


def leave_one_out(data: Path, recipe: Recipe, out: Path, labels: Sequence[str], say: Say = print) -> dict[str, Any]:
    """Trains without each source of ``data`` in turn, and measures the model on that source.

    Writes the figures to ``out`` (.json) and returns them. Raises ``DataError`` if there are fewer than two sources.
    """
    samples = readable([sample for sample in read_tree(data) if sample.label in labels])
    sources = sorted({s.source for s in samples if not s.source.endswith(DRAWN_SUFFIX) and s.label != "not_face"})
    if len(sources) < 2:
        raise DataError(
            f"{data} has one source only ({', '.join(sources) or 'none'}); leaving one out needs two or more"
        )

    def experiment(source: str) -> dict[str, Any]:
        without = replace(recipe, exclude=(source,))
        model = _train_and_quantize(data, samples, without, out.parent / f"without-{source}", say)
        return measure(evaluate(TfliteNetwork(model, threads=1), face_samples(samples, source)))

    return _run_all({source: f"without {source}" for source in sources}, experiment, recipe, out, say)


def search(
    data: Path,
    recipe: Recipe,
    out: Path,
    labels: Sequence[str],
    say: Say = print,
    shapes: Mapping[str, dict[str, Any]] = SHAPES,
) -> dict[str, Any]:
    """Trains each of ``shapes`` without the sources ``recipe.exclude``, and measures the models on those sources.

    Writes the figures to ``out`` (.json) and returns them. Raises ``DataError`` if a source is not in ``data``.
    """
    samples = readable([sample for sample in read_tree(data) if sample.label in labels])
    missing = set(recipe.exclude) - {sample.source for sample in samples}
    if missing or not recipe.exclude:
        raise DataError(f"--held-out needs sources of {data}; not there: {', '.join(sorted(missing)) or 'none named'}")
    numbers = {name: number for number, name in enumerate(shapes)}

    def experiment(name: str) -> dict[str, Any]:
        stem = out.parent / f"shape-{numbers[name]}"
        model = _train_and_quantize(data, samples, replace(recipe, **shapes[name]), stem, say)
        return {"shape": shapes[name]} | _cost_and_accuracy(model, samples, recipe.exclude)

    return _run_all({name: name for name in shapes}, experiment, recipe, out, say)


def _cost_and_accuracy(model: Path, samples: Sequence[Sample], sources: Sequence[str]) -> dict[str, Any]:
    network = TfliteNetwork(model, threads=1)
    return {
        "bytes": model.stat().st_size,
        "multiply_adds": json.loads(model.with_suffix(".json").read_text("utf-8"))["multiply_adds"],
        "milliseconds": round(inference_ms(network), 4),
        "held_out": {source: measure(evaluate(network, face_samples(samples, source))) for source in sources},
    }


def inference_ms(network: TfliteNetwork) -> float:
    """Returns the least time per face, in milliseconds, on one thread. Compare it with times of the same run only."""
    size = network.card.size
    batch = np.random.default_rng(0).integers(0, 256, (1, size, size, 3)).astype(np.uint8)
    times = []
    for _ in range(INVOCATIONS):
        start = time.perf_counter()
        network.probabilities(batch)
        times.append(time.perf_counter() - start)
    return 1000 * min(times)


def _run_all(
    titles: Mapping[str, str], experiment: Callable[[str], dict[str, Any]], recipe: Recipe, out: Path, say: Say
) -> dict[str, Any]:
    """Runs the experiments whose figures are not in ``out`` yet, and writes the file after each."""
    figures = _read_finished(out, recipe)
    for name, title in titles.items():
        if name not in figures["sources"]:
            say(title)
            figures["sources"][name] = experiment(name)
            write_json(out, figures)
            say(f"{name}: {json.dumps(figures['sources'][name])}")
    return figures


def _train_and_quantize(data: Path, samples: Sequence[Sample], recipe: Recipe, stem: Path, say: Say) -> Path:
    keras_file, model = stem.with_suffix(".keras"), stem.with_suffix(".tflite")
    if not keras_file.exists():
        train(samples, recipe, keras_file, say)
    if not model.exists():
        quantize(keras_file, data, model)
    return model


def _read_finished(out: Path, recipe: Recipe) -> dict[str, Any]:
    fresh = {"recipe": recipe.entry(), "sources": {}}
    try:
        figures: dict[str, Any] = json.loads(read_text(out))
    except FileNotFoundError:
        return fresh
    except ValueError as error:
        raise DataError(f"{out} is damaged; delete it and start again") from error
    if figures.get("recipe") != fresh["recipe"]:
        raise DataError(f"{out} holds figures of another recipe; delete it or choose another --out")
    return figures
