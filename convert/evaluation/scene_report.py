"""Shares over whole pictures, with intervals: what ``scenes`` saw, in the tables that ``evaluate-scenes`` prints."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.config.schema import ClassifyConfig
from edge.faces.face import Face
from edge.faces.geometry import Box

from .crops import calibration_error
from .intervals import Share
from .scenes import Looked, Truth

REJECT = ClassifyConfig().reject
BANDS = ((0, 60), (60, 100), (100, 10**6))
"""Face sizes told apart, pixels of the shorter side."""
FACES = ("mask", "no_mask", "incorrect_mask")
Call = str | None
"""What became of a labelled face: its label, ``not_face`` (found, then rejected), or None (not found)."""


class SceneReport:
    """What the figures follow from. ``reject`` is the device's: a ``not_face`` probability above it drops a face."""

    def __init__(self, looked: Sequence[Looked], *, reject: float = REJECT) -> None:
        self.looked, self.reject = list(looked), reject

    @property
    def sources(self) -> list[str]:
        return sorted({scene.source for scene in self.looked})

    def call(self, answer: dict[str, float] | None) -> Call:
        if answer is None:
            return None
        return "not_face" if answer.get("not_face", 0.0) > self.reject else Face(Box(0, 0, 1, 1), answer).label

    def share(self, fits: Callable[[Call], bool], cases: Callable[[Truth, Call], bool], source: str = "") -> Share:
        """Of the labelled faces that are ``cases`` (of one source), those whose call ``fits``."""
        rows = []
        for scene in self.looked:
            calls = [(seen.truth, self.call(seen.answer)) for seen in scene.faces if source in ("", scene.source)]
            own = [call for truth, call in calls if cases(truth, call)]
            rows.append((sum(map(fits, own)), len(own)))
        return Share(np.array(rows, np.float64))

    def of(self, label: str, fits: Callable[[Call], bool], band: tuple[int, int] = (0, 10**6)) -> Share:
        """Of all faces with ``label`` (and a size in ``band``), found or not, those whose call fits."""
        return self.share(fits, lambda truth, call: truth.label == label and band[0] <= truth.side < band[1])

    def false_faces(self, fits: Callable[[Call], bool]) -> Share:
        """Detections on no face whose call fits, a picture."""
        rows = [(sum(fits(self.call(answer)) for answer in scene.strays), 1) for scene in self.looked]
        return Share(np.array(rows, np.float64))

    def rejected(self) -> Share:
        """Of the detections on no face, those that the reject class drops."""
        rows = [
            (sum(self.call(answer) == "not_face" for answer in scene.strays), len(scene.strays))
            for scene in self.looked
        ]
        return Share(np.array(rows, np.float64))

    def lost(self) -> Share:
        """Of the labelled faces that were found, those that the reject class drops."""
        return self.share(lambda call: call == "not_face", lambda truth, call: call is not None)

    def binary(self, source: str = "") -> Share:
        """Of the masked and bare faces found and not rejected, those on the right side: mask, or not right."""
        right = [
            self.share(lambda call: call == "mask", lambda t, call: t.label == "mask" and _kept(call), source),
            self.share(lambda call: call != "mask", lambda t, call: t.label == "no_mask" and _kept(call), source),
        ]
        return Share(right[0].counts + right[1].counts)

    def by_luma(self) -> list[tuple[float, Share]]:
        """``binary`` in four bands of the faces' own brightness, darkest first, each with its upper end 0..255.

        Nobody labelled skin or light; how bright a face is in the picture stands in for both.
        """
        lumas = [seen.luma for scene in self.looked for seen in scene.faces if seen.luma is not None]
        ends = [float(end) for end in np.percentile(lumas, (25, 50, 75, 100))] if lumas else []
        return [(high, self._within(low, high)) for low, high in zip([-1.0, *ends], ends, strict=False)]

    def _within(self, low: float, high: float) -> Share:
        part = [
            Looked(scene.source, tuple(s for s in scene.faces if s.luma is not None and low < s.luma <= high), ())
            for scene in self.looked
        ]
        return SceneReport(part, reject=self.reject).binary()

    def answers(self, source: str = "") -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Label numbers ``(n,)`` in ``FACES`` and their probabilities ``(n, 3)``, the reject class left out, of every
        labelled face that was found and not rejected."""
        pairs = [
            (FACES.index(seen.truth.label), [seen.answer.get(name, 0.0) for name in FACES])
            for scene in self.looked
            if source in ("", scene.source)
            for seen in scene.faces
            if seen.answer is not None and _kept(self.call(seen.answer))
        ]
        rows = np.array([row for _, row in pairs], np.float64).reshape(-1, len(FACES))
        return np.array([label for label, _ in pairs], np.int64), rows / np.maximum(
            1e-9, rows.sum(axis=1, keepdims=True)
        )

    def f1(self, source: str = "") -> dict[str, float]:
        """F1 of each of the three labels among the faces found and not rejected; labels that do not occur left out."""
        truth, rows = self.answers(source)
        said = rows.argmax(axis=1) if len(rows) else truth
        scores = {}
        for number, name in enumerate(FACES):
            hits, cases = ((truth == number) & (said == number)).sum(), (truth == number).sum()
            if cases:
                scores[name] = float(2 * hits / max(1, cases + (said == number).sum()))
        return scores

    def calibration_error(self) -> float:
        """Expected calibration error of the answers on faces, 0..1."""
        truth, rows = self.answers()
        return calibration_error(rows.max(axis=1), rows.argmax(axis=1) == truth) if len(rows) else 0.0


def _kept(call: Call) -> bool:
    return call not in (None, "not_face")


def table(report: SceneReport, title: str) -> str:
    """The figures as text."""
    rows: tuple[tuple[str, Callable[[Call], bool]], ...] = (
        ("found", lambda call: call is not None),
        ("called mask", lambda call: call == "mask"),
        ("called no_mask", lambda call: call == "no_mask"),
        ("called incorrect_mask", lambda call: call == "incorrect_mask"),
        ("rejected", lambda call: call == "not_face"),
    )
    lines = [f"{title}: {len(report.looked)} pictures; shares of all faces, 95 % bootstrap intervals", ""]
    lines.append(f"{'':24}" + "".join(f"{name:>24}" for name in FACES))
    lines.append(f"{'faces':24}" + "".join(f"{report.of(name, bool).cases:24}" for name in FACES))
    for name, fits in rows:
        lines.append(f"{name:24}" + "".join(f"{str(report.of(label, fits)):>24}" for label in FACES))
    for band in BANDS:
        size = f"found, {band[0]} to {band[1]} px" if band[1] < 10**6 else f"found, from {band[0]} px on"
        shares = [report.of(label, lambda call: call is not None, band) for label in FACES]
        lines.append(f"{size:24}" + "".join(f"{str(share):>24}" for share in shares))
    lines.append("")
    for source in report.sources:
        f1 = report.f1(source)
        lines.append(
            f"{source}: bare or not, on faces found, {report.binary(source)}; F1 "
            + ", ".join(f"{name} {value:.3f}" for name, value in f1.items())
            + f"; macro {sum(f1.values()) / max(1, len(f1)):.3f}"
        )
    bands = [f"to luma {high:.0f} {share}" for high, share in report.by_luma()]
    lines += [
        f"bare or not, by the face's brightness: {', '.join(bands) or '-'}",
        f"detections on no face: {report.false_faces(lambda call: True)} a picture, rejected {report.rejected()}, "
        f"called no_mask {report.false_faces(lambda call: call == 'no_mask')} a picture; "
        f"true faces rejected {report.lost()}",
        f"expected calibration error on faces {report.calibration_error():.4f}",
    ]
    return "\n".join(lines)


def summary(report: SceneReport) -> dict[str, Any]:
    """The figures for the card or a report file; intervals as [low, high]."""
    return {
        "pictures": len(report.looked),
        "bare_found": report.of("no_mask", lambda call: call is not None).entry(),
        "bare_called_bare": report.of("no_mask", lambda call: call == "no_mask").entry(),
        "masked_found": report.of("mask", lambda call: call is not None).entry(),
        "masked_called_bare": report.of("mask", lambda call: call == "no_mask").entry(),
        "masked_called_incorrect": report.of("mask", lambda call: call == "incorrect_mask").entry(),
        "incorrect_called_bare": report.of("incorrect_mask", lambda call: call == "no_mask").entry(),
        "incorrect_called_incorrect": report.of("incorrect_mask", lambda call: call == "incorrect_mask").entry(),
        "false_bare_a_picture": report.false_faces(lambda call: call == "no_mask").entry(),
        "false_a_picture": report.false_faces(lambda call: True).entry(),
        "false_rejected": report.rejected().entry(),
        "true_rejected": report.lost().entry(),
        "binary": {source: report.binary(source).entry() for source in report.sources},
        "called": {
            label: {call: report.of(label, lambda c, call=call: c == call).entry() for call in (*FACES, "not_face")}  # type: ignore[misc]
            for label in FACES
        },
        "by_luma": [{"to": round(high, 1), **share.entry()} for high, share in report.by_luma()],
        "f1": {source: {k: round(v, 4) for k, v in report.f1(source).items()} for source in report.sources},
        "calibration_error": round(report.calibration_error(), 4),
    }
