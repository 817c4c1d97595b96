"""Figures of one model on labelled crops, through the shipping ``edge.faces``: no second copy of it."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.camera.frames import Image
from edge.config.schema import ClassifyConfig
from edge.faces.card import Card
from edge.faces.classifier import MaskClassifier, Network
from edge.faces.tflite import TfliteNetwork, as_probabilities

from ..data.trees import DataError, Sample, labels_in, read_picture, read_tree

BINS = 15
"""Equal-width bins of the expected calibration error (Guo et al., "On calibration of modern neural networks", 2017)."""


class KerasNetwork:
    """A .keras file behind the device's ``Network`` seam."""

    def __init__(self, path: Path) -> None:
        file = read_about(path)
        import keras  # after the files: what is missing there is told without TensorFlow too

        try:
            self.about: dict[str, Any] = json.loads(file.read_text("utf-8"))
            labels = tuple(self.about["labels"])
            self.model: Any = keras.models.load_model(path, compile=False)
        except (ValueError, KeyError, TypeError, OSError) as error:
            raise DataError(f"{path} or {file.name} is damaged; train again") from error
        taken = self.about.get("input", {})
        size, exposure = int(self.model.input_shape[1]), taken.get("exposure", "camera")
        self.card = Card(path.stem, labels, size, taken.get("colour", "rgb"), "float", exposure)

    def probabilities(self, batch: Image) -> NDArray[np.float32]:
        rows = np.asarray(self.model.predict_on_batch(batch.astype(np.float32)), np.float32)
        return as_probabilities(rows, len(self.card.labels))


def read_about(keras_file: Path) -> Path:
    """The .labels.json that ``train`` writes beside a .keras file. Raises ``DataError`` if either is missing."""
    about = keras_file.with_suffix(".labels.json")
    for path in (keras_file, about):
        if not path.is_file():
            raise DataError(f"{path} is not there; `maskwatch-convert train` writes it")
    return about


def open_network(path: Path) -> Network:
    """A .tflite model with its card, or a .keras model. Raises ``ModelError`` or ``DataError`` naming the file."""
    if path.suffix == ".tflite":
        return TfliteNetwork(path, threads=1)
    if path.suffix == ".keras":
        return KerasNetwork(path)
    raise DataError(f"{path}: a model is a .tflite or a .keras file")


def held_out(root: Path) -> list[Sample]:
    """The test part of a tree, else its validation part, else (no splits) all of it."""
    samples = read_tree(root)
    for name in ("test", "val", None):
        own = [sample for sample in samples if sample.split == name]
        if own:
            return own
    raise DataError(f"{root} has only a training part; evaluate on pictures the model was not trained on")


def calibration_error(sure: NDArray[np.floating], right: NDArray[np.bool_]) -> float:
    """Expected calibration error, 0..1, of confidences ``(n,)`` and of whether each answer was right ``(n,)``."""
    bins = np.minimum((sure * BINS).astype(int), BINS - 1)
    gaps = [abs(float(sure[bins == b].mean() - right[bins == b].mean())) * (bins == b).mean() for b in set(bins)]
    return float(sum(gaps))


@dataclass(frozen=True, slots=True)
class Report:
    """Probabilities ``(n, labels)`` of a model for ``n`` samples, and what follows from them."""

    card: Card
    samples: list[Sample]
    probabilities: NDArray[np.float32]

    @property
    def labels(self) -> tuple[str, ...]:
        return self.card.labels

    @property
    def truth(self) -> NDArray[np.int64]:
        return np.array([self.labels.index(sample.label) for sample in self.samples])

    @property
    def said(self) -> NDArray[np.int64]:
        return np.asarray(self.probabilities.argmax(axis=1))

    @property
    def confusion(self) -> NDArray[np.int64]:
        """Counts, truth in rows, answers in columns."""
        table = np.zeros((len(self.labels), len(self.labels)), np.int64)
        np.add.at(table, (self.truth, self.said), 1)
        return table

    @property
    def accuracy(self) -> float:
        return float((self.truth == self.said).mean())

    @property
    def rejected(self) -> NDArray[np.bool_]:
        """The faces that the model takes for none, ``(n,)``; the device says nothing about those."""
        if "not_face" not in self.labels:
            return np.zeros(len(self.samples), bool)
        reject = self.labels.index("not_face")
        return np.asarray((self.said == reject) & (self.truth != reject))

    @property
    def accepted_accuracy(self) -> float:
        """Share of right answers where the model does not reject a face."""
        return float((self.truth == self.said)[~self.rejected].mean())

    @property
    def calibration_error(self) -> float:
        """Expected calibration error, 0..1: mean gap between confidence and accuracy, weighted by bin."""
        return calibration_error(self.probabilities.max(axis=1), self.truth == self.said)

    def of_label(self, label: str) -> dict[str, float]:
        """Precision, recall and F1 of one label, and its number of samples."""
        n = self.labels.index(label)
        hits, answers, real = self.confusion[n, n], self.confusion[:, n].sum(), self.confusion[n].sum()
        precision, recall = hits / max(1, answers), hits / max(1, real)
        return {
            "precision": float(precision),
            "recall": float(recall),
            "f1": float(2 * precision * recall / max(1e-9, precision + recall)),
            "count": int(real),
        }

    def by_source(self) -> dict[str, tuple[int, float]]:
        """Number and accuracy of each source's samples."""
        right = self.truth == self.said
        sources = np.array([sample.source for sample in self.samples])
        return {str(s): (int((sources == s).sum()), float(right[sources == s].mean())) for s in np.unique(sources)}


def evaluate(network: Network, samples: Iterable[Sample]) -> Report:
    """Runs the model over the samples whose labels it knows. Raises ``DataError`` when there are none."""
    known = [sample for sample in samples if sample.label in network.card.labels]
    if not known:
        raise DataError(f"none of these pictures has a label the model knows ({', '.join(network.card.labels)})")
    classifier = MaskClassifier(network, reject=ClassifyConfig().reject)
    rows: list[list[float]] = []
    for start in range(0, len(known), 64):
        crops = [read_picture(sample.path) for sample in known[start : start + 64]]
        rows += [list(found.values()) for found in classifier.classify_crops(crops)]
    return Report(network.card, known, np.array(rows, np.float32))


def table(report: Report) -> str:
    """The figures as text."""
    shown = [label for label in report.labels if report.of_label(label)["count"]]
    lines = [
        f"{report.card.id}: {len(report.samples)} pictures, accuracy {report.accuracy:.4f}, "
        f"expected calibration error {report.calibration_error:.4f}",
        "",
        f"{'label':15} {'precision':>9} {'recall':>9} {'F1':>9} {'pictures':>9}",
    ]
    for label in shown:
        own = report.of_label(label)
        lines.append(f"{label:15} {own['precision']:9.4f} {own['recall']:9.4f} {own['f1']:9.4f} {own['count']:9}")
    lines += ["", "truth \\ answer " + "".join(f"{label:>15}" for label in report.labels)]
    for label, row in zip(report.labels, report.confusion, strict=True):
        if label in shown:
            lines.append(f"{label:15}" + "".join(f"{count:15}" for count in row))
    if report.rejected.any():
        lines += [
            "",
            f"{report.rejected.sum()} faces taken for none; accuracy on the others {report.accepted_accuracy:.4f}",
        ]
    if len(report.by_source()) > 1:
        lines += ["", f"{'source':15} {'pictures':>9} {'accuracy':>9}"]
        lines += [f"{name:15} {count:9} {share:9.4f}" for name, (count, share) in report.by_source().items()]
    return "\n".join(lines)


def summary(report: Report) -> dict[str, Any]:
    """The figures for a card or a report file."""
    return {
        "pictures": len(report.samples),
        "accuracy": round(report.accuracy, 4),
        "calibration_error": round(report.calibration_error, 4),
        "labels": {
            name: {key: round(value, 4) for key, value in report.of_label(name).items()}
            for name in labels_in(report.samples)
        },
        "sources": {name: round(share, 4) for name, (_, share) in report.by_source().items()},
    }


def compare(a: Network, b: Network, samples: Sequence[Sample]) -> str:
    """Two models side by side on the same pictures, with how often exactly one of them is right."""
    shared = set(a.card.labels) & set(b.card.labels)
    reports = [evaluate(network, [s for s in samples if s.label in shared]) for network in (a, b)]
    names = [report.card.id for report in reports]
    rows: list[tuple[str, list[float]]] = [
        ("accuracy", [r.accuracy for r in reports]),
        ("calibration error", [r.calibration_error for r in reports]),
    ]
    for label in labels_in(reports[0].samples):
        rows += [(f"{label} {key}", [r.of_label(label)[key] for r in reports]) for key in ("precision", "recall", "f1")]
    for source in reports[0].by_source():
        rows.append((f"source {source}", [r.by_source()[source][1] for r in reports]))
    right = [r.truth == r.said for r in reports]
    lines = [f"{len(reports[0].samples)} pictures", f"{'':28} {names[0]:>22} {names[1]:>22}"]
    lines += [f"{name:28} {values[0]:22.4f} {values[1]:22.4f}" for name, values in rows]
    lines.append(f"{'only this one is right':28} {(right[0] & ~right[1]).sum():22} {(right[1] & ~right[0]).sum():22}")
    return "\n".join(lines)
