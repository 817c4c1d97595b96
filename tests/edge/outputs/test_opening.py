"""edge.outputs.opening: which driver each output gets, and what is open when one of them cannot be opened."""

from pathlib import Path
from typing import Any

import pytest
from support.pins import mock_pins

from edge.config.outputs import (
    CommandConfig,
    OutputConfig,
    PinConfig,
    RelayConfig,
    ServoConfig,
    SoundConfig,
    WebhookConfig,
)
from edge.config.schema import Config
from edge.errors import ConfigError
from edge.outputs.opening import open_outputs

LAMP = PinConfig(name="lamp", pin=17, active="low")
DOOR = RelayConfig(name="door", pin=27, open_when="mask", fail="open", release_pin=5)
FLAG = ServoConfig(name="flag", pin=18)
HOOK = WebhookConfig(name="hook", url="http://127.0.0.1:9/")
TELL = CommandConfig(name="tell", program=("/bin/true",))


def opened(*outputs: OutputConfig, **options: Any) -> Any:
    return open_outputs(Config(outputs=outputs), lambda part, problem: None, **options)


def test_pins_have_their_first_level_when_the_outputs_are_open() -> None:
    with mock_pins(pwm=True) as factory:
        outputs = opened(HOOK, LAMP, DOOR, FLAG, TELL)
        levels = {number: factory.pin(number).state for number in (17, 27)}
        assert levels == {17: 1, 27: 1}, "off, and an interlock that fails open"
        assert outputs.names == ["hook", "lamp", "door", "flag", "tell"]
        assert [sink.name for sink in outputs.sinks] == ["hook", "tell"]
        outputs.close()


def test_outputs_that_only_print_open_nothing_else() -> None:
    outputs = opened(HOOK, DOOR, TELL, printed=lambda text: None)
    assert outputs.names == ["door"] and not outputs.sinks
    outputs.close()


def test_pins_are_set_first_and_given_back_when_another_output_cannot_be_opened(tmp_path: Path) -> None:
    with mock_pins() as factory:
        with pytest.raises(ConfigError, match="sound"):
            opened(SoundConfig(name="sound", files=str(tmp_path / "missing")), LAMP, HOOK)
        lamp = factory.pin(17)
        assert [state.state for state in lamp.states][-1] == 1, "off"
        opened(LAMP).close()
