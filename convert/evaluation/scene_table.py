"""Prints the figures of whole pictures as a table."""

from collections.abc import Sequence

from .metrics import macro_f1
from .scene_report import BANDS, FACE_LABELS, NO_LIMIT, Matches, SceneReport, detected, labelled

ROWS: tuple[tuple[str, Matches], ...] = (
    ("detected", detected),
    ("called mask", labelled("mask")),
    ("called no_mask", labelled("no_mask")),
    ("called incorrect_mask", labelled("incorrect_mask")),
    ("rejected", labelled("not_face")),
)


def table(report: SceneReport, title: str) -> str:
    """Returns the figures as text for people."""
    lines = [f"{title}: {len(report.scenes)} pictures; shares of all faces, 95 % bootstrap intervals", ""]
    lines.append(_row("", FACE_LABELS))
    lines.append(_row("faces", [report.label_share(label, detected).cases for label in FACE_LABELS]))
    lines += [_row(name, [report.label_share(label, matches) for label in FACE_LABELS]) for name, matches in ROWS]
    for low, high in BANDS:
        size = f"detected, {low} to {high} px" if high < NO_LIMIT else f"detected, from {low} px"
        lines.append(_row(size, [report.label_share(label, detected, (low, high)) for label in FACE_LABELS]))
    return "\n".join([*lines, "", *(_source_line(report, source) for source in report.sources), *_other_lines(report)])


def _row(name: str, cells: Sequence[object]) -> str:
    return f"{name:24}" + "".join(f"{cell!s:>24}" for cell in cells)


def _source_line(report: SceneReport, source: str) -> str:
    f1 = report.f1(source)
    by_label = ", ".join(f"{name} {value:.3f}" for name, value in f1.items())
    return (
        f"{source}: mask or not, on faces detected and not rejected, {report.binary(source)}; "
        f"F1 {by_label}; macro F1 {macro_f1(f1):.3f}"
    )


def _other_lines(report: SceneReport) -> list[str]:
    bands = ", ".join(f"to {high:.0f} {share}" for high, share in report.by_luma())
    return [
        f"mask or not, by the luma of the face: {bands or '-'}",
        f"false detections: {report.false_detections()} per picture, "
        f"{report.rejected_false_detections()} of them rejected, "
        f"{report.false_detections(labelled('no_mask'))} per picture called no_mask; "
        f"faces rejected: {report.rejected_faces()}",
        f"expected calibration error on faces {report.calibration_error():.4f}",
    ]
