"""Pins of gpiozero that need no hardware: its mock for this process, and pins in files for other processes."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from support import ROOT


@contextmanager
def mock_pins(*, pwm: bool = False) -> Iterator[Any]:
    """Yields gpiozero's mock factory, which is the one in use meanwhile."""
    from gpiozero import Device
    from gpiozero.pins.mock import MockFactory, MockPin, MockPWMPin

    before, Device.pin_factory = Device.pin_factory, MockFactory(pin_class=MockPWMPin if pwm else MockPin)
    try:
        yield Device.pin_factory
    finally:
        Device.pin_factory.reset()
        Device.pin_factory = before


class FilePins:
    """The pins of one machine as its other end sees them; a process has them by ``environment``."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self.folder = folder

    @property
    def environment(self) -> Mapping[str, str]:
        """What to add to the environment of the process."""
        path = os.pathsep.join(filter(None, [str(ROOT / "tests/support/gpio"), os.environ.get("PYTHONPATH")]))
        return {"GPIOZERO_PIN_FACTORY": "files", "FILE_PINS": str(self.folder), "PYTHONPATH": path}

    def level(self, pin: int) -> float | None:
        """What a pin puts out; None while it is an input. It stays when the process has died."""
        try:
            text = (self.folder / f"{pin}.out").read_text("ascii")
        except FileNotFoundError:
            return None
        return None if text == "-" else float(text)

    def history(self, pin: int) -> list[tuple[float, str]]:
        """All that the pin was, each with its monotonic time: ``0``, ``1``, a share of time, or ``-`` for an input."""
        path = self.folder / f"{pin}.history"
        lines = path.read_text("ascii").split("\n")[:-1] if path.exists() else []
        return [(float(line.split()[0]), line.split()[1]) for line in lines]

    def drive(self, pin: int, level: int) -> None:
        """Drives an input from outside."""
        fresh = self.folder / f"{pin}.driven"
        fresh.write_text(str(level), "ascii")
        fresh.replace(self.folder / f"{pin}.in")

    @property
    def broken(self) -> bool:
        """Whether nothing answers any more."""
        return (self.folder / "broken").exists()

    @broken.setter
    def broken(self, broken: bool) -> None:
        if broken:
            (self.folder / "broken").touch()
        else:
            (self.folder / "broken").unlink(missing_ok=True)
