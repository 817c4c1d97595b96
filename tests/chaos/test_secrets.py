"""Canary passwords of the broker and of a camera are in nothing that maskwatch prints, saves, sends or dumps."""

import re
import signal
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from chaos.doors import TOPIC, unmasked_person
from support import until
from support.brokers import free_port
from support.cameras import NetworkCamera
from support.notified import Systemd

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(240)]

BROKER, CAMERA, QUERY, PATH = "Kanari-4711-broker", "Kanari-4712-kamera", "Kanari-4713-frage", "Kanari-4714-pfad"


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


def fetch(url: str) -> str:
    try:
        with urllib.request.urlopen(url, timeout=20) as answer:
            return str(answer.read())
    except urllib.error.HTTPError as error:  # a fault is a status of its own
        return str(error.read())


@pytest.mark.parametrize("supervised", [True, False], ids=["under systemd", "by hand"])
def test_canary_passwords_appear_nowhere(
    supervised: bool, maskwatch: Any, mosquitto: Any, subscriber: Any, camera: NetworkCamera, tmp_path: Path
) -> None:
    broker, systemd = broker_with_password(mosquitto, tmp_path), Systemd(str(tmp_path / "notify"))
    received = subscriber(broker.port, user="cam", password=BROKER)
    address = camera.url.replace("http://", f"http://viewer:{CAMERA}@")
    address += f"user=viewer_password={PATH}?pwd={QUERY}&mail=a@b"
    config, page = configuration(tmp_path, broker, address), free_port()
    with config.open("a", encoding="utf-8") as file:
        file.write(f"[web]\nenabled = true\nport = {page}\n")
    env = {"NOTIFY_SOCKET": systemd.address} if supervised else None
    run = maskwatch("run", "--verbose", "--config", config, env=env)
    received.wait_for(f"{TOPIC}/alert")
    camera.unplug()
    run.wait_for("camera lost")
    until(lambda: b"lost" in b"".join(received.on(f"{TOPIC}/health")), "health reports the lost camera")
    pages = [fetch(f"http://127.0.0.1:{page}/{path}") for path in ("api/now", "api/alerts", "metrics", "healthz")]
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
            "page": "\n".join(pages),
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


MISTYPED = [
    "rtsp://admin:{}@10.255.255.1:99999/stream",
    "rtsp:/admin:{}@127.0.0.1/stream",
    "rtsp//admin:{}@127.0.0.1/stream",
    "rstp://admin:{}@127.0.0.1/stream",
    "rtsp:\\\\admin:{}@127.0.0.1\\stream",
    " rtsp://admin:{}@127.0.0.1:9/stream",
    "admin:{}@127.0.0.1",
    "rtsp://admin:{}127.0.0.1:9/stream",
    "rtsp://admin:{}@/stream",
    "rtsp://127.0.0.1:9/user=admin_password={}_channel=1",
    "http://127.0.0.1:9/video?user=admin&pwd={}",
    "127.0.0.1:9/h264/admin/{}/ch1",
    "mqtt://admin:{}@127.0.0.1:9/x",
    "https://admin:{}@:443/",
    "file://admin:{}@nas/clip.mp4",
    "usb:{}",
]
PASSWORDS = ["Kanari", "Kan@ari", "Kan/ari", "Kan:ari", "Kan#ari", "Kan?ari", "Kan ari", 'Kan"ari', "Kan'ari"]
PLACES = [
    ["run", "--print", "--source", "{}"],
    ["run", "--print", "--sorce", "{}"],
    ["run", "--print", "--sorce={}"],
    ["run", "--print", "{}"],
    ["run", "--source", "demo", "--broker", "{}/x"],
    ["run", "--print", "--source", "demo", "--model", "{}"],
    ["run", "--detector={}"],
    ["run", "--print", "--source", "demo", "--device", "{}"],
    ["run", "--print", "--config", "{}"],
    ["doctor", "--source", "{}"],
    ["image", "{}"],
    ["set", "{}"],
    ["set", "source.source={}"],
    ["set", "source={}"],
    ["set", "{}=source"],
    ["set", "mqtt.host={}"],
    ["set", "mqtt.password_file={}"],
    ["set", "detect.min_face={}"],
    ["set", "--source", "{}"],
    ["set", "--web-password", "{}"],
    ["watch", "--broker", "{}/x"],
    ["watch", "--post", "{}", "--test"],
    ["forget", "--broker", "{}/x"],
    ["outbox", "{}"],
    ["purge", "--{}"],
    ["{}"],
]
"""Commands, and where in them a mistyped address may stand."""
LINES = [
    "[source]\nsource = '{}'",
    "[source]\nsource = {}",
    '[source]\nsource = "{}',
    "source = '''{}'''",
    "[source]\nsorce = '''{}'''",
    "[mqtt]\nhost = '''{}'''",
    "[homeassistant]\npage = '''{}'''",
    "[detect]\nmin_face = '''{}'''",
    "[detect]\ncascade = '''{}'''",
    "[state]\nfolder = '''/dev/null/{}'''",
    "{}",
]
"""Lines of a configuration file, likewise."""


def password_for(number: int, address: str) -> str:
    """A password for one place: over all places and addresses, each raw character occurs in many of them."""
    return PASSWORDS[(number + len(address)) % len(PASSWORDS)]


@pytest.mark.parametrize("address", MISTYPED)
def test_no_command_shows_a_mistyped_address(address: str, maskwatch: Any, tmp_path: Path) -> None:
    config = tmp_path / "door.toml"
    config.write_text("[device]\nname = 'door'\n", "utf-8")

    def leak(number: int) -> str:
        words = [word.format(address.format(password_for(number, address))) for word in PLACES[number]]
        more = [] if "--config" in words or len(words) == 1 else ["--config", config, "--verbose"]
        process = maskwatch(*words, *more, env={"STATE_DIRECTORY": str(tmp_path / f"state{number}")})
        process.end()
        text = process.out + process.err
        assert text and "Traceback" not in text, f"{words}: {text}"
        return f"{words}: {text}" if re.search("Kan|ari", text) else ""

    with ThreadPoolExecutor(2) as pool:
        assert [text for text in pool.map(leak, range(len(PLACES))) if text] == []


@pytest.mark.parametrize("address", MISTYPED)
def test_no_mistake_in_a_configuration_file_shows_an_address(address: str, maskwatch: Any, tmp_path: Path) -> None:
    """Also one that makes the file no TOML, or stands in the wrong place of it."""

    def leak(number: int) -> str:
        config = tmp_path / f"door{number}.toml"
        config.write_text(LINES[number].format(address.format(password_for(number, address))), "utf-8")
        process = maskwatch("run", "--verbose", "--print", "--config", config)
        process.end()
        text = process.out + process.err
        assert text and "Traceback" not in text, f"{LINES[number]}: {text}"
        return f"{LINES[number]}: {text}" if re.search("Kan|ari", text) else ""

    with ThreadPoolExecutor(2) as pool:
        assert [text for text in pool.map(leak, range(len(LINES))) if text] == []
