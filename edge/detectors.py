"""The face detector that the configuration names, and the eager ones that snapshots are blurred by."""

from .config import Detect
from .detect import Detector, FaceDetector
from .yunet import YuNetDetector


def open_detector(own: Detect) -> Detector:
    """Raises ``ModelError`` when the cascade or network is missing or damaged."""
    if own.detector == "yunet":
        return YuNetDetector(own.network, min_face=own.min_face, score=own.score, zones=own.zones)
    return FaceDetector(
        own.cascade, min_face=own.min_face, scale_step=own.scale_step, neighbours=own.neighbours, zones=own.zones
    )


def open_eager(own: Detect) -> list[Detector]:
    """Several at once, and none of them strict: a wall that is blurred costs nothing, and a face that is not does."""
    eager: list[Detector] = [
        FaceDetector(cascade, min_face=24, scale_step=1.1, neighbours=1) for cascade in ("alt2", "default")
    ]
    if own.detector == "yunet":  # it sees the masked bystanders whom no cascade finds
        eager.append(YuNetDetector(own.network, min_face=24, score=0.3))
    return eager
