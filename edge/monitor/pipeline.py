"""The stages that a frame of one door passes through: plan, detect, classify."""

import threading
from collections.abc import Callable, Sequence

from ..camera.frames import Frame, Image
from ..config.schema import DecideConfig, DetectConfig
from ..faces.classifier import MaskClassifier
from ..faces.detector import Detector, Region
from ..faces.face import Face
from ..faces.geometry import Box
from ..faces.opening import open_detector
from ..people.planner import Planner, open_planner
from ..people.tracker import Track


class Pipeline:
    """The stages of one door, for ``loop.run``.

    The loop's thread owns detector, planner and classifier. Only ``change`` may be called from another thread.
    ``watching`` tells whether frames count (they do not while watching is paused or the camera sees nothing);
    ``viewed`` tells whether somebody looks at the live picture, which then follows faces as closely as it can.
    ``judge_by`` receives changed rules, in the loop's thread. ``searches`` counts the frames that were searched.
    """

    def __init__(
        self,
        detect: DetectConfig,
        decide: DecideConfig,
        classifier: MaskClassifier,
        detector: Detector | None = None,
        *,
        watching: Callable[[], bool] = lambda: True,
        viewed: Callable[[], bool] = lambda: False,
        judge_by: Callable[[DecideConfig], None] = lambda decide: None,
    ) -> None:
        """Raises ``ModelError`` like ``open_detector``, unless a ``detector`` is given."""
        self._options = detect, decide
        self._detector = detector or open_detector(detect)
        self._planner = open_planner(detect, decide)
        self._classifier = classifier
        self._watching = watching
        self._viewed = viewed
        self._judge_by = judge_by
        self.searches = 0
        self._parts: tuple[Detector, Planner] | None = None  # handed over to the loop's thread, as are the rules
        self._rules: DecideConfig | None = None
        self._lock = threading.Lock()

    def change(self, detect: DetectConfig, decide: DecideConfig | None = None) -> None:
        """Detects and judges by other options from the next frame on. For any thread. Raises like ``open_detector``.

        The caller's thread opens the new detector and planner; the loop's thread takes both at the start of a frame,
        so that no frame is planned by one and searched by the other.
        """
        before, decide = self._options, decide or self._options[1]
        parts = (open_detector(detect), open_planner(detect, decide)) if detect != before[0] else None
        with self._lock:
            self._options = detect, decide
            self._parts, self._rules = parts or self._parts, decide

    def plan(self, frame: Frame, tracks: Sequence[Track], settled: Callable[[Track], bool]) -> list[Region]:
        """Returns the regions to search; none while frames do not count, so that nothing is counted."""
        if self._rules is not None:
            self._take_over()
        if not self._watching():
            return []
        return self._planner.plan(frame, tracks, _never if self._viewed() else settled)

    def _take_over(self) -> None:
        with self._lock:
            parts, rules, self._parts, self._rules = self._parts, self._rules, None, None
        if parts is not None:
            self._detector, self._planner = parts
        if rules is not None:
            self._judge_by(rules)

    def detect(self, image: Image, luma: Image | None, regions: Sequence[Region]) -> list[Box]:
        """Returns the boxes of the faces in these regions."""
        self.searches += 1
        return self._detector.detect(image, luma, regions)

    def classify(self, image: Image, boxes: Sequence[Box]) -> list[Face]:
        """Returns the classified faces, without the boxes that the model rejects."""
        return self._classifier.classify(image, boxes)


def _never(track: Track) -> bool:
    return False
