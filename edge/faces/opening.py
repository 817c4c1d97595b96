"""Opens the detector and classifier that the configuration names, and the detectors used for blurring."""

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

STILL_MIN_FACE = 32
"""Smallest face, in pixels, that the check of single pictures searches for. It is smaller than at the door, because no
further frame follows in which the face may be larger."""
BLUR_MIN_FACE = 24
"""Smallest face, in pixels, that is blurred."""


def open_detector(config: DetectConfig) -> Detector:
    """Opens the configured detector, and sets the number of OpenCV's threads for the whole process.

    Raises ``ModelError`` if the cascade or network is missing or damaged.
    """
    cv2.setNumThreads(config.threads)
    return YuNetDetector(config) if config.detector == "yunet" else HaarDetector(config)


class CombinedDetector:
    """Detects with several detectors; a face that several of them find has several boxes."""

    def __init__(self, detectors: Sequence[Detector]) -> None:
        self._detectors = detectors

    def detect(
        self, image: NDArray[np.uint8], luma: NDArray[np.uint8] | None = None, regions: Sequence[Region] | None = None
    ) -> list[Box]:
        """See ``Detector``."""
        return sorted(box for detector in self._detectors for box in detector.detect(image, luma, regions))


def open_eager(config: DetectConfig) -> Detector:
    """Opens several lenient detectors for blurring.

    A blurred wall does no harm; a face that is not blurred does. YuNet is one of them if the configuration names it,
    because it finds masked bystanders that no cascade finds.
    """
    detectors: list[Detector] = [
        HaarDetector(DetectConfig(cascade=cascade, min_face=BLUR_MIN_FACE, scale_step=1.1, neighbours=1))
        for cascade in ("alt2", "default")
    ]
    if config.detector == "yunet":
        detectors.append(YuNetDetector(DetectConfig(network=config.network, min_face=BLUR_MIN_FACE, score=0.3)))
    return CombinedDetector(detectors)


def model_path(config: Config) -> Path:
    """Returns the configured model, or the one that comes with maskwatch (in the checkout, or below share/)."""
    if config.classify.model:
        return Path(os.path.expanduser(config.classify.model))
    folders = (Path(__file__).parents[2] / "models", Path(sys.prefix) / "share" / "maskwatch" / "models")
    models = [folder / "mask.tflite" for folder in folders]
    return next((model for model in models if model.is_file()), models[0])


def open_classifier(config: Config) -> MaskClassifier:
    """Opens the configured classifier. Raises ``ModelError`` if its model or card is missing or damaged."""
    network = TfliteNetwork(model_path(config), threads=config.classify.threads)
    return MaskClassifier(network, reject=config.classify.reject)


def detect_and_classify(image: Image, detector: Detector, classifier: MaskClassifier) -> list[Face]:
    """Returns the faces in a single picture, left to right."""
    return classifier.classify(image, detector.detect(image))
