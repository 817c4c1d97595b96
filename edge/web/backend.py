"""Declares what the page needs from the monitor."""

from pathlib import Path
from typing import Protocol

from ..config.load import Sections
from ..config.schema import Config
from ..faces.classifier import MaskClassifier
from ..faces.detector import Detector
from ..record.recorder import Recorder


class Backend(Protocol):
    """What the page needs from the monitor. The page's threads call every method, the loop's thread calls none."""

    @property
    def model(self) -> str:
        """Name of the model."""

    @property
    def outbox(self) -> Path | None:
        """The file with the alerts of earlier runs; None if alerts are only printed."""

    @property
    def record(self) -> Recorder:
        """The counts, and the marks on alerts."""

    @property
    def sessions(self) -> Path:
        """The file that keeps who is logged in, if its folder exists."""

    @property
    def snapshots(self) -> Path:
        """The folder of snapshots."""

    def open_models(self) -> tuple[Detector, MaskClassifier]:
        """Opens a detector and a classifier for still images, for the caller alone. Raises ``ModelError``."""

    def open_eager(self) -> Detector:
        """Opens a detector that finds faces to blur, for the caller alone. Raises ``ModelError``."""

    def change(self, sections: Sections) -> Config:
        """Stores and applies options; returns the configuration with them. Raises ``ConfigError``."""

    def send_test(self) -> bool:
        """Asks for a test text on the phone; returns False without a broker."""
