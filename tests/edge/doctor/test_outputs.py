"""What ``maskwatch doctor`` says about outputs. It drives, posts and runs nothing."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.aplay import OPEN_ERROR, Standin
from support.brokers import free_port
from support.certificates import make_pair
from support.outboxes import RecordingOutbox
from support.phone import Server
from support.pins import mock_pins

from edge.config.outputs import CommandConfig, OutputConfig, PinConfig, RelayConfig, SoundConfig, WebhookConfig
from edge.config.schema import Config, DetectConfig, MqttConfig
from edge.config.zone import Zone
from edge.doctor.outputs import check_output, output_checks
from edge.monitor.state import StateFiles, StateFolder

SECRET = "Kanari"


def check(output: OutputConfig, state: Path) -> tuple[str, str]:
    result = check_output(output, state)
    assert SECRET not in result[1]
    return result


def hook(port: int, scheme: str = "http", host: str = "127.0.0.1") -> WebhookConfig:
    return WebhookConfig(name="hook", url=f"{scheme}://user:{SECRET}@{host}:{port}/{SECRET}?a={SECRET}")


@pytest.fixture(autouse=True)
def without_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "HTTPS_PROXY", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server().start()
    yield made
    made.stop()


@pytest.fixture
def tls_server(tmp_path: Path) -> Iterator[tuple[int, Path]]:
    """The port of a server with a certificate that nobody trusts, and that certificate."""
    certificate, key = make_pair(tmp_path / "tls")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(10)

    def serve() -> None:
        with listener, listener.accept()[0] as connection:
            connection.settimeout(10)
            try:
                context.wrap_socket(connection, server_side=True).close()
            except OSError:
                pass  # the other side refuses

    thread = threading.Thread(target=serve)
    thread.start()
    yield listener.getsockname()[1], certificate
    thread.join(20)


def test_each_output_has_a_check_of_its_name(tmp_path: Path) -> None:
    outputs = (PinConfig(name="lamp", pin=1), hook(1))
    checks = output_checks(Config(outputs=outputs), StateFiles(tmp_path))
    assert [one.subject for one in checks] == ["output lamp", "output hook"]


def test_a_mute_and_a_demo_are_warned_of(tmp_path: Path) -> None:
    broker, files = MqttConfig(host="127.0.0.1"), StateFiles(tmp_path)
    config = Config(mqtt=broker, outputs=(CommandConfig(name="tell", program=("/bin/true",)),))
    with closing(RecordingOutbox(files.outbox)) as recording:
        recording.outbox.set("output:tell", "OFF")
    (result,) = [one.look() for one in output_checks(config, files)]
    assert result == (
        "warn",
        "/bin/true can be run; maskwatch test-output tell runs it with a test, but it is muted; switch it on in Home "
        "Assistant, or publish ON to maskwatch/entrance/output/tell/set",
    )
    assert output_checks(replace(config, mqtt=MqttConfig()), files)[0].look()[0] == "ok", "nothing is muted then"
    with closing(StateFolder(tmp_path, "demo")) as state:
        state.write_health({"problem": None, "outputs_demo": True})
        with mock_pins():
            config = Config(outputs=(PinConfig(name="lamp", pin=17),))
            status, text = output_checks(config, files)[0].look()
    assert status == "warn" and "drives it" not in text
    assert text.endswith("but the running maskwatch only prints what its outputs would do (--outputs-demo)")


STEP, LEFT, RIGHT = (
    Zone([(x0, 0.0), (x1, 0.0), (x1, 1.0), (x0, 1.0)], name)
    for name, x0, x1 in (("step", 0.3, 0.7), ("rest", 0.0, 0.5), ("rest", 0.5, 1.0))
)


@pytest.mark.parametrize(("zones", "sees_all"), [((), True), ((STEP, LEFT), False), ((STEP, LEFT, RIGHT), True)])
def test_an_interlock_that_does_not_see_the_whole_picture_is_warned_of(
    zones: tuple[Zone, ...], sees_all: bool, tmp_path: Path
) -> None:
    outputs = (RelayConfig(name="door", pin=17, open_when="mask"), PinConfig(name="lamp", pin=18))
    config = Config(detect=DetectConfig(zones=zones), outputs=outputs)
    with mock_pins():
        (door, text), lamp = [one.look() for one in output_checks(config, StateFiles(tmp_path))]
    assert door == ("ok" if sees_all else "warn") and lamp[0] == "ok"
    assert ("but people outside the zones are not seen: draw a second zone" in text) is not sees_all


def test_a_web_address_is_reached_and_nothing_is_posted(server: Server, tmp_path: Path) -> None:
    expected = "127.0.0.1 can be reached; maskwatch test-output hook posts a test"
    assert check(hook(server.port), tmp_path) == ("ok", expected)
    assert server.requests == []


def test_a_web_address_that_cannot_be_reached_is_named(server: Server, tmp_path: Path) -> None:
    state, text = check(hook(free_port()), tmp_path)
    assert state == "FAIL" and "127.0.0.1 cannot be reached: Connection refused; check address, port" in text
    state, text = check(hook(server.port, "https"), tmp_path)
    assert state == "FAIL" and "127.0.0.1 does not speak TLS" in text
    state, text = check(hook(1, host="a" * 70), tmp_path)
    assert state == "FAIL" and "is no name of a server; check the address" in text


def test_a_certificate_is_checked(tls_server: tuple[int, Path], tmp_path: Path) -> None:
    state, text = check(hook(tls_server[0], "https"), tmp_path)
    assert state == "FAIL" and "127.0.0.1 has no valid certificate: self" in text


def test_a_certificate_that_is_trusted_is_ok(
    tls_server: tuple[int, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tls_server[1]))
    state, text = check(hook(tls_server[0], "https"), tmp_path)
    assert state == "ok" and "127.0.0.1 can be reached with TLS" in text


def test_a_server_behind_a_proxy_is_not_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port()}")
    assert check(hook(1, host="hook.lan"), tmp_path)[0] == "ok"


def write(text: bytes, mode: int) -> Callable[[Path], object]:
    return lambda path: (path.write_bytes(text), path.chmod(mode))


@pytest.mark.parametrize(
    ("make", "state", "message"),
    [
        (write(b"#!/bin/sh\nexit 3\n", 0o755), "ok", "can be run; maskwatch test-output tell runs it with a test"),
        (lambda path: path.symlink_to("/bin/echo"), "ok", "can be run"),
        (write(b"#!/bin/sh\n", 0o757), "warn", "every user may change"),
        (write(b"echo hello\n", 0o755), "FAIL", "it is no program; a script must begin with a line such as #!/bin/sh"),
        (write(b"#! /none -x\n", 0o755), "FAIL", "its first line names '/none', which cannot be run"),
        (write(b"#!\n", 0o755), "FAIL", "its first line names '', which cannot be run"),
        (write(b"#!/bin/sh\n", 0o644), "FAIL", "it is not executable; chmod +x it"),
        (lambda path: None, "FAIL", "there is no such file"),
    ],
)
def test_a_program_is_looked_at_and_not_run(
    tmp_path: Path, make: Callable[[Path], None], state: str, message: str
) -> None:
    program = tmp_path / "tell"
    make(program)
    command = CommandConfig(name="tell", program=(str(program), SECRET))
    found = check(command, tmp_path)
    assert found[0] == state and message in found[1]


def test_a_sound_device_is_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    aplay, sound = Standin(tmp_path / "bin"), SoundConfig(name="voice", languages=("en", "de"), device="hw:1")
    assert check(sound, tmp_path) == ("ok", "hw:1 plays; 4 sounds")
    assert aplay.begun == [], "silence only"
    aplay.fail(OPEN_ERROR.format("Device or resource busy"))
    state, text = check(sound, tmp_path)
    assert state == "FAIL" and "hw:1 does not play: another program uses it" in text
    state, text = check(SoundConfig(name="voice", files="/none"), tmp_path)
    assert state == "FAIL" and "outputs.voice.files = '/none': must be a folder" in text


def test_pins_are_asked_for_their_users(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    relay = RelayConfig(name="door", pin=4, open_when="mask", release_pin=5)
    monkeypatch.setenv("GPIOZERO_PIN_FACTORY", "mock")
    with mock_pins() as factory:
        assert check(relay, tmp_path) == ("ok", "nobody holds pin 4 or pin 5")
        assert not factory.pins, "none is touched"
        monkeypatch.setattr(factory, "user_of", lambda pin: "spi0 CS0" if pin == 5 else None, raising=False)
        state, text = check(relay, tmp_path)
        assert state == "FAIL" and "pin 5 is held by 'spi0 CS0'" in text


def test_the_running_process_tells_how_its_outputs_are(tmp_path: Path) -> None:
    lamp: Any = PinConfig(name="lamp", pin=17)
    with closing(StateFolder(tmp_path / "state", f"test of {tmp_path}")) as folder:
        folder.write_health({"problem": None})
        state, text = check(lamp, folder.files.folder)
        assert state == "ok" and "the running maskwatch drives it; maskwatch test-output lamp fires it once" in text
        folder.write_health({"problem": "output lamp2: dark; output lamp: pin 17 is gone"})
        state, text = check(lamp, folder.files.folder)
        assert state == "FAIL" and "the running maskwatch reports: output lamp2: dark; output lamp: pin 17" in text
        folder.write_health({"problem": "output lamp2: dark"})
        assert check(lamp, folder.files.folder)[0] == "ok"
