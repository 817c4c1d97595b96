"""Draws the charts of an evaluation: confusion matrix, threshold curve, and a contact sheet of the worst mistakes."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.camera import pictures
from edge.camera.frames import Image

from ..data.files import write_json
from ..data.trees import read_picture
from .crops import CropReport, summary


def write_report(report: CropReport, out: Path) -> list[Path]:
    """Writes report.json and the charts to the folder ``out``, and returns the paths.

    The charts are confusion.png, threshold.png (if the model has the label no_mask) and mistakes.jpg (if there are
    any).
    """
    out.mkdir(parents=True, exist_ok=True)
    files = [out / "report.json", out / "confusion.png"]
    write_json(files[0], summary(report))
    _confusion_chart(report, files[1])
    if "no_mask" in report.labels:
        files.append(out / "threshold.png")
        _threshold_chart(report, files[-1])
    sheet = mistakes(report)
    if sheet is not None:
        files.append(out / "mistakes.jpg")
        pictures.write(sheet, files[-1])
    return files


def _confusion_chart(report: CropReport, path: Path) -> None:
    from matplotlib.figure import Figure

    counts = report.confusion
    shares = counts / np.maximum(1, counts.sum(axis=1, keepdims=True))
    figure = Figure(figsize=(1.6 + 1.3 * len(counts), 1.2 + 1.1 * len(counts)), layout="constrained")
    axes = figure.subplots()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(counts):
        axes.text(
            column, row, str(count), ha="center", va="center", color="white" if shares[row, column] > 0.5 else "black"
        )
    axes.set_xticks(range(len(counts)), report.labels, rotation=20)
    axes.set_yticks(range(len(counts)), report.labels)
    axes.set_xlabel("answer")
    axes.set_ylabel("truth")
    axes.set_title(f"{report.card.name}: accuracy {report.accuracy:.4f}")
    figure.savefig(path, dpi=120)


def threshold_curve(report: CropReport, label: str = "no_mask") -> NDArray[np.float64]:
    """Returns rows of (threshold, precision, recall) for answering ``label`` from that probability on, ``(49, 3)``.

    The precision is 1 where the model never answers ``label``.
    """
    number = report.labels.index(label)
    scores, actual = report.probabilities[:, number], report.truth == number
    rows = []
    for threshold in np.linspace(0.02, 0.98, 49):
        answered = scores >= threshold
        hits = (answered & actual).sum()
        rows.append((threshold, hits / answered.sum() if answered.any() else 1.0, hits / max(1, actual.sum())))
    return np.array(rows)


def _threshold_chart(report: CropReport, path: Path) -> None:
    from matplotlib.figure import Figure

    curve = threshold_curve(report)
    figure = Figure(figsize=(6, 3.6), layout="constrained")
    axes = figure.subplots()
    axes.plot(curve[:, 0], curve[:, 1], label="precision")
    axes.plot(curve[:, 0], curve[:, 2], label="recall", linestyle="--")
    axes.set_xlabel("threshold on the probability of no_mask")
    axes.set_ylim(min(0.9, float(curve[:, 1:].min())) - 0.005, 1.002)
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path, dpi=120)


def mistakes(report: CropReport, most: int = 48, side: int = 128) -> Image | None:
    """Returns a contact sheet of the mistakes with the highest confidence, worst first, or None without mistakes.

    ``side`` is the width of each tile in pixels. Captions say truth > answer and confidence.
    """
    wrong = np.flatnonzero(~report.correct)
    worst = sorted(wrong, key=lambda i: -float(report.probabilities[i].max()))[:most]
    tiles = [_tile(report, int(i), side) for i in worst]
    if not tiles:
        return None
    columns = min(8, len(tiles))
    tiles += [np.full_like(tiles[0], 255)] * (-len(tiles) % columns)
    return np.vstack([np.hstack(tiles[i : i + columns]) for i in range(0, len(tiles), columns)])


def _tile(report: CropReport, index: int, side: int) -> Image:
    sample, confidence = report.samples[index], report.probabilities[index].max()
    tile = cv2.resize(read_picture(sample.path), (side, side), interpolation=cv2.INTER_AREA)
    caption = f"{sample.label}>{report.labels[report.answers[index]]} {confidence:.2f}"
    strip = np.full((18, side, 3), 255, np.uint8)
    cv2.putText(strip, caption, (2, 13), cv2.FONT_HERSHEY_SIMPLEX, 0.36, (0, 0, 0), 1, cv2.LINE_AA)
    return np.vstack([tile, strip])
