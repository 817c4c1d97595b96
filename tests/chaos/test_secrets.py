"""Canary passwords of the broker and of a camera are in nothing that maskwatch prints, saves, sends or dumps."""

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from chaos.doors import TOPIC, unmasked_person
from support import until
from support.cameras import NetworkCamera
from support.notified import Systemd

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(240)]

BROKER, CAMERA, QUERY = "Kanari-4711-broker", "Kanari-4712-kamera", "Kanari-4713-frage"


@pytest.fixture
def camera() -> Iterator[NetworkCamera]:
    made = NetworkCamera(unmasked_person(), 1 / 12)
    yield made
    made.close()


def broker_with_password(mosquitto: Any, folder: Path) -> Any:
    """Starts a broker that requires a password."""
    made = folder / "users"
    subprocess.run(["mosquitto_passwd", "-c", "-b", str(made), "cam", BROKER], check=True, capture_output=True)
    made.chmod(0o644)
    return mosquitto(f"user root\nallow_anonymous false\npassword_file {made}").start()


def configuration(folder: Path, broker: Any, address: str, password: str = BROKER) -> Path:
    secret, path = folder / "secret", folder / "maskwatch.toml"
    secret.write_text(f"{password}\n")
    secret.chmod(0o600)
    path.write_text(
        f'[source]\nsource = "{address}"\n[mqtt]\nhost = "127.0.0.1"\nport = {broker.port}\n'
        f'user = "cam"\npassword_file = "{secret}"\n'
    )
    return path


def assert_no_password_in(texts: dict[str, str]) -> None:
    """Asserts that no text is empty and that none contains a password."""
    for name, text in texts.items():
        assert text, f"{name} is empty, so nothing was checked"
        for secret in (BROKER, CAMERA, QUERY, "Kanari"):
            assert secret not in text, f"{name}: {text}"


def files_of(folder: Path) -> str:
    """The content of every file that the process has written."""
    return "".join(path.read_bytes().decode("latin-1") for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("supervised", [True, False], ids=["under systemd", "by hand"])
def test_canary_passwords_appear_nowhere(
    supervised: bool, maskwatch: Any, mosquitto: Any, subscriber: Any, camera: NetworkCamera, tmp_path: Path
) -> None:
    broker, systemd = broker_with_password(mosquitto, tmp_path), Systemd(str(tmp_path / "notify"))
    received = subscriber(broker.port, user="cam", password=BROKER)
    address = camera.url.replace("http://", f"http://viewer:{CAMERA}@") + f"video?pwd={QUERY}"
    config = configuration(tmp_path, broker, address)
    env = {"NOTIFY_SOCKET": systemd.address} if supervised else None
    run = maskwatch("run", "--verbose", "--config", config, env=env)
    received.wait_for(f"{TOPIC}/alert")
    camera.unplug()
    run.wait_for("camera lost")
    until(lambda: b"lost" in b"".join(received.on(f"{TOPIC}/health")), "health reports the lost camera")
    broker.kill()
    run.wait_for("broker lost")
    broker.start()
    run.wait_for("reconnected to the broker")
    doctor = maskwatch("doctor", "--verbose", "--config", config)
    doctor.end()
    alone = maskwatch("doctor", "--verbose", "--config", config, env={"XDG_STATE_HOME": str(tmp_path / "elsewhere")})
    assert alone.end() == 1, "the camera is absent"
    assert run.end(signal.SIGABRT) == -signal.SIGABRT
    assert "Fatal Python error: Aborted" in run.err and "most recent call first" in run.err
    assert_no_password_in(
        {
            "log and stacks": run.err,
            "messages sent": str(received.messages),
            "doctor beside a running maskwatch": doctor.out + doctor.err,
            "doctor alone": alone.out + alone.err,
            "state folder": files_of(tmp_path / "state"),
            "notifications": str(systemd.messages) + " ",
        }
    )
    systemd.close()


def test_a_refused_password_and_an_invalid_address_are_reported_without_passwords(
    maskwatch: Any, mosquitto: Any, tmp_path: Path
) -> None:
    broker = broker_with_password(mosquitto, tmp_path)
    wrong = configuration(tmp_path, broker, "demo", password=BROKER + "x")
    run = maskwatch("run", "--verbose", "--realtime", "--config", wrong)
    run.wait_for("refuses the connection")
    assert run.end(signal.SIGTERM) == 0
    doctor = maskwatch("doctor", "--config", wrong)
    assert doctor.end() == 1
    mistyped = maskwatch("run", "--source", f"rstp://viewer:{CAMERA}@10.0.0.1/video", "--print")
    assert mistyped.end() == 2
    absent = maskwatch("run", "--source", f"rtsp://viewer:{CAMERA}@127.0.0.1:9/video?pwd={QUERY}", "--print")
    assert absent.end() == 1
    in_argument = maskwatch("run", "--broker", f"mqtt://cam:{BROKER}@127.0.0.1", "--print")
    assert in_argument.end() == 2
    processes = {"refused": run, "doctor": doctor, "mistyped": mistyped, "absent": absent, "argument": in_argument}
    assert_no_password_in({name: process.out + process.err for name, process in processes.items()})
