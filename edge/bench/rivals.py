"""Opens what maskwatch is compared with: other ways to find and classify the faces of a frame."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np

from ..camera.frames import Image
from ..config.schema import ClassifyConfig, Config
from ..errors import ConfigError, ModelError
from ..faces.classifier import MaskClassifier
from ..faces.face import Face
from ..faces.geometry import Box
from ..faces.haar import load_cascade
from ..faces.opening import model_path, open_classifier, open_detector
from ..faces.tflite import TfliteNetwork, load_interpreter
from ..paths import read_bytes
from ..people.pace import Pace
from ..people.policy import Alert, Policy
from ..people.tracker import Tracker
from .choices import RIVALS


class Rival(Protocol):
    """Processes every frame. ``classifies`` tells whether it returns classified faces; then its alerts are counted."""

    name: str
    classifies: bool

    def process(self, image: Image) -> list[Face]:
        """Finds and classifies the faces of a frame."""


class Article:
    """The pipeline that maskwatch grew out of.

    It searches the whole frame with the cascade ``default`` and OpenCV's default parameters, and runs the article's
    150x150 network on the detector's box of each face, one face at a time. The network runs in TFLite, in int8 unless
    ``model`` is another file; the article itself calls Keras's ``model.predict``, which takes many times longer.
    """

    name = "article"
    classifies = True

    def __init__(self, model: Path) -> None:
        self._cascade: Any = load_cascade("default")
        self._classifier = MaskClassifier(TfliteNetwork(model, threads=1), reject=ClassifyConfig().reject)

    def process(self, image: Image) -> list[Face]:
        grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
        faces = []
        for x, y, w, h in self._cascade.detectMultiScale(grey):
            (probabilities,) = self._classifier.classify_crops([image[y : y + h, x : x + w]])
            faces.append(Face(Box(int(x), int(y), int(x + w), int(y + h)), probabilities))
        return faces


class EveryPicture:
    """maskwatch with ``detect.gate`` off: the whole of every frame is searched, with the finest step."""

    name = "every-picture"
    classifies = True

    def __init__(self, config: Config) -> None:
        self._detector = open_detector(config.detect)
        self._classifier = open_classifier(config)

    def process(self, image: Image) -> list[Face]:
        return self._classifier.classify(image, self._detector.detect(image))


class SingleShot:
    """Any network in a .tflite file with one image ``(1, h, w, 3)`` as input. Only its time counts, not its output."""

    classifies = False

    def __init__(self, model: Path) -> None:
        """Raises ``ModelError`` for a file that cannot be read, and for a network with another input."""
        self.name = model.stem
        try:
            self._network, _ = load_interpreter(read_bytes(model), 1, "rival")
        except OSError as error:
            raise ModelError(f"{model} cannot be read: {error.strerror}") from error
        except ModelError as error:
            raise ModelError(f"{model} cannot be measured: {error}") from error
        self._input = self._network.get_input_details()[0]
        shape = tuple(self._input["shape"])
        if len(shape) != 4 or shape[3] != 3:
            raise ModelError(f"{model}: the input has the shape {shape}; allowed is one image (1, h, w, 3)")

    def process(self, image: Image) -> list[Face]:
        """Runs the network on a frame; returns no faces."""
        _, height, width, _ = map(int, self._input["shape"])
        small = cv2.cvtColor(cv2.resize(image, (width, height)), cv2.COLOR_BGR2RGB)
        values = small / np.float32(255) if self._input["dtype"] == np.float32 else small.astype(self._input["dtype"])
        self._network.set_tensor(self._input["index"], values[np.newaxis])
        self._network.invoke()
        return []


def open_rival(name: str, config: Config) -> Rival:
    """Opens ``article``, ``every-picture``, or a .tflite file by its path. Raises ``ConfigError`` or ``ModelError``."""
    if name == EveryPicture.name:
        return EveryPicture(config)
    if name == Article.name:
        model = model_path(config).with_name("article.tflite")
        if not model.is_file():
            raise ConfigError(f"--compare article needs {model}, which is part of the repository (models/)")
        return Article(model)
    if not name.endswith(".tflite"):
        raise ConfigError(f"--compare {name}: allowed are {', '.join(RIVALS)} and the path of a .tflite file")
    return SingleShot(Path(name))


class RivalDoor:
    """Counts the alerts that a rival's faces lead to, with maskwatch's tracker and policy."""

    def __init__(self, rival: Rival, config: Config) -> None:
        self.rival = rival
        self.alerts: list[Alert] = []
        self._tracker = Tracker(forget=config.track.forget)
        self._policy = Policy(config.decide)
        self._pace = Pace()

    def process(self, timed_process: Callable[[Image], list[Face]], image: Image, now: float) -> None:
        """Processes a frame. ``timed_process`` is the rival's method; tracking does not count as the rival's cost."""
        faces, interval = timed_process(image), self._pace.update(now)
        self.alerts += self._policy.update(self._tracker.update(faces, now, interval), now, interval)
