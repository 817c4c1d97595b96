"""A relay that opens a door, in real processes over pins that keep their level when the process has died."""

import signal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from support import until
from support.pins import FilePins

DOOR, RELEASE, LAMP = 27, 5, 17
CONFIG = f"""
[outputs.door]
driver = "relay"
pin = {DOOR}
open_when = "mask"
open_for = 0.5
release_pin = {RELEASE}

[outputs.lamp]
driver = "led"
pin = {LAMP}
hold = 0
release = 0
"""


@pytest.fixture
def pins(tmp_path: Path) -> FilePins:
    pins = FilePins(tmp_path / "pins")
    pins.drive(RELEASE, 1)
    return pins


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "door.toml"
    path.write_text(CONFIG)
    return path


def rises(pins: FilePins, pin: int) -> list[float]:
    """Returns when a pin became high."""
    history = pins.history(pin)
    return [now for (_, before), (now, level) in pairwise(history) if (before, level) == ("0", "1")]


def test_the_door_opens_for_masks_only(maskwatch: Any, pins: FilePins, config: Path) -> None:
    run = maskwatch("run", "--source", "demo", "--print", "--config", config, env=dict(pins.environment))
    assert run.end() == 0, run.err
    assert rises(pins, DOOR) and rises(pins, LAMP), run.err
    for bare_since in rises(pins, LAMP):  # of two outputs that change at the same moment, the first one goes first
        assert [level for now, level in pins.history(DOOR) if now < bare_since][-1] == "0"
    assert pins.level(DOOR) == 0 and "output door:" not in run.err


def test_a_killed_process_leaves_the_door_open_and_the_next_one_closes_it_first(
    maskwatch: Any, pins: FilePins, config: Path, tmp_path: Path
) -> None:
    environment = dict(pins.environment)
    run = maskwatch("run", "--source", "demo", "--realtime", "--print", "--config", config, env=environment)
    pins.drive(RELEASE, 0)  # somebody presses the emergency release
    until(lambda: pins.level(DOOR) == 1, lambda: run.err)
    run.end(signal.SIGKILL)
    assert pins.level(DOOR) == 1
    pins.drive(RELEASE, 1)
    (tmp_path / "damaged.tflite").touch()
    options = ("--config", config, "--model", tmp_path / "damaged.tflite")
    run = maskwatch("run", "--source", "demo", "--print", *options, env=environment)
    assert run.end() == 2, run.err
    assert pins.level(DOOR) == 0, "although it ends before it watches"


def test_a_pin_that_does_not_answer_is_named_and_the_door_is_watched(
    maskwatch: Any, pins: FilePins, config: Path
) -> None:
    pins.broken = True
    options = ("--source", "demo", "--realtime", "--print", "--config", config)
    run = maskwatch("run", *options, env=dict(pins.environment))
    for text in (
        f"output door: pin {DOOR} cannot be used",
        f"output lamp: pin {LAMP} cannot be used",
        "alert: no_mask",
    ):
        run.wait_for(text)
    pins.broken = False
    for name in ("door", "lamp"):
        run.wait_for(f"output {name} recovered")
    assert run.end(signal.SIGTERM) == 0
    assert pins.level(LAMP) == pins.level(DOOR) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_process_that_is_asked_to_end_while_it_loads_closes_the_door(
    maskwatch: Any, pins: FilePins, config: Path, number: signal.Signals
) -> None:
    pins.drive(RELEASE, 0)
    options = ("--source", "demo", "--realtime", "--print", "--config", config)
    run = maskwatch("run", *options, env=dict(pins.environment))
    until(lambda: pins.level(DOOR) == 1, lambda: run.err, pause=0.002)
    run.end(number)
    assert pins.level(DOOR) == 0, run.err
    assert "Traceback" not in run.err
