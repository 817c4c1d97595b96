"""edge.outputs.rules: when an output is on, by situation and time. Time is an argument."""

import math
from typing import Any

import pytest

from edge.config.outputs import PinConfig, RelayConfig, ServoConfig, Situation
from edge.outputs.interlock import Interlock
from edge.outputs.rules import SituationRule, rule_for
from edge.outputs.situation import Sight


def rule(**options: Any) -> SituationRule:
    return SituationRule(PinConfig(name="lamp", pin=17, **options))


def at(rule: SituationRule, situation: Situation, now: float) -> bool:
    return rule.update(Sight(situation, situation), now)


def test_an_output_begins_off_and_is_off_while_nobody_can_be_judged() -> None:
    lamp = rule(when=("no_mask", "nobody"))
    assert not lamp.rest and not at(lamp, "unknown", 0) and lamp.due == math.inf
    assert at(lamp, "nobody", 1)
    assert not at(lamp, "unknown", 1.1), "at once: hold and release are for people who can be seen"


def test_it_is_on_for_each_of_its_situations_and_for_no_other() -> None:
    lamp = rule(when=("incorrect_mask", "mask"), hold=0, release=0)
    answers = {word: at(lamp, word, 1) for word in ("nobody", "no_mask", "mask", "incorrect_mask")}  # type: ignore[arg-type]
    assert answers == {"nobody": False, "no_mask": False, "mask": True, "incorrect_mask": True}


def test_it_stays_on_for_hold_at_least() -> None:
    lamp = rule(hold=3, release=0)
    assert at(lamp, "no_mask", 10) and at(lamp, "nobody", 10.5)
    assert lamp.due == 13
    assert at(lamp, "nobody", 12.9) and not at(lamp, "nobody", 13)


def test_it_goes_off_after_the_situation_was_over_for_release() -> None:
    lamp = rule(hold=0, release=2)
    assert at(lamp, "no_mask", 10) and at(lamp, "nobody", 20) and lamp.due == 22
    assert at(lamp, "no_mask", 21.9), "it was not over for so long"
    assert at(lamp, "nobody", 22) and at(lamp, "nobody", 23.9) and not at(lamp, "nobody", 24)


def test_a_pulse_ends_by_itself_and_begins_anew_only_with_a_new_situation() -> None:
    buzzer = rule(pulse=0.5, hold=0, release=1)
    assert at(buzzer, "no_mask", 10) and buzzer.due == 10.5
    assert not at(buzzer, "no_mask", 10.5) and not at(buzzer, "no_mask", 60)
    assert not at(buzzer, "nobody", 61) and not at(buzzer, "no_mask", 61.5), "over for half a second: the same one"
    assert not at(buzzer, "nobody", 62)
    assert at(buzzer, "no_mask", 63.1), "a new one, also where nobody asked in between"


def test_a_pulse_is_no_longer_than_its_situation() -> None:
    buzzer = rule(pulse=5, hold=0, release=1)
    assert at(buzzer, "no_mask", 10) and at(buzzer, "nobody", 11) and buzzer.due == 12
    assert not at(buzzer, "nobody", 12)


def test_a_faltering_camera_starts_no_second_pulse() -> None:
    buzzer = rule(pulse=0.5)
    assert at(buzzer, "no_mask", 10) and not at(buzzer, "no_mask", 11)
    assert not at(buzzer, "unknown", 12) and not at(buzzer, "no_mask", 14)


def test_nobody_is_held_on_after_a_time_in_which_nobody_was_seen() -> None:
    lamp = rule(hold=3, release=3)
    assert at(lamp, "no_mask", 10) and not at(lamp, "unknown", 11)
    assert not at(lamp, "nobody", 11.5), "whoever was there went unseen"


@pytest.mark.parametrize(
    ("config", "kind"),
    [
        (RelayConfig(name="r", pin=1, open_when="mask"), Interlock),
        (RelayConfig(name="r", pin=1), SituationRule),
        (ServoConfig(name="s", pin=1), SituationRule),
    ],
)
def test_only_a_relay_that_opens_a_door_is_an_interlock(config: Any, kind: type) -> None:
    assert type(rule_for(config)) is kind
