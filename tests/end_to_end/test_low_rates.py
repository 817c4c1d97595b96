"""Real maskwatch processes with a camera that gives about one frame per second."""

import json
import signal
from collections.abc import Iterator
from typing import Any

import pytest
from support import DOOR, until
from support.cameras import NetworkCamera, clip_pictures

TOPIC = "maskwatch/entrance"
TOO_SLOW = "too few to judge anybody: at least 1 is needed"


@pytest.fixture
def camera() -> Iterator[NetworkCamera]:
    """Shows somebody without a mask who stays."""
    made = NetworkCamera(clip_pictures(DOOR, 40, 70))
    yield made
    made.close()


class Door:
    """A maskwatch process that watches a camera, and what it publishes."""

    def __init__(self, maskwatch: Any, mosquitto: Any, subscriber: Any, camera: NetworkCamera) -> None:
        broker = mosquitto().start()
        self.received = subscriber(broker.port)
        self.process = maskwatch("run", "--source", camera.url, "--broker", broker.address)

    @property
    def problem(self) -> str | None:
        health = self.received.on(f"{TOPIC}/health")
        return str(json.loads(health[-1])["problem"] or "") if health else None

    def wait_for_problem(self, text: str) -> None:
        """Waits until health names this problem, or none if ``text`` is empty."""

        def said() -> bool:
            problem = self.problem
            return problem is not None and (text in problem if text else problem == "")

        until(said, lambda: f"'{text}'; health says {self.problem!r}", 60)


@pytest.fixture
def door(maskwatch: Any, mosquitto: Any, subscriber: Any, camera: NetworkCamera) -> Door:
    return Door(maskwatch, mosquitto, subscriber, camera)


def test_one_frame_per_second_is_enough_for_an_alert(door: Door, camera: NetworkCamera) -> None:
    camera.every(0.9)
    door.received.wait_for(f"{TOPIC}/alert")
    camera.wait_for(camera.sent + 4)
    assert door.process.end(signal.SIGTERM) == 0
    assert len(door.received.on(f"{TOPIC}/alert")) == 1
    assert TOO_SLOW not in door.process.err


def test_health_says_that_the_rate_is_too_low_until_it_is_not(
    door: Door, camera: NetworkCamera, maskwatch: Any
) -> None:
    camera.every(1.5)
    door.wait_for_problem(TOO_SLOW)
    assert not door.received.on(f"{TOPIC}/alert")
    doctor = maskwatch("doctor")
    assert doctor.end() == 1
    assert TOO_SLOW in next(line for line in doctor.out.splitlines() if line.startswith("FAIL  service"))
    door.received.publish(f"{TOPIC}/enabled/set", b"OFF")
    door.wait_for_problem("")  # while watching is paused, nobody is to be judged
    door.received.publish(f"{TOPIC}/enabled/set", b"ON")
    door.wait_for_problem(TOO_SLOW)
    camera.every(0.1)
    door.wait_for_problem("")
    door.received.wait_for(f"{TOPIC}/alert")
    assert door.process.end(signal.SIGTERM) == 0
    assert door.process.err.count(TOO_SLOW) == 2 and door.process.err.count("the frame rate recovered") == 1


def test_a_recording_with_too_few_frames_is_named_too(maskwatch: Any, tmp_path: Any) -> None:
    """A folder of pictures of which one is taken every two seconds, played as fast as possible."""
    pictures, config = tmp_path / "pictures", tmp_path / "maskwatch.toml"
    pictures.mkdir()
    for number, jpeg in enumerate(clip_pictures(DOOR, 40, 70)):
        (pictures / f"{number:03}.jpg").write_bytes(jpeg)
    config.write_text("[source]\nfps = 0.5\n")
    slow = maskwatch("run", "--config", config, "--source", pictures, "--print")
    assert slow.end() == 0 and slow.alerts == []
    assert f"gives 0.50 frames per second, {TOO_SLOW}" in slow.err
    config.write_text("[source]\nfps = 1\n")
    fast_enough = maskwatch("run", "--config", config, "--source", pictures, "--print")
    assert fast_enough.end() == 0 and len(fast_enough.alerts) == 1
    assert TOO_SLOW not in fast_enough.err
