"""Canary secrets are in nothing that maskwatch prints, stores, sends, shows or leaves behind, however encoded."""

import os
import resource
import signal
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from chaos.doors import TOPIC, unmasked_person
from support import ROOT, until
from support.brokers import free_port
from support.browsing import Client
from support.cameras import NetworkCamera
from support.canaries import BROKER, CAMERA, CREDENTIAL, HOOK, KEY, PAGE, PATH, PHONE, QUERY, assert_clean, private

from edge.serving.passwords import hash_password

pytestmark = [pytest.mark.security, pytest.mark.timeout(240)]

PAGES = ("", "api/now", "api/alerts", "api/alerts.csv", "api/alerts.json", "api/report", "api/report.csv")
PAGES += ("api/report.json", "api/report.html", "report", "sign", "metrics", "healthz", "login", "notice", "api/notice")
"""What the page shows to somebody who is logged in."""


def fetch(url: str) -> bytes:
    try:
        with urllib.request.urlopen(url, timeout=20) as answer:
            return bytes(str(answer.headers).encode() + answer.read(200_000))
    except urllib.error.HTTPError as error:
        return str(error.headers).encode() + error.read()


def after_login(port: int) -> dict[str, str | bytes]:
    """What the page answers to somebody who is logged in, the first bytes of its events too."""
    client = Client(port)
    form = f"password={urllib.parse.quote_plus(PAGE)}".encode()
    answer = client.ask("/login", "POST", form, Content_Type="application/x-www-form-urlencoded")
    client.headers["Cookie"] = str(answer.headers["Set-Cookie"]).partition(";")[0]
    texts: dict[str, str | bytes] = {"login": str(answer.headers)}
    for name in PAGES:
        got = client.ask(f"/{name}")
        assert got.status == (503 if name == "healthz" else 200), (name, got.status, got.text)
        texts[f"page /{name} after login"] = str(got.headers).encode() + got.body
    with client.stream("/events") as stream:
        texts["events"] = stream.read1(65536)
    for name, change in (("password", {"current": PAGE + "x", "new": PHONE}), ("settings", {CAMERA: {PATH: QUERY}})):
        refused = client.post(f"/api/{name}", change)
        assert refused.status >= 400, refused.text
        texts[f"refused {name}"] = str(refused.headers) + refused.text
    return texts


def processes(pid: int) -> bytes:
    """Command lines and environments of a process and its children."""
    shown = process(pid)
    for child in psutil.Process(pid).children(recursive=True):
        with suppress(FileNotFoundError, ProcessLookupError):  # the program of an output has ended meanwhile
            shown += process(child.pid)
    return shown


def process(pid: int) -> bytes:
    return b"".join(Path(f"/proc/{pid}/{file}").read_bytes() for file in ("cmdline", "environ"))


@pytest.fixture
def camera() -> Iterator[NetworkCamera]:
    made = NetworkCamera(unmasked_person(), 1 / 12)
    yield made
    made.close()


@pytest.fixture
def config(mosquitto: Any, camera: NetworkCamera, tmp_path: Path) -> tuple[Path, Any, int]:
    """A configuration with a secret wherever there may be one, its broker, and the page's port."""
    users = tmp_path / "users"
    subprocess.run(["mosquitto_passwd", "-c", "-b", str(users), "cam", BROKER], check=True, capture_output=True)
    users.chmod(0o644)
    broker, page = mosquitto(f"user root\nallow_anonymous false\npassword_file {users}").start(), free_port()
    user, path, query = (urllib.parse.quote(text, safe="") for text in (CAMERA, PATH, QUERY))
    address = camera.url.replace("http://", f"http://viewer:{user}@") + f"{path}/video?pwd={query}"
    file, credentials = tmp_path / "door.toml", tmp_path / "credentials"
    credentials.mkdir()
    private(credentials / "mqtt-password", CREDENTIAL)
    private(credentials / "camera-password", CREDENTIAL)
    private(credentials / "phone", f"https://user:{urllib.parse.quote(PHONE, safe='')}@127.0.0.1:9/topic")
    file.write_text(
        f'[source]\nsource = "{address}"\n[mqtt]\nhost = "127.0.0.1"\nport = {broker.port}\nuser = "cam"\n'
        f'password_file = "{private(tmp_path / "secret", BROKER)}"\n[web]\nenabled = true\nport = {page}\n'
        f'password_hash = "{hash_password(PAGE)}"\n' + outputs(tmp_path)
    )
    return file, broker, page


def outputs(folder: Path) -> str:
    """Tables of a webhook that nobody answers, and of a program that says what it gets, and fails."""
    hook = urllib.parse.quote(HOOK, safe="")
    script = f"(env; ls -l /proc/self/fd) > {folder}/tmp/told; env >&2; exit 1"
    return (
        f'[outputs.hook]\ndriver = "webhook"\nurl = "https://user:{hook}@127.0.0.1:9/{hook}?a={hook}"\n'
        f'secret_file = "{private(folder / "key", KEY)}"\n[outputs.tell]\ndriver = "command"\n'
        f'program = ["/bin/sh", "-c", "{script}"]\n'
    )


def test_no_secret_leaves_maskwatch(
    config: tuple[Path, Any, int], camera: NetworkCamera, maskwatch: Any, subscriber: Any, tmp_path: Path
) -> None:
    file, broker, page = config
    received = subscriber(broker.port, user="cam", password=BROKER)
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    env = {"CREDENTIALS_DIRECTORY": str(tmp_path / "credentials"), "TMPDIR": str(temporary)}
    run = maskwatch("run", "--verbose", "--config", file, env=env)
    received.wait_for(f"{TOPIC}/alert")
    texts: dict[str, str | bytes] = {"processes": processes(run.popen.pid)}
    run.wait_for("output hook: the server cannot be reached")
    run.wait_for("output tell: ")
    until(lambda: b"problem" in fetch(f"http://127.0.0.1:{page}/healthz"))  # so that the page shows these problems too
    for name in ("", "login", "api/now", "api/alerts", "api/settings", "metrics", "healthz", "report", "sign"):
        texts[f"page /{name}"] = fetch(f"http://127.0.0.1:{page}/{name}")
    texts |= after_login(page)
    assert (temporary / "told").read_text()
    camera.unplug()
    run.wait_for("camera lost")
    broker.kill()
    run.wait_for("broker lost")
    broker.start()
    run.wait_for("reconnected to the broker")
    until(lambda: b"lost" in b"".join(received.on(f"{TOPIC}/health")) or True)
    more_commands = (["test-output", "hook"], ["test-output", "tell"], ["set", "outputs.hook.zone=none"])
    for words in (
        ["doctor"],
        ["outbox"],
        ["report"],
        ["audit"],
        ["watch", "--test"],
        ["run", "--help"],
        *more_commands,
    ):
        more = [] if "--help" in words or "--test" in words else ["--config", file, "--verbose"]
        done = maskwatch(*words, *more, env=env)
        done.end()
        texts[" ".join(words)] = done.out + done.err
    (tmp_path / "state" / "maskwatch" / "entrance" / "announced.json").write_text("{damaged")
    assert run.end(signal.SIGABRT) == -signal.SIGABRT
    assert "most recent call first" in run.err or "Aborted" in run.err or run.err
    texts |= {"log and stacks": run.err, "messages": repr(received.messages)}
    for kept in [path for root in (tmp_path / "state", temporary) for path in root.rglob("*") if path.is_file()]:
        if kept.stat().st_size:
            texts[str(kept)] = kept.read_bytes()
    assert_clean(texts)


def test_wrong_secrets_are_refused_without_being_shown(config: tuple[Path, Any, int], maskwatch: Any) -> None:
    file, _, _ = config
    private(file.parent / "secret", BROKER + "x")
    run = maskwatch("run", "--verbose", "--config", file)
    run.wait_for("refuses the connection")
    assert run.end(signal.SIGTERM) == 0
    texts: dict[str, str | bytes] = {"refused": run.err}
    for words in (["run", "--broker", f"mqtt://cam:{BROKER}@127.0.0.1"], ["watch", "--post", PHONE, "--test"]):
        done = maskwatch(*words)
        assert done.end() != 0
        texts[words[0]] = done.out + done.err
    install = ["bash", str(ROOT / "systemd/install.sh"), "--dry-run", "--broker", f"mqtt://cam:{BROKER}@127.0.0.1"]
    dry = subprocess.run(install, capture_output=True, text=True, timeout=60)
    texts["install.sh --dry-run"] = dry.stdout + dry.stderr
    assert_clean(texts)


def test_a_crash_leaves_no_core_dump(config: tuple[Path, Any, int], maskwatch: Any) -> None:
    """A core dump would hold images and passwords. The limit is inherited, so it is raised here first."""
    _, hard = before = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
    try:
        run = maskwatch("run", "--verbose", "--config", config[0])
        run.wait_for("connected to the broker")
    finally:
        resource.setrlimit(resource.RLIMIT_CORE, before)
    limits = Path(f"/proc/{run.popen.pid}/limits").read_text()
    assert "Max core file size        0                    0" in limits, limits
    folder, names = Path(os.readlink(f"/proc/{run.popen.pid}/cwd")), set(os.listdir(ROOT))
    assert run.end(signal.SIGSEGV) == -signal.SIGSEGV
    assert set(os.listdir(folder)) - names == set()
    assert_clean({"log": run.err})
