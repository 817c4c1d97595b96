"""Trained without a source, tested on it: the only accuracy on crops that tells of a door never seen.

``leave_one_out`` trains once for each source; ``search`` trains once for each shape of network, always without the
same sources. Both train shortly, quantize, and measure the int8 model by the shipping classifier. What is finished
is on disk, so a stopped run goes on where it was.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from edge.faces.tflite import TfliteNetwork

from ..data.trees import DRAWINGS, DataError, Sample, read_tree, write_json
from ..evaluation.crops import Report, evaluate
from ..evaluation.intervals import Share
from .quantize import quantize
from .train import Recipe, train

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
"""What ``search`` tries, the first being what the others are measured by."""
REPEATS = 200
"""Invocations behind a time; the least of them counts, for others share the machine."""


def real(samples: Sequence[Sample], source: str) -> list[Sample]:
    """A source's own pictures: nothing drawn, no mined piece of background."""
    return [sample for sample in samples if sample.source == source and sample.label != "not_face"]


def measure(report: Report) -> dict[str, Any]:
    """Of a source's face crops: those on the right side (mask, or not right), F1 by label, those rejected.

    Intervals resample photos, not crops: several crops of one photo are one case.
    """
    names, photos = list(report.labels), [sample.path.stem.rsplit("-", 1)[0] for sample in report.samples]
    wrong = sum(report.probabilities[:, names.index(name)] for name in ("no_mask", "incorrect_mask") if name in names)
    masked = report.probabilities[:, names.index("mask")] >= wrong
    truth = np.array([sample.label for sample in report.samples])
    judged = truth != "incorrect_mask"
    return {
        "faces": len(report.samples),
        "binary": _share(photos, (masked == (truth == "mask")) & judged, judged).entry(),
        "f1": {name: round(report.of_label(name)["f1"], 4) for name in names if (truth == name).any()},
        "rejected": _share(photos, report.rejected, np.ones(len(truth), bool)).entry(),
        "calibration_error": round(report.calibration_error, 4),
    }


def _share(photos: Sequence[str], hits: Any, cases: Any) -> Share:
    rows: dict[str, list[int]] = {}
    for photo, hit, case in zip(photos, hits, cases, strict=True):
        row = rows.setdefault(photo, [0, 0])
        row[0], row[1] = row[0] + int(hit), row[1] + int(case)
    return Share(np.array(list(rows.values()), np.float64))


def leave_one_out(
    data: Path, recipe: Recipe, out: Path, labels: Sequence[str], say: Callable[[str], None] = print
) -> dict[str, Any]:
    """For each source of ``data``, what a model that never saw it makes of it; also written to ``out`` (.json)."""
    samples = [sample for sample in read_tree(data) if sample.label in labels]
    sources = sorted({s.source for s in samples if not s.source.endswith(DRAWINGS) and s.label != "not_face"})
    if len(sources) < 2:
        raise DataError(f"{data} has one source only ({sources[0] if sources else 'none'}): none can be left out")
    figures = _resumed(out, recipe)
    for source in sources:
        if source in figures["sources"]:
            continue
        say(f"without {source}")
        model = _model(data, samples, replace(recipe, exclude=(source,)), out.parent / f"without-{source}", say)
        figures["sources"][source] = measure(evaluate(TfliteNetwork(model, threads=1), real(samples, source)))
        write_json(out, figures)
        say(f"{source}: {json.dumps(figures['sources'][source])}")
    return figures


def search(
    data: Path,
    recipe: Recipe,
    out: Path,
    labels: Sequence[str],
    say: Callable[[str], None] = print,
    shapes: Mapping[str, dict[str, Any]] = SHAPES,
) -> dict[str, Any]:
    """Every one of ``shapes``, trained without ``recipe.exclude`` and tested on it; also written to ``out``."""
    samples = [sample for sample in read_tree(data) if sample.label in labels]
    missing = set(recipe.exclude) - {sample.source for sample in samples}
    if missing or not recipe.exclude:
        raise DataError(f"name sources of {data} to hold out; not there: {', '.join(sorted(missing)) or 'none named'}")
    figures = _resumed(out, recipe)
    for number, (name, shape) in enumerate(shapes.items()):
        if name in figures["sources"]:
            continue
        say(name)
        model = _model(data, samples, replace(recipe, **shape), out.parent / f"shape-{number}", say)
        network = TfliteNetwork(model, threads=1)
        figures["sources"][name] = {
            "shape": shape,
            "bytes": model.stat().st_size,
            "multiply_adds": json.loads(model.with_suffix(".json").read_text("utf-8"))["multiply_adds"],
            "milliseconds": round(milliseconds(network), 4),
            "held_out": {source: measure(evaluate(network, real(samples, source))) for source in recipe.exclude},
        }
        write_json(out, figures)
        say(f"{name}: {json.dumps(figures['sources'][name])}")
    return figures


def milliseconds(network: TfliteNetwork) -> float:
    """Least time of one face, on one thread of this machine: a figure to compare with others of the same run."""
    size = network.card.size
    batch = np.random.default_rng(0).integers(0, 256, (1, size, size, 3)).astype(np.uint8)
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        network.probabilities(batch)
        times.append(time.perf_counter() - start)
    return 1000 * min(times)


def _model(data: Path, samples: Sequence[Sample], recipe: Recipe, stem: Path, say: Callable[[str], None]) -> Path:
    keras_file, model = stem.with_suffix(".keras"), stem.with_suffix(".tflite")
    if not keras_file.exists():
        train(samples, recipe, keras_file, say)
    if not model.exists():
        quantize(keras_file, data, model)
    return model


def _resumed(out: Path, recipe: Recipe) -> dict[str, Any]:
    fresh = {"recipe": recipe.told, "sources": {}}
    try:
        found: dict[str, Any] = json.loads(out.read_text("utf-8"))
    except FileNotFoundError:
        return fresh
    except ValueError as error:
        raise DataError(f"{out} is damaged; delete it and start anew") from error
    if found.get("recipe") != fresh["recipe"]:
        raise DataError(f"{out} holds figures of another recipe; delete it or choose another --out")
    return found
