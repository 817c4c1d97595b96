"""What maskwatch is compared with: other ways to look at the same picture."""

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
from ..people.policy import Alert, Policy
from ..people.tracker import Tracker

NAMES = ("article", "every-picture")


class Rival(Protocol):
    """Looks at every picture. ``judges`` tells whether it says what is on a face, so that its alerts mean something."""

    name: str
    judges: bool

    def see(self, image: Image) -> list[Face]: ...


class Article:
    """The pipeline that maskwatch grew out of: the whole picture, the cascade ``default`` with OpenCV's own
    parameters, and the article's 150x150 network for each face alone, on the box as it is.

    Its network runs in TFLite, int8 unless ``model`` is another file: the article's own ``model.predict`` of Keras
    takes many times longer.
    """

    name, judges = "article", True

    def __init__(self, model: Path) -> None:
        self._cascade: Any = load_cascade("default")
        self._classifier = MaskClassifier(TfliteNetwork(model, threads=1), reject=ClassifyConfig().reject)

    def see(self, image: Image) -> list[Face]:
        grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
        faces = []
        for x, y, w, h in self._cascade.detectMultiScale(grey):
            (answer,) = self._classifier.classify_crops([image[y : y + h, x : x + w]])
            faces.append(Face(Box(int(x), int(y), int(x + w), int(y + h)), answer))
        return faces


class EveryPicture:
    """maskwatch itself with ``detect.gate`` off: all of every picture is searched, at the finest step."""

    name, judges = "every-picture", True

    def __init__(self, config: Config) -> None:
        self._detector = open_detector(config.detect)
        self._classifier = open_classifier(config)

    def see(self, image: Image) -> list[Face]:
        return self._classifier.classify(image, self._detector.detect(image))


class SingleShot:
    """Any network in a .tflite file that takes one picture ``(1, h, w, 3)``: its time alone, not its answers."""

    judges = False

    def __init__(self, model: Path) -> None:
        self.name = model.stem
        try:
            self._network, _ = load_interpreter(model.read_bytes(), 1)
        except OSError as error:
            raise ModelError(f"{model} cannot be read: {error.strerror}") from error
        self._input = self._network.get_input_details()[0]
        if len(self._input["shape"]) != 4 or self._input["shape"][3] != 3:
            raise ModelError(f"{model} takes {tuple(self._input['shape'])}, not one picture (1, h, w, 3)")

    def see(self, image: Image) -> list[Face]:
        _, height, width, _ = map(int, self._input["shape"])
        small = cv2.cvtColor(cv2.resize(image, (width, height)), cv2.COLOR_BGR2RGB)
        values = small / np.float32(255) if self._input["dtype"] == np.float32 else small.astype(self._input["dtype"])
        self._network.set_tensor(self._input["index"], values[np.newaxis])
        self._network.invoke()
        return []


def open_rival(name: str, config: Config) -> Rival:
    """``article``, ``every-picture``, or the path of a .tflite file. Raises ``ConfigError`` or ``ModelError``."""
    if name == "every-picture":
        return EveryPicture(config)
    if name == "article":
        model = model_path(config).with_name("article.tflite")
        if not model.is_file():
            raise ConfigError(f"--compare article needs {model}; it comes with the checkout, in models/")
        return Article(model)
    if not name.endswith(".tflite"):
        raise ConfigError(f"--compare {name}: allowed are {', '.join(NAMES)} and the path of a .tflite file")
    return SingleShot(Path(name))


class Judged:
    """A rival's faces through maskwatch's own tracker and policy: what alerts they would make."""

    def __init__(self, rival: Rival, config: Config) -> None:
        self.rival, self.alerts = rival, list[Alert]()
        self._tracker, self._policy = Tracker(forget=config.track.forget), Policy(config.decide)

    def see(self, see: Callable[[Image], list[Face]], image: Image, now: float) -> None:
        """``see`` is the rival's, timed; who is who is not part of what it costs."""
        self.alerts += self._policy.update(self._tracker.update(see(image), now), now)
