"""The face detector that the configuration names, and the eager ones that snapshots are blurred by."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .config.schema import Detect
from .detect import Detector, FaceDetector
from .geometry import Box
from .roi import Region
from .yunet import YuNetDetector


def open_detector(own: Detect) -> Detector:
    """Raises ``ModelError`` when the cascade or network is missing or damaged."""
    if own.detector == "yunet":
        return YuNetDetector(own.network, min_face=own.min_face, score=own.score, zones=own.zones)
    return FaceDetector(
        own.cascade, min_face=own.min_face, scale_step=own.scale_step, neighbours=own.neighbours, zones=own.zones
    )


class Together:
    """What any of several detectors finds, as one detector."""

    def __init__(self, detectors: Sequence[Detector]) -> None:
        self._detectors = detectors

    def detect(
        self, image: NDArray[np.uint8], luma: NDArray[np.uint8] | None = None, regions: Sequence[Region] | None = None
    ) -> list[Box]:
        """See ``Detector``; a face that several find has several boxes."""
        return sorted(box for each in self._detectors for box in each.detect(image, luma, regions))


def open_eager(own: Detect) -> Detector:
    """Several at once, and none of them strict: a wall that is blurred costs nothing, and a face that is not does."""
    eager: list[Detector] = [
        FaceDetector(cascade, min_face=24, scale_step=1.1, neighbours=1) for cascade in ("alt2", "default")
    ]
    if own.detector == "yunet":  # it sees the masked bystanders whom no cascade finds
        eager.append(YuNetDetector(own.network, min_face=24, score=0.3))
    return Together(eager)
