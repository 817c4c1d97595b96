"""A relay that opens a door, while its camera falls silent, freezes or is covered, and while watching is paused."""

import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from chaos.doors import Door
from support import DOOR, until
from support.cameras import NetworkCamera, black, clip_pictures
from support.phone import SilentServer
from support.pins import FilePins

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(180)]

PIN = 27
CONFIG = f"""
[outputs.relay]
pin = {PIN}
open_when = "mask"
open_for = 600
"""
SLOWEST = 20.0
"""Seconds within which a frozen image is noticed, on the slowest machine."""


@pytest.fixture
def masked() -> list[bytes]:
    """Frames of a person with a mask in front of the door."""
    return clip_pictures(DOOR, 132, 160)


@pytest.fixture
def camera(masked: list[bytes]) -> Iterator[NetworkCamera]:
    made = NetworkCamera(masked, 1 / 12)
    yield made
    made.close()


def test_the_door_closes_whenever_the_camera_shows_nobody_new(
    maskwatch: Any, mosquitto: Any, subscriber: Any, camera: NetworkCamera, masked: list[bytes], tmp_path: Path
) -> None:
    broker, pins, config = mosquitto().start(), FilePins(tmp_path / "pins"), tmp_path / "door.toml"
    config.write_text(CONFIG)
    more = {"env": dict(pins.environment)}
    door = Door(maskwatch, subscriber(broker.port), camera, "--broker", broker.address, "--config", str(config), **more)

    def wait(level: int) -> float:
        return until(lambda: pins.level(PIN) == level, lambda: f"{pins.history(PIN)}\n{door.process.err}", SLOWEST)

    def closes(fault: Callable[[], object], name: str) -> None:
        wait(1)
        fault()
        print(f"{name}: closed after {wait(0):.1f} s")

    closes(camera.fall_silent, "silent camera")
    camera.send()
    closes(camera.freeze, "frozen image")
    camera.show(masked)
    closes(lambda: camera.show(black), "covered lens")
    camera.show(masked)
    closes(lambda: door.subscriber.publish("maskwatch/entrance/enabled/set", b"OFF"), "paused")
    door.subscriber.publish("maskwatch/entrance/enabled/set", b"ON")
    closes(lambda: door.subscriber.publish("maskwatch/entrance/output/relay/set", b"OFF"), "muted")
    assert "output relay:" not in door.process.err


def test_a_camera_that_is_frozen_from_the_start_opens_nothing_also_before_that_is_noticed(
    maskwatch: Any, masked: list[bytes], tmp_path: Path
) -> None:
    camera = NetworkCamera(masked[-1:], 1 / 12)
    pins, config = FilePins(tmp_path / "pins"), tmp_path / "door.toml"
    config.write_text(CONFIG)
    process = maskwatch("run", "--source", camera.url, "--print", "--config", config, env=dict(pins.environment))
    process.wait_for("camera frozen")
    assert {level for _, level in pins.history(PIN)} == {"0"}, pins.history(PIN)
    camera.show(masked)
    until(lambda: pins.level(PIN) == 1, lambda: f"{pins.history(PIN)}\n{process.err}", SLOWEST)
    camera.close()


def test_the_lamp_is_off_at_once_at_the_end_although_a_test_of_a_webhook_hangs(maskwatch: Any, tmp_path: Path) -> None:
    server, pins, config = SilentServer(), FilePins(tmp_path / "pins"), tmp_path / "door.toml"
    lamp = f'[outputs.lamp]\ndriver = "led"\npin = {PIN}\nwhen = ["nobody", "mask", "no_mask", "incorrect_mask"]\n'
    config.write_text(f'{lamp}[outputs.hook]\ndriver = "webhook"\nurl = "{server.url}"\n')
    environment = dict(pins.environment)
    options = ("--source", "demo", "--realtime", "--print", "--config", config)
    process = maskwatch("run", *options, env=environment)
    until(lambda: pins.level(PIN) == 1, lambda: process.err)
    test = maskwatch("test-output", "hook", "--config", config, env=environment)
    assert server.connected.wait(20)
    began = time.monotonic()
    process.end(signal.SIGTERM)
    ended = time.monotonic()
    off = next(moment for moment, level in pins.history(PIN) if moment >= began and level == "0")
    assert off < (began + ended) / 2, "the lamp waits for nobody"
    assert test.end() == 1 and "output hook: maskwatch ends" in test.err
    server.close()
