"""edge.outputs.printed: one line per change, in the words of each kind."""

import pytest

from edge.config.outputs import PinConfig, RelayConfig, SituationOutputConfig, SoundConfig
from edge.outputs.printed import PrintedActuator


@pytest.mark.parametrize(
    ("config", "on", "off"),
    [
        (PinConfig(name="it", pin=17), "it  is on: no mask", "it  is off"),
        (SoundConfig(name="it"), "it  plays: no mask", "it  is silent"),
        (RelayConfig(name="it", pin=17), "it  is on: no mask", "it  is off"),
        (RelayConfig(name="it", pin=17, open_when="mask"), "it  is open: no mask", "it  is closed"),
    ],
)
def test_each_change_is_one_line(config: SituationOutputConfig, on: str, off: str) -> None:
    lines: list[str] = []
    actuator = PrintedActuator(config, lines.append)
    actuator.set(False, "nobody")
    actuator.set(True, "no_mask")
    actuator.set(True, "no_mask")
    assert lines == [on]
    actuator.set(False, "nobody")
    actuator.close()
    assert lines == [on, off]


def test_another_situation_is_another_line() -> None:
    lines: list[str] = []
    actuator = PrintedActuator(PinConfig(name="lamp", pin=17), lines.append)
    actuator.set(True, "no_mask")
    actuator.set(True, "incorrect_mask")
    actuator.close()
    assert lines == ["lamp  is on: no mask", "lamp  is on: mask worn incorrectly", "lamp  is off"]
