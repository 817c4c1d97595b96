"""edge.outputs.outputs: the thread that drives the actuators, with actuators that note what they are told."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from support import until

from edge.config.outputs import PinConfig, RelayConfig, Situation, SituationOutputConfig
from edge.config.zone import Zone
from edge.errors import OutputError
from edge.outputs import outputs
from edge.outputs.outputs import Outputs
from edge.outputs.situation import Person, Presence

LAMP = PinConfig(name="lamp", pin=17, hold=0, release=0)
DOOR = RelayConfig(name="door", pin=27, open_when="mask", open_for=600)
LEFT = Zone([(0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0)], "left")


class Recording:
    """An actuator that notes what it is set to. While ``broken``, it does not answer."""

    def __init__(self) -> None:
        self.calls: list[tuple[bool, Situation]] = []
        self.broken: Exception | None = None
        self.closed = False
        self.threads: set[str] = set()

    @property
    def on(self) -> bool:
        return bool(self.calls) and self.calls[-1][0]

    def set(self, on: bool, situation: Situation) -> None:
        self.threads.add(threading.current_thread().name)
        if self.broken:
            raise self.broken
        if not self.calls or self.calls[-1] != (on, situation):
            self.calls.append((on, situation))

    def close(self) -> None:
        self.threads.add(threading.current_thread().name)
        self.closed = True


class Button:
    """The emergency release."""

    def __init__(self) -> None:
        self.pressed: bool | Exception = False

    def active(self) -> bool:
        if isinstance(self.pressed, Exception):
            raise self.pressed
        return self.pressed

    def close(self) -> None:
        pass


class Running:
    """Outputs that run, their actuators by name, and the problems that are reported now."""

    def __init__(self, configs: tuple[SituationOutputConfig, ...], zones: tuple[Zone, ...], **options: Any) -> None:
        self.actuators = {config.name: Recording() for config in configs}
        self.problems: dict[str, str | None] = {}
        pairs = [(config, self.actuators[config.name]) for config in configs]
        self.outputs = Outputs(pairs, (), zones, self.problems.__setitem__, **options)

    def __getattr__(self, name: str) -> Recording:
        return self.actuators[name]

    def see(self, *people: str | Person, **options: Any) -> None:
        present = [Person(one, 0.25, 0.5) if isinstance(one, str) else one for one in people]
        self.outputs.see(Presence(time.monotonic(), present, **{"interval": 60.0, **options}))

    def wait(self, holds: Callable[[], object]) -> None:
        until(holds, lambda: f"{[a.calls for a in self.actuators.values()]} {self.problems}", 10, 0.002)


@contextmanager
def run(*configs: SituationOutputConfig, zones: tuple[Zone, ...] = (), **options: Any) -> Iterator[Running]:
    running = Running(configs, zones, **options)
    try:
        yield running
    finally:
        running.outputs.close()


def test_each_output_begins_in_its_safe_state_and_ends_there() -> None:
    open_door = RelayConfig(name="exit", pin=22, open_when="mask", fail="open")
    with run(LAMP, DOOR, open_door) as running:
        running.wait(lambda: running.lamp.calls and running.door.calls and running.exit.on)
        assert not running.lamp.on and not running.door.on
        running.see("no_mask")
        running.wait(lambda: running.lamp.on and not running.exit.on)
        assert running.outputs.alive and running.outputs.names == ["lamp", "door", "exit"]
    assert [(actuator.on, actuator.closed) for actuator in running.actuators.values()] == [
        (False, True), (False, True), (True, True),
    ]  # fmt: skip
    assert {name for actuator in running.actuators.values() for name in actuator.threads} == {"outputs"}
    running.outputs.close()


def test_a_change_comes_and_another_situation_is_told() -> None:
    with run(LAMP) as running:

        def expect(call: tuple[bool, str], *states: str) -> None:
            running.see(*states)
            running.wait(lambda: running.lamp.calls and running.lamp.calls[-1] == call)

        expect((True, "incorrect_mask"), "incorrect_mask")
        expect((True, "no_mask"), "incorrect_mask", "no_mask")
        expect((False, "mask"), "mask")


def test_the_door_closes_at_once_when_nobody_can_be_judged_and_soon_when_no_frame_comes() -> None:
    with run(DOOR) as running:
        running.see("mask", interval=60.0)
        running.wait(lambda: running.door.on)
        running.see("mask", judging=False)
        running.wait(lambda: not running.door.on)
        running.see("mask", interval=0.0)
        running.wait(lambda: running.door.on)
        running.wait(lambda: not running.door.on)


def test_frames_that_say_the_same_keep_it_on() -> None:
    with run(LAMP) as running:
        for _ in range(12):
            running.see("no_mask", interval=1.0)
            time.sleep(outputs.STALE_INTERVALS / 8)
        assert [on for on, _ in running.lamp.calls] == [False, True]


def test_an_output_with_a_zone_answers_people_there_and_follows_the_page() -> None:
    lamp = PinConfig(name="lamp", pin=17, hold=0, release=0, zone="left")
    with run(lamp, zones=(LEFT,)) as running:
        running.see(Person("no_mask", 0.75, 0.5))
        time.sleep(0.05)
        assert not running.lamp.on
        running.outputs.watch((Zone([(0.5, 0), (1, 0), (1, 1), (0.5, 1)], "left"),))
        running.wait(lambda: running.lamp.on)
        running.outputs.watch(())
        running.wait(lambda: not running.lamp.on and running.problems["output lamp"])
        assert "no zone 'left'" in str(running.problems["output lamp"])
        running.outputs.watch((LEFT,))
        running.wait(lambda: running.problems["output lamp"] is None)


def test_a_muted_output_is_off_and_a_muted_door_in_its_fail_state() -> None:
    exit_door = RelayConfig(name="exit", pin=22, open_when="mask", fail="open")
    with run(LAMP, DOOR, exit_door) as running:
        running.outputs.mute({"lamp": True, "exit": True})
        running.see("no_mask")
        running.wait(lambda: running.exit.on)
        time.sleep(0.05)
        assert not running.lamp.on
        running.outputs.mute({"lamp": False, "door": True})
        running.wait(lambda: running.lamp.on)
        assert running.exit.on, "what is not named stays as it is"


def test_the_emergency_release_opens_the_door_whatever_else() -> None:
    button = Button()
    with run(DOOR, releases={"door": button}) as running:
        running.outputs.mute({"door": True})
        running.see("no_mask")
        button.pressed = True
        running.wait(lambda: running.door.on)
        button.pressed = False
        running.wait(lambda: not running.door.on)
        button.pressed = OutputError("pin 5 is in use")
        running.wait(lambda: running.problems.get("output door") == "output door: pin 5 is in use")
        button.pressed = True
        running.wait(lambda: running.door.on and running.problems["output door"] is None)


@pytest.mark.parametrize("fault", [OutputError("pin 17 is in use"), ValueError("a bug")], ids=["known", "unknown"])
def test_hardware_that_does_not_answer_is_named_and_tried_again(fault: Exception) -> None:
    with run(LAMP, DOOR) as running:
        running.lamp.broken = fault
        running.see("no_mask")
        running.wait(lambda: str(fault) in str(running.problems.get("output lamp")))
        running.see("mask")
        running.wait(lambda: running.door.on)  # the others work on
        running.see("no_mask")
        running.lamp.broken = None
        running.wait(lambda: running.lamp.on and running.problems["output lamp"] is None)


def test_a_view_that_is_settled_now_opens_the_door_at_once() -> None:
    with run(DOOR) as running:
        running.see("mask", settled=False)
        time.sleep(0.05)
        assert not running.door.on
        running.see("mask")
        running.wait(lambda: running.door.on)


def test_a_test_ends_in_time_although_no_frame_comes() -> None:
    """The thread wakes by itself only each second: it must know when the pulse ends."""
    with run(PinConfig(name="buzzer", pin=18, pulse=0.1)) as running:
        started = time.monotonic()
        running.outputs.fire("buzzer")
        running.wait(lambda: [on for on, _ in running.buzzer.calls] == [False, True, False])
        assert time.monotonic() - started < outputs.LONGEST_WAIT_S * 0.7


class Slow(Recording):
    """An actuator that takes its time to end, as a servo does."""

    def close(self) -> None:
        time.sleep(0.3)
        super().close()


def test_to_rest_waits_for_no_servo_and_the_end_does() -> None:
    lamp, servo = Recording(), Slow()
    opened = Outputs([(PinConfig(name="servo", pin=12), servo), (LAMP, lamp)], (), (), lambda part, problem: None)
    opened.see(Presence(time.monotonic(), [Person("no_mask", 0.5, 0.5)], interval=60.0))
    until(lambda: lamp.on and servo.on)
    opened.rest()
    assert not lamp.on and not servo.on and not servo.closed
    with pytest.raises(OutputError, match="maskwatch ends"):
        opened.fire("lamp")
    opened.close()
    assert servo.closed and lamp.closed


def test_a_test_fires_an_output_once() -> None:
    buzzer = PinConfig(name="buzzer", pin=18, pulse=0.1)
    with run(buzzer, DOOR) as running:
        assert not running.outputs.fire("buzzer")
        running.wait(lambda: [on for on, _ in running.buzzer.calls] == [False, True, False])
        assert not running.door.on
        running.outputs.mute({"buzzer": True})
        assert running.outputs.fire("buzzer") and not running.outputs.fire("door"), "whether it is muted is told"
        with pytest.raises(OutputError, match=r"started without output 'buzz' \(with: buzzer, door\); restart it"):
            running.outputs.fire("buzz")
        running.door.broken = OutputError("pin 27 is in use")
        with pytest.raises(OutputError, match="output door: pin 27 is in use"):
            running.outputs.fire("door")
