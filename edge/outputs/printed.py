"""Says what lamp, sound and the like would do (``maskwatch run --outputs-demo``): a driver that needs no hardware."""

from collections.abc import Callable

from ..config.outputs import RelayConfig, Situation, SituationOutputConfig, SoundConfig

WORDS: dict[Situation, str] = {
    "no_mask": "no mask",
    "incorrect_mask": "mask worn incorrectly",
    "mask": "mask",
    "nobody": "nobody is there",
    "unknown": "nobody can be judged",
}


class PrintedActuator:
    """An output that says each change in one line. ``show`` receives it and must not block."""

    def __init__(self, config: SituationOutputConfig, show: Callable[[str], None]) -> None:
        self._name, self._show = config.name, show
        self._on, self._off = _words(config)
        self._text = self._off

    def set(self, on: bool, situation: Situation) -> None:
        self._change(f"{self._on}: {WORDS[situation]}" if on else self._off)

    def close(self) -> None:
        self._change(self._off)

    def _change(self, text: str) -> None:
        if text != self._text:
            self._text = text
            self._show(f"{self._name}  {text}")


def _words(config: SituationOutputConfig) -> tuple[str, str]:
    """Returns what it does while it is on, and while it is off."""
    if isinstance(config, SoundConfig):
        return "plays", "is silent"
    if isinstance(config, RelayConfig) and config.open_when:
        return "is open", "is closed"
    return "is on", "is off"
