"""Computes the figures of whole pictures from the results that ``scenes`` gives."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.faces.face import Face
from edge.faces.geometry import Box

from .intervals import Share
from .metrics import confusion_matrix, expected_calibration_error, precision_recall_f1
from .scenes import FaceResult, LabelledFace, SceneResult

FACE_LABELS = ("mask", "no_mask", "incorrect_mask")
"""The labels of faces, without the reject class."""
NO_LIMIT = 10**6
BANDS = ((0, 60), (60, 100), (100, NO_LIMIT))
"""Bands of face sizes, in pixels of the shorter side: from, below."""
Verdict = str | None
"""What the device makes of a labelled face: a label, ``not_face`` (detected, then rejected), or None (not detected)."""
Matches = Callable[[Verdict], bool]


def detected(verdict: Verdict) -> bool:
    return verdict is not None


def accepted(verdict: Verdict) -> bool:
    """Tells whether a face was detected and not rejected."""
    return verdict not in (None, "not_face")


def labelled(label: str) -> Matches:
    """Returns a test for one verdict."""
    return lambda verdict: verdict == label


class SceneReport:
    """Computes shares of the faces and detections of several scenes.

    ``reject`` is the device's threshold: a face whose probability of ``not_face`` exceeds it is rejected.
    """

    def __init__(self, scenes: Sequence[SceneResult], *, reject: float) -> None:
        self.scenes, self.reject = list(scenes), reject

    @property
    def sources(self) -> list[str]:
        return sorted({scene.source for scene in self.scenes})

    def verdict(self, answer: dict[str, float] | None) -> Verdict:
        """Returns what the device makes of an answer of the model, or of None for a face that was not detected."""
        if answer is None:
            return None
        return "not_face" if answer.get("not_face", 0.0) > self.reject else Face(Box(0, 0, 1, 1), answer).label

    def face_share(self, matches: Matches, counts: Callable[[LabelledFace, Verdict], bool], source: str = "") -> Share:
        """Returns the share of verdicts that match, among the labelled faces that count (of one source)."""
        rows = []
        for scene in self.scenes:
            faces = scene.faces if source in ("", scene.source) else ()
            verdicts = [verdict for f in faces if counts(f.face, verdict := self.verdict(f.answer))]
            rows.append((sum(map(matches, verdicts)), len(verdicts)))
        return Share(np.array(rows, np.float64))

    def label_share(self, label: str, matches: Matches, band: tuple[int, int] = (0, NO_LIMIT)) -> Share:
        """Returns the share of verdicts that match, among all faces with a label (and a size in ``band``)."""
        return self.face_share(matches, lambda face, _: face.label == label and band[0] <= face.side < band[1])

    def false_detections(self, matches: Matches = detected) -> Share:
        """Returns the number of false detections with a verdict that matches, per picture."""
        rows = [(sum(matches(self.verdict(answer)) for answer in s.false_detections), 1) for s in self.scenes]
        return Share(np.array(rows, np.float64))

    def rejected_false_detections(self) -> Share:
        """Returns the share of the false detections that the reject class removes."""
        rejected = self.false_detections(labelled("not_face")).counts[:, 0]
        totals = [len(scene.false_detections) for scene in self.scenes]
        return Share(np.stack([rejected, np.array(totals, np.float64)], axis=1))

    def rejected_faces(self) -> Share:
        """Returns the share of the detected faces that the reject class removes."""
        return self.face_share(labelled("not_face"), lambda _, verdict: detected(verdict))

    def binary(self, source: str = "") -> Share:
        """Returns the share of accepted masked and bare faces whose verdict is on the right side: mask, or a fault."""
        masked = self.face_share(labelled("mask"), lambda f, v: f.label == "mask" and accepted(v), source)
        bare = self.face_share(lambda v: v != "mask", lambda f, v: f.label == "no_mask" and accepted(v), source)
        return Share(masked.counts + bare.counts)

    def by_luma(self) -> list[tuple[float, Share]]:
        """Returns ``binary`` for each quarter of the faces by luma, darkest first, with the quarter's upper end 0..255.

        Nobody labelled skin colour or light. The luma of a face in the picture stands in for both.
        """
        lumas = [result.luma for scene in self.scenes for result in scene.faces if result.luma is not None]
        ends = [float(end) for end in np.percentile(lumas, (25, 50, 75, 100))] if lumas else []
        return [(high, self._within(low, high)) for low, high in zip([-1.0, *ends], ends, strict=False)]

    def _within(self, low: float, high: float) -> Share:
        def inside(result: FaceResult) -> bool:
            return result.luma is not None and low < result.luma <= high

        scenes = [SceneResult(scene.source, tuple(filter(inside, scene.faces)), ()) for scene in self.scenes]
        return SceneReport(scenes, reject=self.reject).binary()

    def probabilities(self, source: str = "") -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Returns the accepted faces' label numbers in ``FACE_LABELS``, ``(n,)``, and their probabilities, ``(n, 3)``.

        The probabilities sum to 1 without the reject class.
        """
        results = [
            (FACE_LABELS.index(result.face.label), [result.answer.get(name, 0.0) for name in FACE_LABELS])
            for scene in self.scenes
            if source in ("", scene.source)
            for result in scene.faces
            if result.answer is not None and accepted(self.verdict(result.answer))
        ]
        rows = np.array([row for _, row in results], np.float64).reshape(-1, len(FACE_LABELS))
        truth = np.array([label for label, _ in results], np.int64)
        return truth, rows / np.maximum(1e-9, rows.sum(axis=1, keepdims=True))

    def f1(self, source: str = "") -> dict[str, float]:
        """Returns the F1 of each label that occurs among the accepted faces."""
        truth, rows = self.probabilities(source)
        matrix = confusion_matrix(truth, rows.argmax(axis=1), len(FACE_LABELS))
        numbers = enumerate(FACE_LABELS)
        return {name: precision_recall_f1(matrix, number)[2] for number, name in numbers if (truth == number).any()}

    def calibration_error(self) -> float:
        """Returns the expected calibration error on the accepted faces, 0..1."""
        truth, rows = self.probabilities()
        return expected_calibration_error(rows.max(axis=1), rows.argmax(axis=1) == truth) if len(rows) else 0.0


def summary(report: SceneReport) -> dict[str, Any]:
    """Returns the figures for a report file."""

    def share(label: str, matches: Matches) -> dict[str, Any]:
        return report.label_share(label, matches).entry()

    return {
        "pictures": len(report.scenes),
        "bare_found": share("no_mask", detected),
        "bare_called_bare": share("no_mask", labelled("no_mask")),
        "masked_found": share("mask", detected),
        "masked_called_bare": share("mask", labelled("no_mask")),
        "masked_called_incorrect": share("mask", labelled("incorrect_mask")),
        "incorrect_called_bare": share("incorrect_mask", labelled("no_mask")),
        "incorrect_called_incorrect": share("incorrect_mask", labelled("incorrect_mask")),
        "false_bare_a_picture": report.false_detections(labelled("no_mask")).entry(),
        "false_a_picture": report.false_detections().entry(),
        "false_rejected": report.rejected_false_detections().entry(),
        "true_rejected": report.rejected_faces().entry(),
        "binary": {source: report.binary(source).entry() for source in report.sources},
        "called": {
            label: {verdict: share(label, labelled(verdict)) for verdict in (*FACE_LABELS, "not_face")}
            for label in FACE_LABELS
        },
        "by_luma": [{"to": round(high, 1), **binary.entry()} for high, binary in report.by_luma()],
        "f1": {source: {k: round(v, 4) for k, v in report.f1(source).items()} for source in report.sources},
        "calibration_error": round(report.calibration_error(), 4),
    }
