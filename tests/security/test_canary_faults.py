"""Canary secrets stay hidden where something is wrong: a wrong option, a refusal, damage, a signal, no memory."""

import http.server
import signal
import subprocess
import sys
import threading
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support import ROOT
from support.brokers import free_port
from support.cameras import NetworkCamera
from support.canaries import BROKER, CAMERA, CREDENTIAL, PAGE, PATH, PHONE, QUERY, assert_clean, private
from support.certificates import make_pair
from support.notified import Systemd

from edge.config.schema import options
from edge.serving.passwords import hash_password

pytestmark = [pytest.mark.security, pytest.mark.timeout(120)]

SHORT = 'Kan@ri"5/x'
SOURCE = f'source = "rtsp://viewer:{CAMERA}@127.0.0.1:9/{PATH}?pwd={QUERY}"'.replace('"3"', "")
DAMAGED = (
    SOURCE[:-1],
    SOURCE.replace(" = ", " "),
    SOURCE + BROKER,
    f"{SOURCE}\n{SOURCE}",
    SOURCE.replace("rtsp", "\\x72tsp"),
    SOURCE.replace('source = "', "source = ["),
    f"{CAMERA} = 1",
    f'"{QUERY.replace(chr(34), "")}" = 1',
    SOURCE + "\0",
)
"""Lines that hold a secret, each with a fault."""


@pytest.fixture
def refusing_camera() -> Iterator[int]:
    """An HTTP camera that refuses every login, and repeats the address in its answer; gives its port."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(401, f"no {self.path}")
            self.send_header("WWW-Authenticate", f'Basic realm="{self.path}"')
            self.end_headers()
            self.wfile.write(self.path.encode())

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield server.server_port
    server.shutdown()
    server.server_close()
    thread.join(10)


@pytest.fixture
def camera() -> Iterator[NetworkCamera]:
    made = NetworkCamera()
    yield made
    made.close()


def address_of(port: int) -> str:
    user, path, query = (urllib.parse.quote(text, safe="") for text in (CAMERA, PATH, QUERY))
    return f"http://viewer:{user}@127.0.0.1:{port}/{path}/video?pwd={query}"


def all_of(maskwatch: Any, tried: dict[str, list[Any]], **more: Any) -> dict[str, str | bytes]:
    """Runs commands two at a time, each of which must fail; returns what they print."""
    texts: dict[str, str | bytes] = {}
    names = list(tried)
    for pair in zip(names[::2], [*names[1::2], None], strict=False):
        running = {name: maskwatch(*tried[name], **more) for name in pair if name is not None}
        for name, run in running.items():
            code = run.end(timeout=30)
            assert code and "Traceback" not in run.err, (name, code, run.err)
            texts[name] = f"{code} {run.out} {run.err}"
    return texts


def test_the_camera_refuses_the_login(refusing_camera: int, maskwatch: Any, tmp_path: Path) -> None:
    file = tmp_path / "door.toml"
    file.write_text(f'[source]\nsource = "{address_of(refusing_camera)}"\n')
    run = maskwatch("run", "--verbose", "--config", file)
    run.wait_for("127.0.0.1")
    run.wait_for("password")
    doctor = maskwatch("doctor", "--verbose", "--config", file)
    assert doctor.end() != 0
    assert run.end(signal.SIGTERM) in (0, 1)
    assert_clean({"log": run.err, "doctor": doctor.out + doctor.err})


def test_signals_that_print_stacks(camera: NetworkCamera, maskwatch: Any, tmp_path: Path) -> None:
    """Under systemd's watchdog the stacks of all threads are printed: with names, and without a value."""
    file = tmp_path / "door.toml"
    file.write_text(f'[source]\nsource = "{address_of(camera.port)}"\n')
    systemd = Systemd(str(tmp_path / "notify"))
    try:
        env = {"NOTIFY_SOCKET": systemd.address, "WATCHDOG_USEC": "30000000"}
        dumped = maskwatch("run", "--verbose", "--config", file, env=env)
        dumped.wait_for("watching")
        assert dumped.end(signal.SIGABRT) == -signal.SIGABRT
    finally:
        systemd.close()
    assert "most recent call first" in dumped.err
    quit_ = maskwatch("run", "--verbose", "--config", file)
    quit_.wait_for("watching")
    assert quit_.end(signal.SIGQUIT) == -signal.SIGQUIT
    assert_clean({"stacks of all threads": dumped.err, "SIGQUIT": quit_.err})


def test_tracebacks_without_memory_show_no_value(maskwatch: Any, tmp_path: Path) -> None:
    """Too little memory ends the process anywhere: in an import, while it reads, when a thread starts."""
    file = tmp_path / "door.toml"
    file.write_text(f'[source]\nsource = "{address_of(9)}"\n[web]\npassword_hash = "{hash_password(PAGE)}"\n')
    texts: dict[str, str | bytes] = {}
    for megabytes in (24, 40, 80, 160):
        script = f'ulimit -v {megabytes * 1024}; exec {sys.executable} -m edge run --verbose --config "$0"'
        done = subprocess.run(["bash", "-c", script, file], cwd=ROOT, capture_output=True, timeout=60)
        assert done.returncode, done
        texts[f"{megabytes} MB"] = done.stdout + done.stderr
    assert b"Traceback" in b"".join(text for text in texts.values() if isinstance(text, bytes))
    assert_clean(texts)


def test_tls_that_fails(mosquitto: Any, camera: NetworkCamera, maskwatch: Any, tmp_path: Path) -> None:
    """A broker of another authority, one whose certificate has expired, and keys of the page with a passphrase."""
    texts: dict[str, str | bytes] = {}
    source = f'[source]\nsource = "{address_of(camera.port)}"\n'
    other, _ = make_pair(tmp_path / "other")
    for name, days in (("wrong", 30), ("expired", -1)):
        certificate, key = make_pair(tmp_path / name, days=days)
        broker = mosquitto(f"user root\nallow_anonymous true\ncertfile {certificate}\nkeyfile {key}").start()
        file = tmp_path / f"{name}.toml"
        file.write_text(
            f'{source}[mqtt]\nhost = "127.0.0.1"\nport = {broker.port}\ntls = true\nuser = "cam"\n'
            f'ca_file = "{other if name == "wrong" else certificate}"\n'
            f'password_file = "{private(tmp_path / "secret", BROKER)}"\n'
        )
        run = maskwatch("run", "--verbose", "--config", file)
        run.wait_for("certificate")
        run.end(signal.SIGTERM)
        texts[name] = run.err
    certificate, key = make_pair(tmp_path / "locked", passphrase=PAGE)
    page = f'enabled = true\nport = {free_port()}\npassword_hash = "{hash_password(PAGE)}"\n'
    file.write_text(f'{source}[web]\n{page}certificate = "{certificate}"\nkey = "{key}"\n')
    run = maskwatch("run", "--verbose", "--config", file)
    run.wait_for("passphrase")
    run.popen.kill()
    texts["passphrase"] = run.err
    words: list[Any] = ["set", "--config", file, "--web-certificate", certificate, key]
    texts |= all_of(maskwatch, {"set passphrase": words, "set": [*words[:4], SHORT, SHORT]})
    assert_clean(texts)


def test_damaged_files_are_told_without_their_text(camera: NetworkCamera, maskwatch: Any, tmp_path: Path) -> None:
    tried: dict[str, list[Any]] = {}
    for number, line in enumerate(DAMAGED):
        file = tmp_path / f"{number}.toml"
        file.write_text(f"[source]\n{line}\n", "utf-8")
        words = (["report"], ["outbox"], ["set", "mqtt.port=1884"])[number % 3]
        tried[f"damaged {number}"] = [*words, "--config", file]
    texts = all_of(maskwatch, tried)
    state = tmp_path / "state" / "maskwatch" / "entrance"
    state.mkdir(parents=True)
    (state / "page.toml").write_text(f"[source]\n{DAMAGED[0]}\n")
    (state / "sessions.json").write_text(f'{{"{CREDENTIAL}": [')
    (state / "announced.json").write_text(f'{{"{CREDENTIAL}": [')
    (state / "audit.jsonl").write_text(f'{{"{CREDENTIAL}": [\n')
    (state / "outbox.db").write_text(PHONE * 100)
    (state / "record.db").write_text(PHONE * 100)
    file = tmp_path / "good.toml"
    file.write_text(f'[source]\nsource = "{camera.url}"\n[web]\nenabled = true\nport = {free_port()}\n')
    run = maskwatch("run", "--verbose", "--config", file)
    run.end(timeout=30)
    (state / "page.toml").unlink()
    again = maskwatch("run", "--verbose", "--config", file)
    again.wait_for("the page is at")
    again.end(signal.SIGTERM)
    for words in (["doctor"], ["outbox"], ["report"], ["audit", "--verify"]):
        done = maskwatch(*words, "--config", file)
        done.end(timeout=30)
        texts[words[0]] = done.out + done.err
    assert_clean(texts | {"page.toml": run.err, "state": again.err})


def test_a_secret_at_the_wrong_option(maskwatch: Any, tmp_path: Path) -> None:
    file = tmp_path / "door.toml"
    file.write_text("[mqtt]\nport = 1\n")
    takes = {f"{section}.{key}" for section, key, default, _ in options() if not isinstance(default, str | tuple)}
    names = ["mqtt.port", "detect.min_face", "web.password_hash", "snapshots.mode", "mqtt.pasword", f"{SHORT}.x"]
    assert set(names[:2]) <= takes
    tried: dict[str, list[Any]] = {name: ["set", "--config", file, f"{name}={SHORT}"] for name in names}
    for word in (
        SHORT,
        f"--broker={SHORT}",
        f"--web-certificate={SHORT}",
        f"--brocker={SHORT}",
        f"--sign-link={SHORT}",
    ):
        tried[word] = ["set", "--config", file, word]
    tried |= {"config": ["set", "--config", SHORT], "run": ["run", SHORT], "broker": ["run", "--broker", SHORT]}
    tried |= {"device": ["report", "--device", SHORT], "post": ["watch", "--post", SHORT, "--test"]}
    texts = all_of(maskwatch, tried)
    assert file.read_text() == "[mqtt]\nport = 1\n"
    assert_clean(texts)


def test_a_phone_that_refuses(maskwatch: Any, tmp_path: Path) -> None:
    token = private(tmp_path / "token", PHONE)
    file = tmp_path / "door.toml"
    file.write_text(f'[phone]\ntoken_file = "{token}"\n')
    path = urllib.parse.quote(PATH, safe="")
    texts: dict[str, str | bytes] = {}
    for scheme in ("http", "https", "ftp", "htp"):
        address = private(tmp_path / scheme, f"{scheme}://user:{path}@127.0.0.1:{free_port()}/{path}?auth={path}")
        run = maskwatch("watch", "--test", "--verbose", "--config", file, "--post", address)
        assert run.end(timeout=30) != 0
        texts[scheme] = run.out + run.err
    token.chmod(0o644)
    run = maskwatch("watch", "--test", "--config", file, "--post", tmp_path / "http")
    assert run.end(timeout=30) != 0
    assert_clean(texts | {"token": run.out + run.err})


INSTALL = ("--broker", "--source", "--detector", "--camera", "--phone", "--python", "--web-password-file")


def test_install_sh_prints_no_secret() -> None:
    tried = [[option, SHORT] for option in INSTALL]
    tried += [["--source", "cam:Kan@ri/x", "--broker", "https://user:Kan@ri/x?a=Kan@ri", "--detector", "x=Kan@ri"]]
    tried += [["--phone", f"https://h/{SHORT}", "--phone-token-file", SHORT], [SHORT], [f"--nope={SHORT}"]]
    texts: dict[str, str | bytes] = {}
    for words in tried:
        run = ["bash", str(ROOT / "systemd/install.sh"), "--dry-run", *words]
        done = subprocess.run(run, capture_output=True, timeout=60, stdin=subprocess.DEVNULL)
        texts[" ".join(words)] = done.stdout + done.stderr
    assert_clean(texts)
