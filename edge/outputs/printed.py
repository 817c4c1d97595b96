"""Says what lamp, sound and the like would do (``maskwatch run --outputs-demo``): drivers that need no hardware."""

import threading
from collections.abc import Callable

from ..config.outputs import PinConfig, Situation, SituationOutputConfig, SoundConfig, is_interlock
from ..config.sounds import WavFile
from .aplay import Aplay
from .driver import Actuator
from .sound import Player, Sound

WORDS: dict[Situation, str] = {
    "no_mask": "no mask",
    "incorrect_mask": "mask worn incorrectly",
    "mask": "mask",
    "nobody": "nobody is there",
    "unknown": "nobody can be judged",
}


DEMO_OUTPUTS: tuple[SituationOutputConfig, ...] = (PinConfig(name="lamp", pin=17), SoundConfig(name="sound"))
"""What is shown where no output is configured that follows who is at the door."""


def printed_actuator(config: SituationOutputConfig, show: Callable[[str], None]) -> Actuator:
    """Returns an output that only says what it would do. ``show`` receives each line and must not block."""
    if isinstance(config, SoundConfig):
        return Sound(config, Player(PrintedAplay(config.name, show)))
    return PrintedActuator(config, show)


class PrintedActuator:
    """Says each change in one line."""

    def __init__(self, config: SituationOutputConfig, show: Callable[[str], None]) -> None:
        self._name, self._show = config.name, show
        self._is_door = is_interlock(config)
        self._text = self._words(False, "nobody")

    def set(self, on: bool, situation: Situation) -> None:
        text = self._words(on, situation)
        if text != self._text:
            self._text = text
            self._show(f"{self._name}  {text}")

    def close(self) -> None:
        if not self._is_door:  # a door stays in its fail state
            self.set(False, "nobody")

    def _words(self, on: bool, situation: Situation) -> str:
        if self._is_door:
            return "is open" if on else "is closed"
        return f"is on: {WORDS[situation]}" if on else "is off"


class PrintedAplay(Aplay):
    """Says which sound it would play, and takes as long as the sound lasts."""

    def __init__(self, name: str, show: Callable[[str], None]) -> None:
        super().__init__()
        self._name, self._show = name, show
        self._stopped = threading.Event()

    def play(self, file: WavFile, device: str) -> str:
        self._show(f"{self._name}  plays {file.path.parent.name}/{file.path.name}")
        self._stopped.wait(file.seconds)
        return ""

    def try_out(self, device: str) -> str:
        return ""

    def stop(self) -> None:
        self._stopped.set()
