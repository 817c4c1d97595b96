"""Checks what is installed: packages, the model, the face detector."""

import importlib.metadata
import platform
from pathlib import Path

import numpy as np

from ..config.schema import DetectConfig
from ..faces.opening import open_detector
from ..faces.tflite import TfliteNetwork
from ..faces.yunet import find_network
from .check import Result

PACKAGES = (
    "numpy",
    "opencv-python-headless",
    "ai-edge-litert",
    "tflite-runtime",
    "paho-mqtt",
    "aiohttp",
    "picamera2",
    "gpiozero",
    "lgpio",
)


def check_versions() -> Result:
    """Lists the versions of Python and of the packages that are installed."""
    versions = []
    for name in PACKAGES:
        try:
            versions.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    return "ok", f"Python {platform.python_version()} on {platform.machine()}, {', '.join(versions)}"


def check_model(model: Path, threads: int) -> Result:
    """Loads the model and runs it on a black crop. Raises ``ModelError``."""
    network = TfliteNetwork(model, threads=threads)
    card = network.card
    network.probabilities(np.zeros((1, card.size, card.size, 3), np.uint8))
    labels = ", ".join(card.labels)
    return "ok", f"{card.id}, {card.size} x {card.size}, labels {labels}, runs in {network.runtime}"


def check_detector(options: DetectConfig) -> Result:
    """Opens the face detector. Raises ``ModelError``."""
    open_detector(options)
    if options.detector == "haar":
        return "ok", f"haar, cascade {options.cascade}"
    return "ok", f"yunet, {find_network(options.network)}"
