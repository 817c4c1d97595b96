"""Computes the metrics that several reports share."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

BINS = 15
"""Equal-width bins of the expected calibration error (Guo et al., "On calibration of modern neural networks", 2017)."""


def precision_recall_f1(matrix: NDArray[np.int64], label: int) -> tuple[float, float, float]:
    """Returns precision, recall and F1 of one label from a confusion matrix (truth in rows, answers in columns).

    A metric whose denominator is 0 is 0.
    """
    hits, answers, cases = int(matrix[label, label]), int(matrix[:, label].sum()), int(matrix[label].sum())
    return hits / max(1, answers), hits / max(1, cases), 2 * hits / max(1, answers + cases)


def confusion_matrix(truth: NDArray[np.int64], answers: NDArray[np.int64], labels: int) -> NDArray[np.int64]:
    """Counts the label numbers ``(n,)`` in a matrix ``(labels, labels)``: truth in rows, answers in columns."""
    matrix = np.zeros((labels, labels), np.int64)
    np.add.at(matrix, (truth, answers), 1)
    return matrix


def macro_f1(f1: Mapping[str, float]) -> float:
    """Returns the mean of the F1 of all labels, or 0 if there is none."""
    return sum(f1.values()) / max(1, len(f1))


def expected_calibration_error(confidences: NDArray[np.floating], correct: NDArray[np.bool_]) -> float:
    """Returns the mean gap between confidence ``(n,)`` and accuracy (from ``correct``, ``(n,)``), weighted by bin."""
    bins = np.minimum((confidences * BINS).astype(int), BINS - 1)
    gaps = [abs(float(confidences[bins == b].mean() - correct[bins == b].mean())) * (bins == b).mean()
            for b in set(bins)]  # fmt: skip
    return float(sum(gaps))
