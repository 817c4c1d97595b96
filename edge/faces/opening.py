"""Opens the detector and classifier that the configuration names, and what hides faces."""

import os
import sys
from pathlib import Path

import cv2

from ..camera.frames import Image
from ..config.schema import Config, DetectConfig
from .classifier import MaskClassifier
from .detector import Detector
from .face import Face
from .haar import HaarDetector
from .hiding import EagerDetector, FaceHider
from .tflite import TfliteNetwork
from .yunet import YuNetDetector

STILL_MIN_FACE = 32
"""Smallest face, in pixels, that the check of single pictures searches for. It is smaller than at the door, because no
further frame follows in which the face may be larger."""


def open_detector(config: DetectConfig) -> Detector:
    """Opens the configured detector, and sets the number of OpenCV's threads for the whole process.

    Raises ``ModelError`` if the cascade or network is missing or damaged.
    """
    cv2.setNumThreads(config.threads)
    return YuNetDetector(config) if config.detector == "yunet" else HaarDetector(config)


def open_eager(config: DetectConfig) -> EagerDetector:
    """Opens the detector that finds faces to hide: YuNet, whatever ``detector`` says. Raises ``ModelError``.

    The cascades are no part of it: their boxes blurred up to 0.92 of a picture.
    """
    return EagerDetector(config)


def open_hider(config: Config) -> FaceHider:
    """Opens what hides faces, for the caller's thread alone. Raises ``ModelError``."""
    return FaceHider(open_eager(config.detect), config.privacy.blur)


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
