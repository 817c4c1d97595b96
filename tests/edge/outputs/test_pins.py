"""LED, buzzer, relay, servo and emergency release: over gpiozero's mock, and over pins that behave as the kernel's."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from support import ROOT, until
from support.pins import FilePins, mock_pins

from edge.config.outputs import Level, PinConfig, RelayConfig, ServoConfig
from edge.config.schema import Config
from edge.errors import OutputError
from edge.outputs.opening import open_outputs
from edge.outputs.pins import PinOutput, ReleaseInput, ServoOutput
from edge.outputs.situation import Person, Presence


@pytest.fixture
def mock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("GPIOZERO_PIN_FACTORY", "mock")
    with mock_pins() as factory:
        yield factory


@pytest.mark.parametrize(("active", "on"), [("high", True), ("low", False)])
def test_an_output_has_its_active_level_while_it_is_on(mock: Any, active: Level, on: bool) -> None:
    output = PinOutput(PinConfig(pin=17, active=active))
    pin = mock.pin(17)
    assert (pin.function, pin.state) == ("output", not on)
    output.set(True, "no_mask")
    assert pin.state == on
    output.set(False, "nobody")
    assert pin.state != on
    output.set(True, "no_mask")
    output.close()
    assert pin.function == "input"


def test_two_outputs_share_no_pin(mock: Any) -> None:
    PinOutput(PinConfig(pin=17)).close()
    first, second = PinOutput(PinConfig(pin=17)), PinOutput(PinConfig(pin=17))
    with pytest.raises(OutputError, match="pin 17 is used by another output"):
        second.set(True, "no_mask")
    first.close()
    second.set(True, "no_mask")
    assert mock.pin(17).state


def test_a_servo_turns_there_and_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPIOZERO_PIN_FACTORY", "mock")
    with mock_pins(pwm=True) as factory:
        servo = ServoOutput(ServoConfig(pin=12, on=45, off=-45))
        pin = factory.pin(12)
        assert (pin.frequency, pin.state) == (50, pytest.approx(0.0625))  # 1.25 ms of 20 ms
        servo.set(True, "no_mask")
        assert pin.state == pytest.approx(0.0875)
        servo.close()
        assert [pytest.approx(state.state) for state in pin.states[-3:]] == [0.0875, 0.0625, 0]
        assert pin.frequency is None


def test_a_servo_needs_pulses(mock: Any) -> None:
    with pytest.raises(OutputError, match="pin 12 cannot drive a servo"):
        ServoOutput(ServoConfig(pin=12)).set(True, "no_mask")


@pytest.mark.parametrize(("level", "idle"), [("low", "drive_high"), ("high", "drive_low")])
def test_the_release_is_read(mock: Any, level: Level, idle: str) -> None:
    release = ReleaseInput(RelayConfig(pin=4, release_pin=22, release_active=level))
    release.active()
    pin = mock.pin(22)
    assert pin.pull == "up"
    getattr(pin, idle)()
    assert not release.active()
    getattr(pin, {"drive_high": "drive_low", "drive_low": "drive_high"}[idle])()
    assert release.active()
    release.close()


def test_a_missing_package_is_named() -> None:
    code = """
import sys
sys.modules["gpiozero"] = None
from edge.outputs.pins import PinConfig, PinOutput
PinOutput(PinConfig(pin=17)).set(True, "mask")
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=30)
    last = done.stderr.splitlines()[-1]
    assert "GPIO pins need the extra gpio (gpiozero is missing): the service needs install.sh --gpio" in last
    assert OutputError.__name__ in last


def test_no_door_waits_for_a_servo_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPIOZERO_PIN_FACTORY", "mock")
    sign = ServoConfig(name="sign", pin=12, when=("mask",))
    door = RelayConfig(name="door", pin=17, open_when="mask")
    with mock_pins(pwm=True) as factory:
        with closing(open_outputs(Config(outputs=(sign, door)), lambda name, text: None)) as outputs:
            outputs.see(Presence(time.monotonic(), (Person("mask", 0.5, 0.5),)))
            until(lambda: factory.pin(17).state and factory.pin(12).state == pytest.approx(0.1))
            began = time.monotonic()
            closing_thread = Thread(target=outputs.close)
            closing_thread.start()
            until(lambda: not factory.pin(17).state)
            assert factory.pin(12).frequency == 50, "the servo is still turning"
            closing_thread.join(10)
        assert time.monotonic() - began >= 0.5 and factory.pin(12).frequency is None


DRIVEN = """
import sys
from edge.config.outputs import PinConfig, RelayConfig
from edge.errors import OutputError
from edge.outputs.pins import PinOutput, ReleaseInput

output = PinOutput(RelayConfig(pin=17, active="low", open_when="mask", release_pin=22))
release = ReleaseInput(RelayConfig(pin=17, release_pin=22))
while line := input():
    try:
        if line == "release":
            print(release.active(), flush=True)
        else:
            output.set(line == "on", "mask")
            print("done", flush=True)
    except OutputError as error:
        print(error, flush=True)
"""


class Driver:
    """A process that drives a relay at pin 17, which is on while the pin is low, and reads a release at pin 22."""

    def __init__(self, pins: FilePins) -> None:
        self.popen = subprocess.Popen(
            [sys.executable, "-c", DRIVEN],
            cwd=ROOT,
            env={**os.environ, **pins.environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, line: str) -> str:
        assert self.popen.stdin is not None
        self.popen.stdin.write(f"{line}\n")
        self.popen.stdin.flush()
        return self.line()

    def line(self) -> str:
        assert self.popen.stdout is not None
        return self.popen.stdout.readline().strip()

    def kill(self) -> None:
        self.popen.kill()
        self.popen.communicate(timeout=10)


@pytest.fixture
def pins(tmp_path: Path) -> FilePins:
    return FilePins(tmp_path / "pins")


@pytest.fixture
def drive(pins: FilePins) -> Iterator[Callable[[], Driver]]:
    drivers: list[Driver] = []

    def start() -> Driver:
        drivers.append(Driver(pins))
        return drivers[-1]

    yield start
    for driver in drivers:
        driver.kill()


def test_after_a_kill_the_next_process_begins_with_the_safe_level(pins: FilePins, drive: Callable[[], Driver]) -> None:
    first = drive()
    assert first.ask("on") == "done"
    first.kill()
    assert pins.level(17) == 0  # the door is open: the kernel leaves the level as it is
    before = len(pins.history(17))
    second = drive()
    assert second.ask("release") == "False"
    assert pins.level(17) == 1
    assert {level for _, level in pins.history(17)[before:]} == {"1"}  # and was neither an input nor low since


def test_a_pin_that_another_process_holds_is_taken_when_it_is_free(pins: FilePins, drive: Callable[[], Driver]) -> None:
    first, second = drive(), None
    assert first.ask("on") == "done"
    second = drive()
    assert second.ask("on").startswith("pin 17 is in use by another program")
    first.kill()
    assert second.ask("on") == "done"


def test_a_chip_that_does_not_answer_is_tried_again(pins: FilePins, drive: Callable[[], Driver]) -> None:
    driver = drive()
    assert driver.ask("on") == "done"
    pins.broken = True
    assert driver.ask("off") == "pin 17 cannot be used: GPIO does not answer"
    assert driver.ask("release") == "pin 22 cannot be used: GPIO does not answer"
    pins.broken = False
    assert driver.ask("off") == "done" and pins.level(17) == 1
    assert driver.ask("release") == "False"
    pins.drive(22, 0)
    assert driver.ask("release") == "True"


def test_the_first_attempt_may_fail(pins: FilePins, drive: Callable[[], Driver]) -> None:
    pins.broken = True
    driver = drive()
    assert driver.ask("off").startswith("pin 17 cannot be used")
    pins.broken = False
    assert driver.ask("off") == "done"
    until(lambda: pins.level(17) == 1)
