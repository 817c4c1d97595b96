"""Measures one model on labelled face crops, with the device's own classifier."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.config.schema import ClassifyConfig
from edge.faces.card import Card
from edge.faces.classifier import MaskClassifier, Network

from ..data.splits import labels_present
from ..data.trees import Sample, read_picture
from ..errors import DataError
from .metrics import confusion_matrix, expected_calibration_error, precision_recall_f1

BATCH = 64
"""Pictures in memory at a time."""


@dataclass(frozen=True, slots=True)
class CropReport:
    """Holds the probabilities ``(n, labels)`` of a model for ``n`` samples, and computes the figures from them."""

    card: Card
    samples: list[Sample]
    probabilities: NDArray[np.float32]

    @property
    def labels(self) -> tuple[str, ...]:
        return self.card.labels

    @property
    def truth(self) -> NDArray[np.int64]:
        """Label numbers of the samples, ``(n,)``."""
        return np.array([self.labels.index(sample.label) for sample in self.samples])

    @property
    def answers(self) -> NDArray[np.int64]:
        """Label numbers that the model gives, ``(n,)``."""
        return np.asarray(self.probabilities.argmax(axis=1))

    @property
    def correct(self) -> NDArray[np.bool_]:
        """Whether each answer is the truth, ``(n,)``."""
        return np.asarray(self.truth == self.answers)

    @property
    def confusion(self) -> NDArray[np.int64]:
        """Confusion matrix: truth in rows, answers in columns."""
        return confusion_matrix(self.truth, self.answers, len(self.labels))

    @property
    def accuracy(self) -> float:
        return float(self.correct.mean())

    @property
    def rejected(self) -> NDArray[np.bool_]:
        """The faces that the model takes for the reject class, ``(n,)``. The device reports nothing about those."""
        if "not_face" not in self.labels:
            return np.zeros(len(self.samples), bool)
        reject = self.labels.index("not_face")
        return np.asarray((self.answers == reject) & (self.truth != reject))

    @property
    def accepted_accuracy(self) -> float:
        """Share of correct answers among the samples that are not rejected faces."""
        return float(self.correct[~self.rejected].mean())

    @property
    def calibration_error(self) -> float:
        """Expected calibration error, 0..1."""
        return expected_calibration_error(self.probabilities.max(axis=1), self.correct)

    def label_figures(self, label: str) -> dict[str, float]:
        """Returns precision, recall and F1 of one label, and its number of samples."""
        number = self.labels.index(label)
        precision, recall, f1 = precision_recall_f1(self.confusion, number)
        return {"precision": precision, "recall": recall, "f1": f1, "count": int((self.truth == number).sum())}

    def by_source(self) -> dict[str, tuple[int, float]]:
        """Returns the number and the accuracy of each source's samples."""
        correct, sources = self.correct, np.array([sample.source for sample in self.samples])
        return {str(s): (int((sources == s).sum()), float(correct[sources == s].mean())) for s in np.unique(sources)}


def evaluate(network: Network, samples: Iterable[Sample]) -> CropReport:
    """Runs the model over the samples whose labels it has. Raises ``DataError`` if there are none."""
    known = [sample for sample in samples if sample.label in network.card.labels]
    if not known:
        raise DataError(f"none of these pictures has a label that the model has ({', '.join(network.card.labels)})")
    classifier = MaskClassifier(network, reject=ClassifyConfig().reject)
    rows: list[list[float]] = []
    for start in range(0, len(known), BATCH):
        crops = [read_picture(sample.path) for sample in known[start : start + BATCH]]
        rows += [list(probabilities.values()) for probabilities in classifier.classify_crops(crops)]
    return CropReport(network.card, known, np.array(rows, np.float32))


def table(report: CropReport) -> str:
    """Returns the figures as text for people."""
    title = (
        f"{report.card.id}: {len(report.samples)} pictures, accuracy {report.accuracy:.4f}, "
        f"expected calibration error {report.calibration_error:.4f}"
    )
    present = labels_present(report.samples)
    figures = {label: report.label_figures(label) for label in report.labels if label in present}
    lines = [title, "", f"{'label':15} {'precision':>9} {'recall':>9} {'F1':>9} {'pictures':>9}"]
    lines += [
        f"{label:15} {row['precision']:9.4f} {row['recall']:9.4f} {row['f1']:9.4f} {row['count']:9}"
        for label, row in figures.items()
    ]
    lines += ["", "truth \\ answer " + "".join(f"{label:>15}" for label in report.labels)]
    for label, counts in zip(report.labels, report.confusion, strict=True):
        if label in figures:
            lines.append(f"{label:15}" + "".join(f"{count:15}" for count in counts))
    return "\n".join([*lines, *_rejected_lines(report), *_source_lines(report)])


def _rejected_lines(report: CropReport) -> list[str]:
    count = int(report.rejected.sum())
    return ["", f"{count} faces rejected; accuracy on the others {report.accepted_accuracy:.4f}"] if count else []


def _source_lines(report: CropReport) -> list[str]:
    sources = report.by_source()
    if len(sources) < 2:
        return []
    rows = [f"{name:15} {count:9} {accuracy:9.4f}" for name, (count, accuracy) in sources.items()]
    return ["", f"{'source':15} {'pictures':>9} {'accuracy':>9}", *rows]


def summary(report: CropReport) -> dict[str, Any]:
    """Returns the figures for a model's card or a report file."""
    return {
        "pictures": len(report.samples),
        "accuracy": round(report.accuracy, 4),
        "calibration_error": round(report.calibration_error, 4),
        "labels": {
            label: {name: round(value, 4) for name, value in report.label_figures(label).items()}
            for label in labels_present(report.samples)
        },
        "sources": {name: round(accuracy, 4) for name, (_, accuracy) in report.by_source().items()},
    }
