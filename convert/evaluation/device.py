"""Opens the device's detector and classifier with the configuration that an end-to-end evaluation is given."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from edge.config.edit import parse
from edge.config.load import build
from edge.config.schema import Config
from edge.errors import ConfigError
from edge.faces.classifier import MaskClassifier
from edge.faces.detector import Detector
from edge.faces.opening import open_detector

from .networks import open_network

SET_BY_ARGUMENTS = {
    "classify.model": "the argument MODEL names the model",
    "source.source": "the argument LIST names the pictures or videos",
    "source.repeat": "each picture and video is evaluated once",
}
"""Options of the device that ``--set`` cannot change, and the reason."""


@dataclass(frozen=True, slots=True)
class DeviceParts:
    """The configuration of an evaluation, and the device's detector and classifier opened with it."""

    config: Config
    detector: Detector
    classifier: MaskClassifier

    @property
    def title(self) -> str:
        """Model and detector, for the head of a table."""
        return f"{self.classifier.card.id}, {self.config.detect.detector}"


def configure(detector: str, min_face: int, assignments: list[str], sections: Collection[str]) -> Config:
    """Returns the device's configuration with a detector, a smallest face in pixels, and ``--set`` on top.

    ``assignments`` are the values of ``--set``, ``section.option=value``. ``sections`` are the sections that the
    evaluation uses. Raises ``ConfigError`` for an option that it does not use, and for a value that is not allowed.
    """
    layers = parse(assignments)
    for section, options in layers.items():
        for option in options:
            name = f"{section}.{option}"
            if name in SET_BY_ARGUMENTS:
                raise ConfigError(f"--set {name} has no effect here: {SET_BY_ARGUMENTS[name]}")
    config = build(("command line", {"detect": {"detector": detector, "min_face": min_face}}), ("--set", layers))
    if unused := sorted(set(layers) - set(sections)):
        raise ConfigError(f"--set: this evaluation does not use [{unused[0]}]; it uses {', '.join(sorted(sections))}")
    return config


def open_parts(config: Config, model: Path) -> DeviceParts:
    """Opens the parts. Raises ``ModelError`` or ``DataError`` if a file is missing or damaged."""
    network = open_network(model, threads=config.classify.threads)
    classifier = MaskClassifier(network, reject=config.classify.reject)
    return DeviceParts(config, open_detector(config.detect), classifier)
