"""edge.outputs.opening: which driver each output gets, and what is open when one of them cannot be opened."""

import time
from pathlib import Path
from typing import Any

from support import until
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
from edge.outputs.opening import described, open_outputs
from edge.outputs.situation import Person, Presence

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
    assert outputs.names == ["hook", "door", "tell"] and not outputs.sinks
    outputs.close()


def test_a_lamp_and_a_sound_are_shown_where_nothing_of_their_kind_is_configured() -> None:
    for configured in ((), (TELL,)):
        lines: list[str] = []
        outputs = opened(*configured, printed=lines.append)
        assert outputs.names == [output.name for output in configured], "nothing more is announced"
        outputs.see(Presence(time.monotonic(), [Person("no_mask", 0.5, 0.5)]))
        until(lambda lines=lines: len(lines) == 2)
        assert sorted(lines) == ["lamp  is on: no mask", "sound  plays en/no_mask.wav"]
        outputs.close()


def test_each_output_is_described_in_a_word_that_is_no_secret() -> None:
    sound, servo = SoundConfig(name="sound"), ServoConfig(name="barrier", pin=4)
    exit_door = RelayConfig(name="exit", pin=22, open_when="mask", release_pin=5)
    assert [described(output) for output in (LAMP, exit_door, servo, sound, HOOK)] == [
        "lamp (pin 17)",
        "exit (interlock at pin 22, emergency release at pin 5)",
        "barrier (servo at pin 4)",
        "sound",
        "hook (webhook)",
    ]


def test_what_one_output_lacks_keeps_none_from_being_opened(tmp_path: Path) -> None:
    problems: dict[str, str | None] = {}
    voice = SoundConfig(name="voice", files=str(tmp_path / "missing"))
    tell = CommandConfig(name="tell", program=("/none",))
    with mock_pins() as factory:
        outputs = open_outputs(Config(outputs=(voice, tell, LAMP)), problems.__setitem__)
        assert [state.state for state in factory.pin(17).states][-1] == 1, "off"
        until(lambda: {"output voice", "output tell"} <= problems.keys())
        outputs.close()
    assert "must be a folder that can be read" in str(problems["output voice"])
    assert problems["output tell"] == "output tell: outputs.tell.program: '/none' cannot be run: there is no such file"
