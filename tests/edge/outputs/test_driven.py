"""edge.outputs.driven: what an actuator is set to, and when. Time is an argument."""

from typing import Any

import pytest

from edge.config.outputs import PinConfig, RelayConfig, Situation, SoundConfig
from edge.errors import OutputError
from edge.outputs.driven import REFRESH_S, RETRY_S, TEST_S, DrivenActuator, seconds_of_test
from edge.outputs.situation import Sight

BARE, MASKED, NOBODY = Sight("no_mask", "no_mask"), Sight("mask", "mask"), Sight("nobody", "nobody")


class Lamp:
    """An actuator that notes what it is set to; while ``fault`` is set it does not answer."""

    def __init__(self) -> None:
        self.calls: list[tuple[bool, Situation]] = []
        self.attempts = 0
        self.fault = ""

    def set(self, on: bool, situation: Situation) -> None:
        self.attempts += 1
        if self.fault:
            raise OutputError(self.fault)
        self.calls.append((on, situation))

    def close(self) -> None:
        self.calls.append((False, "unknown"))


def driven(kind: type[PinConfig] = PinConfig, **options: Any) -> tuple[DrivenActuator, Lamp, list[str | None]]:
    lamp, problems = Lamp(), list[str | None]()
    config = kind(**{"name": "lamp", "pin": 17, "hold": 0.0, "release": 0.0, **options})
    return DrivenActuator(config, lamp, problems.append), lamp, problems


def test_it_is_set_at_changes_and_now_and_then_to_what_it_is() -> None:
    output, lamp, _ = driven()
    dues = [output.step(sight, now) for now, sight in ((1, NOBODY), (2, NOBODY), (3, BARE), (3.1, BARE))]
    assert lamp.calls == [(False, "nobody"), (True, "no_mask")]
    assert dues == [1 + REFRESH_S, 1 + REFRESH_S, 3 + REFRESH_S, 3 + REFRESH_S]
    output.step(BARE, 3 + REFRESH_S)
    assert lamp.calls[2:] == [(True, "no_mask")]


def test_it_keeps_its_situation_while_it_is_held_on() -> None:
    output, lamp, _ = driven(hold=10.0)
    for now, sight in ((1, Sight("incorrect_mask", "incorrect_mask")), (2, NOBODY), (3, MASKED), (4, BARE)):
        output.step(sight, now)
    assert lamp.calls == [(True, "incorrect_mask"), (True, "no_mask")]


def test_hardware_that_does_not_answer_costs_one_attempt_per_second() -> None:
    output, lamp, problems = driven()
    lamp.fault = "pin 17 is in use"
    dues = {output.step(BARE if number % 2 else NOBODY, 10 + number / 20) for number in range(20)}
    assert lamp.attempts == 1 and dues == {10 + RETRY_S}
    assert problems == ["output lamp: pin 17 is in use"] == [output.problem]
    lamp.fault = ""
    output.step(BARE, 10 + RETRY_S)
    assert lamp.calls == [(True, "no_mask")] and problems[1:] == [None]


def test_a_test_turns_it_on_for_two_seconds_or_a_pulse() -> None:
    for pulse, lasts in ((0.0, TEST_S), (0.5, 0.5)):
        output, lamp, _ = driven(pulse=pulse)
        output.step(NOBODY, 1)
        output.test()
        assert output.step(NOBODY, 2) == 2 + lasts and output.tests == 1
        output.step(NOBODY, 2 + lasts)
        assert lamp.calls == [(False, "nobody"), (True, "no_mask"), (False, "nobody")]


def test_a_test_of_a_sound_lasts_until_each_language_has_spoken() -> None:
    one = seconds_of_test(SoundConfig(name="voice", languages=("es",)))
    all_of_them = seconds_of_test(SoundConfig(name="voice", languages=("en", "de", "fr", "es", "it", "zh")))
    assert TEST_S + 2 < one < TEST_S + 3 and TEST_S + 9 < all_of_them < TEST_S + 12


def test_a_test_of_a_door_opens_it_also_while_it_is_muted() -> None:
    output, lamp, _ = driven(RelayConfig, open_when="mask")
    output.muted = True
    output.step(MASKED, 1)
    output.test()
    output.step(BARE, 2)
    output.step(BARE, 2 + TEST_S)
    assert lamp.calls == [(False, "mask"), (True, "mask"), (False, "no_mask")]


def test_it_knows_after_a_mute_what_happened_in_it() -> None:
    output, lamp, _ = driven(RelayConfig, open_when="mask", open_for=5.0)
    output.muted = True
    output.step(MASKED, 1)
    output.muted = False
    output.step(MASKED, 4)
    output.step(MASKED, 6)
    assert [on for on, _ in lamp.calls] == [False, True, False], "the situation began at 1"


class Button:
    """An emergency release; while it is None, it cannot be read."""

    pressed: bool | None = False

    def active(self) -> bool:
        if self.pressed is None:
            raise OutputError("pin 5 is in use")
        return self.pressed

    def close(self) -> None: ...


@pytest.mark.parametrize("fail", ["closed", "open"])
def test_a_door_whose_emergency_release_cannot_be_read_is_in_its_fail_state(fail: Any) -> None:
    lamp, problems, button = Lamp(), list[str | None](), Button()
    config = RelayConfig(name="door", pin=17, open_when="mask", fail=fail)
    output = DrivenActuator(config, lamp, problems.append, button)
    for now, (pressed, sight) in enumerate(
        ((False, MASKED), (None, MASKED), (None, BARE), (True, BARE), (False, BARE))
    ):
        button.pressed = pressed
        output.step(sight, now)
    assert [on for on, _ in lamp.calls] == ([True, False] if fail == "open" else [True, False, True, False])
    assert problems == ["output door: pin 5 is in use", None]


def test_a_reason_of_the_configuration_is_a_problem_too() -> None:
    output, _, problems = driven()
    output.step(Sight(), 1, "there is no zone")
    output.step(Sight(), 2)
    assert problems == ["output lamp: there is no zone", None]


def test_a_driver_that_refuses_a_test_is_no_fault() -> None:
    class Voice(Lamp):
        quiet = True

        def test(self) -> None:
            if self.quiet:
                raise OutputError("not played: quiet hours")
            self.calls.append((True, "unknown"))

    voice, problems = Voice(), list[str | None]()
    output = DrivenActuator(PinConfig(name="lamp", pin=17), voice, problems.append)
    output.test()
    output.step(NOBODY, 1)
    assert (output.refusal, problems) == ("not played: quiet hours", [])
    voice.quiet = False
    output.test()
    output.step(NOBODY, 2)
    output.step(NOBODY, 3)
    assert output.refusal is None and voice.calls.count((True, "unknown")) == 1
