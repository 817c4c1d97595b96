"""Fixtures for all tests: the bundled clip, the shipped model, real brokers and real maskwatch processes."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support import DOOR, DOOR_TRUTH, ROOT
from support.brokers import Mosquitto, Subscriber, mosquitto_program
from support.processes import Process

pytest.register_assert_rewrite("support.store_contract")
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in a job that a script put into the background
    signal.signal(signal.SIGINT, signal.default_int_handler)  # else Ctrl-C could not be tested


@pytest.fixture
def door() -> Path:
    """The bundled clip."""
    return DOOR


@pytest.fixture
def model() -> Path:
    return ROOT / "models" / "mask.tflite"


@pytest.fixture
def truth() -> dict[str, Any]:
    """The number of frames and alerts of the bundled clip, and its people and faces."""
    loaded: dict[str, Any] = json.loads(DOOR_TRUTH.read_text())
    return loaded


@pytest.fixture
def maskwatch(tmp_path: Path) -> Iterator[Any]:
    """Starts maskwatch with the given arguments; processes that still run at the end of the test are killed."""
    started: list[Process] = []

    def start(*args: str | Path, **more: Any) -> Process:
        started.append(Process(*map(str, args), cwd=tmp_path, **more))
        return started[-1]

    yield start
    for process in started:
        if process.popen.poll() is None:
            process.popen.kill()
            process.popen.wait(10)


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Any]:
    """Makes brokers that are not started yet: ``mosquitto(extra_configuration)``."""
    mosquitto_program()
    made: list[Mosquitto] = []

    def make(extra: str = "allow_anonymous true") -> Mosquitto:
        folder = tmp_path / f"broker{len(made)}"
        folder.mkdir()
        folder.chmod(0o755)
        made.append(Mosquitto(folder, extra))
        return made[-1]

    yield make
    for broker in made:
        broker.kill()


@pytest.fixture
def subscriber() -> Iterator[Any]:
    """Connects subscribers of all topics: ``subscriber(port, user=..., password=...)``."""
    made: list[Subscriber] = []

    def subscribe(port: int, **login: Any) -> Subscriber:
        made.append(Subscriber(port, **login))
        return made[-1]

    yield subscribe
    for one in made:
        one.close()


@pytest.fixture
def retained(subscriber: Any) -> Any:
    """Lists what a broker keeps: payload by topic."""

    def ask(broker: Mosquitto) -> dict[str, bytes]:
        one = subscriber(broker.port)
        one.publish("end", b"")
        one.wait_for("end")
        return {topic: payload for topic, payload, kept in one.messages if kept}

    return ask
