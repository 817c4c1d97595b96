"""edge.outputs.printed: one line per change, in the words of each kind."""

import pytest
from support import until

from edge.config.outputs import PinConfig, RelayConfig, ServoConfig, SituationOutputConfig, SoundConfig
from edge.outputs.printed import printed_actuator


@pytest.mark.parametrize(
    ("config", "on", "off"),
    [
        (PinConfig(name="it", pin=17), "it  is on: no mask", "it  is off"),
        (ServoConfig(name="it", pin=17), "it  is on: no mask", "it  is off"),
        (RelayConfig(name="it", pin=17), "it  is on: no mask", "it  is off"),
        (RelayConfig(name="it", pin=17, open_when="mask"), "it  is open", "it  is closed"),
    ],
)
def test_each_change_is_one_line(config: SituationOutputConfig, on: str, off: str) -> None:
    lines: list[str] = []
    actuator = printed_actuator(config, lines.append)
    actuator.set(False, "nobody")
    actuator.set(True, "no_mask")
    actuator.set(True, "no_mask")
    assert lines == [on]
    actuator.set(False, "nobody")
    actuator.close()
    assert lines == [on, off]


def test_a_door_stays_in_the_state_that_it_was_left_in() -> None:
    lines: list[str] = []
    actuator = printed_actuator(RelayConfig(name="door", pin=17, open_when="mask", fail="open"), lines.append)
    actuator.set(True, "unknown")
    actuator.close()
    assert lines == ["door  is open"]


def test_another_situation_is_another_line() -> None:
    lines: list[str] = []
    actuator = printed_actuator(PinConfig(name="lamp", pin=17), lines.append)
    actuator.set(True, "no_mask")
    actuator.set(True, "incorrect_mask")
    actuator.close()
    assert lines == ["lamp  is on: no mask", "lamp  is on: mask worn incorrectly", "lamp  is off"]


def test_a_sound_follows_its_own_rules_and_names_its_files() -> None:
    """It is the real output, but for the loudspeaker: one language after the other, and not sooner than ``every``."""
    lines: list[str] = []
    sound = printed_actuator(SoundConfig(name="voice", languages=("en", "de"), every=600), lines.append)
    sound.set(True, "no_mask")
    until(lambda: len(lines) == 2, lambda: str(lines))
    assert lines == ["voice  plays en/no_mask.wav", "voice  plays de/no_mask.wav"]
    sound.set(True, "incorrect_mask")
    sound.close()
    assert len(lines) == 2
