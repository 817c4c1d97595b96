"""Compares two models on the same face crops."""

from collections.abc import Sequence

from edge.faces.classifier import Network

from ..data.splits import labels_present
from ..data.trees import Sample
from .crops import CropReport, evaluate


def compare(a: Network, b: Network, samples: Sequence[Sample]) -> str:
    """Returns the figures of two models side by side, and how many pictures only one of them classifies correctly.

    Only samples with a label that both models have are used. Raises ``DataError`` if there are none.
    """
    shared = set(a.card.labels) & set(b.card.labels)
    report_a, report_b = (evaluate(network, [s for s in samples if s.label in shared]) for network in (a, b))
    lines = [f"{len(report_a.samples)} pictures", f"{'':28} {report_a.card.id:>22} {report_b.card.id:>22}"]
    lines += [
        f"{name:28} {left:22.4f} {right:22.4f}"
        for (name, left), right in zip(_figures(report_a).items(), _figures(report_b).values(), strict=True)
    ]
    only_a, only_b = (report_a.correct & ~report_b.correct).sum(), (report_b.correct & ~report_a.correct).sum()
    return "\n".join([*lines, f"{'correct in this model only':28} {only_a:22} {only_b:22}"])


def _figures(report: CropReport) -> dict[str, float]:
    figures = {"accuracy": report.accuracy, "calibration error": report.calibration_error}
    for label in labels_present(report.samples):
        row = report.label_figures(label)
        figures |= {f"{label} {name}": row[name] for name in ("precision", "recall", "f1")}
    return figures | {f"source {name}": accuracy for name, (_, accuracy) in report.by_source().items()}
