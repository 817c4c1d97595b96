"""Opens what the configuration names: the face detector, the classifier, and the eager detectors used for blurring."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from ..camera.frames import Image
from ..config.schema import Config, DetectConfig
from .classifier import MaskClassifier
from .detector import Detector, Region
from .face import Face
from .geometry import Box
from .haar import HaarDetector
from .tflite import TfliteNetwork
from .yunet import YuNetDetector

STILL_FACE = 32
"""Smallest face, in pixels, that the picture check looks for; a still has no second chance."""


def open_detector(own: DetectConfig) -> Detector:
    """The detector as configured, and OpenCV with as many threads as configured (for the whole process).

    Raises ``ModelError`` when the cascade or network is missing or damaged.
    """
    cv2.setNumThreads(own.threads)
    if own.detector == "yunet":
        return YuNetDetector(own.network, min_face=own.min_face, score=own.score, zones=own.zones)
    return HaarDetector(
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


def open_eager(own: DetectConfig) -> Detector:
    """Several at once, and none of them strict: a wall that is blurred costs nothing, and a face that is not does."""
    eager: list[Detector] = [
        HaarDetector(cascade, min_face=24, scale_step=1.1, neighbours=1) for cascade in ("alt2", "default")
    ]
    if own.detector == "yunet":  # it sees the masked bystanders whom no cascade finds
        eager.append(YuNetDetector(own.network, min_face=24, score=0.3))
    return Together(eager)


def model_path(config: Config) -> Path:
    """The configured model, or the one that comes with maskwatch (in the checkout, or installed under share/)."""
    if config.classify.model:
        return Path(os.path.expanduser(config.classify.model))
    places = (Path(__file__).parents[2] / "models", Path(sys.prefix) / "share" / "maskwatch" / "models")
    return next((p / "mask.tflite" for p in places if (p / "mask.tflite").is_file()), places[0] / "mask.tflite")


def open_classifier(config: Config) -> MaskClassifier:
    network = TfliteNetwork(model_path(config), threads=config.classify.threads)
    return MaskClassifier(network, reject=config.classify.reject)


def check(image: Image, detector: Detector, classifier: MaskClassifier) -> list[Face]:
    """The faces in one picture, left to right."""
    return classifier.classify(image, detector.detect(image))
