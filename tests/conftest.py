"""Parts that several tests share: the bundled clip, the shipped model, a real broker, real maskwatch processes."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture
def door() -> Path:
    return ROOT / "edge" / "camera" / "door.mp4"


@pytest.fixture
def model() -> Path:
    return ROOT / "models" / "mask.tflite"


@pytest.fixture
def truth() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((ROOT / "tests" / "door.json").read_text())
    return loaded


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Process:
    """A maskwatch process whose lines can be waited for; ``program`` runs another Python program instead.

    Its state folder is ``cwd/state/maskwatch/DEVICE``.
    """

    def __init__(
        self, *args: str, cwd: Path, env: dict[str, str] | None = None, program: tuple[str, ...] | None = None
    ) -> None:
        self._out, self._err = cwd / f"{id(self)}.out", cwd / f"{id(self)}.err"
        environ = {**os.environ, "XDG_STATE_HOME": str(cwd / "state")} | (env or {})
        command = [sys.executable, "-u", *(program or ("-m", "edge")), *args]
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self.popen = subprocess.Popen(
                command, cwd=ROOT, stdout=out, stderr=err, stdin=subprocess.DEVNULL, env=environ
            )

    @property
    def out(self) -> str:
        return self._out.read_text()

    @property
    def err(self) -> str:
        return self._err.read_text()

    @property
    def alerts(self) -> list[dict[str, Any]]:
        """The alerts of ``--print``."""
        return [json.loads(line) for line in self.out.splitlines() if line.startswith("{")]

    def wait_for(self, text: str, timeout: float = 60) -> None:
        """Until ``text`` stands in what the process has said."""
        deadline = time.monotonic() + timeout
        while text not in self.out + self.err:
            assert time.monotonic() < deadline, f"'{text}' did not come; it said:\n{self.out}{self.err}"
            assert self.popen.poll() is None or text in self.out + self.err, f"ended early:\n{self.out}{self.err}"
            time.sleep(0.05)

    def end(self, number: int | None = None, timeout: float = 90) -> int:
        """The exit code, after sending a signal if one is given."""
        if number is not None:
            self.popen.send_signal(number)
        return self.popen.wait(timeout)


def after(code: str) -> tuple[str, str]:
    """The ``program`` of a maskwatch in whose process ``code`` runs first; ``sys`` is there.

    ``sys.modules[NAME] = None`` is Python's own way to say that a package is not installed.
    """
    return "-c", f"import sys; {code}; from edge.__main__ import main; sys.exit(main(sys.argv[1:]))"


@pytest.fixture
def maskwatch(tmp_path: Path) -> Iterator[Any]:
    """Starts maskwatch with the given arguments; what still runs at the end of the test is killed."""
    started: list[Process] = []

    def start(*args: str | Path, **more: Any) -> Process:
        started.append(Process(*map(str, args), cwd=tmp_path, **more))
        return started[-1]

    yield start
    for process in started:
        if process.popen.poll() is None:
            process.popen.kill()
            process.popen.wait(10)


class Mosquitto:
    """A real mosquitto on loopback, on its own port, that can be killed and started again."""

    def __init__(self, folder: Path, extra: str = "allow_anonymous true") -> None:
        self.port = free_port()
        self._config = folder / "mosquitto.conf"
        self.configure(f"listener {self.port} 127.0.0.1\n{extra}\n")
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def configure(self, text: str) -> None:
        """The whole of its configuration file, from the next start on."""
        self._config.write_text(text)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def start(self) -> "Mosquitto":
        if self._process is not None:
            return self
        log = (self._folder / "mosquitto.log").open("ab")
        self._process = subprocess.Popen([_mosquitto(), "-c", str(self._config)], stdout=log, stderr=log)
        deadline = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return self
            except OSError:
                assert time.monotonic() < deadline and self._process.poll() is None, "mosquitto does not start"
                time.sleep(0.05)

    @property
    def pid(self) -> int:
        assert self._process is not None, "the broker does not run"
        return self._process.pid

    def stop(self) -> None:
        """By SIGTERM: it writes down what it has acknowledged, if it is told to keep that."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)
            self._process = None

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None


def _mosquitto() -> str:
    found = shutil.which("mosquitto", path=os.environ.get("PATH", "") + ":/usr/sbin")
    if found is None:
        pytest.skip("mosquitto is not installed (sudo apt install mosquitto)")
    return found


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Any]:
    """Makes brokers: ``mosquitto(extra_configuration)``; not started yet."""
    _mosquitto()
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


class Subscriber:
    """A subscriber of everything: ``messages`` as (topic, payload, retained), in the order of arrival."""

    def __init__(self, port: int, **login: Any) -> None:
        import threading

        import paho.mqtt.client as paho

        self.messages: list[tuple[str, bytes, bool]] = []
        ready = threading.Event()
        self._client = paho.Client(paho.CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
        if login:
            self._client.username_pw_set(login["user"], login["password"])
        self._client.on_connect = lambda client, *_: client.subscribe("#", 1)
        self._client.on_subscribe = lambda *_: ready.set()
        self._client.on_message = lambda c, u, m: self.messages.append((m.topic, m.payload, m.retain))
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        assert ready.wait(20), "the test's own subscriber cannot subscribe"

    def on(self, topic: str) -> list[bytes]:
        return [payload for name, payload, _ in list(self.messages) if name == topic]

    def wait_for(self, topic: str, count: int = 1, timeout: float = 90) -> list[bytes]:
        """Until ``count`` messages have come on a topic."""
        deadline = time.monotonic() + timeout
        while len(self.on(topic)) < count:
            assert time.monotonic() < deadline, f"{len(self.on(topic))} of {count} on {topic}: {self.messages}"
            time.sleep(0.02)
        return self.on(topic)

    def publish(self, topic: str, payload: bytes, retain: bool = False) -> None:
        self._client.publish(topic, payload, qos=1, retain=retain).wait_for_publish(20)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@pytest.fixture
def subscriber() -> Iterator[Any]:
    opened: list[Subscriber] = []

    def subscribe(port: int, **login: Any) -> Subscriber:
        opened.append(Subscriber(port, **login))
        return opened[-1]

    yield subscribe
    for each in opened:
        each.close()
