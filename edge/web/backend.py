"""Declares what the page needs from the monitor."""

from pathlib import Path
from typing import Protocol

from ..config.load import Sections
from ..config.schema import Config
from ..faces.hiding import FaceHider
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

    def open_hider(self) -> FaceHider:
        """Opens what hides faces, for the caller's thread alone. Raises ``ModelError``."""

    def refresh(self) -> Config:
        """Applies the options that are stored; returns the configuration with them. Raises ``ConfigError``."""

    def change(self, sections: Sections, by: str) -> Config:
        """Stores and applies options; returns the configuration with them. Raises ``ConfigError``.

        ``by`` is the address of the browser.
        """

    def pause(self, paused: bool, by: str) -> None:
        """Pauses or resumes watching, and shows that on every page. ``by`` is the address of the browser."""

    @property
    def restarts(self) -> bool:
        """Whether maskwatch is started again after ``restart``."""

    def restart(self) -> None:
        """Ends maskwatch in order."""

    def send_test(self) -> bool:
        """Asks for a test text on the phone; returns False without a broker."""
