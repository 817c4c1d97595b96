"""Attacks on and by outputs: a program that misbehaves, requests that somebody else has signed or changed."""

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from support import ROOT, until
from support.phone import Server, alert

from edge.config.outputs import WebhookConfig
from edge.outputs.webhook import SIGNATURE, Webhook

pytestmark = pytest.mark.security

HOSTILE = """#!/bin/sh
env > '{folder}/variables'
ls -l /proc/self/fd > '{folder}/descriptors'
(trap '' TERM HUP INT; while :; do sleep 0.1; done) &
(trap '' TERM HUP INT; exec cat /dev/zero '{folder}/hostile' >&2) &
trap '' TERM HUP INT
while :; do sleep 0.1; done
"""
DOOR = """
[outputs.hostile]
driver = "command"
program = ["{folder}/hostile"]
timeout = 0.5

[outputs.honest]
driver = "command"
program = ["/usr/bin/tee", "-a", "{folder}/honest.out"]
"""
CANARY = "canary-of-the-service"


def test_a_program_that_misbehaves_holds_up_nothing_and_learns_nothing(
    maskwatch: Any, mosquitto: Any, subscriber: Any, tmp_path: Path
) -> None:
    """It never reads, floods its output, ignores signals and leaves children behind."""
    broker = mosquitto().start()
    received = subscriber(broker.port)
    (tmp_path / "hostile").write_text(HOSTILE.format(folder=tmp_path))
    (tmp_path / "hostile").chmod(0o700)
    (tmp_path / "door.toml").write_text(DOOR.format(folder=tmp_path))
    secrets = {"MASKWATCH_PASSWORD": CANARY, "CREDENTIALS_DIRECTORY": str(tmp_path / CANARY), "LD_PRELOAD": ""}
    run = maskwatch(
        "run", "--source", "demo", "--broker", broker.address, "--config", tmp_path / "door.toml", env=secrets
    )
    alerts = received.wait_for("maskwatch/entrance/alert", 4)
    honest = tmp_path / "honest.out"
    until(lambda: honest.exists() and honest.read_bytes().splitlines() == alerts, lambda: run.err)
    until(lambda: (tmp_path / "variables").exists(), "the hostile program runs")
    begin = time.monotonic()
    assert run.end() == 0 and time.monotonic() - begin < 20, run.err
    variables = (tmp_path / "variables").read_text()
    assert CANARY not in variables and "PATH=" in variables
    opened = re.findall(r"-> (\S+)", (tmp_path / "descriptors").read_text())
    assert not [path for path in opened if "outbox" in path or "socket" in path], opened
    assert not survivors(str(tmp_path / "hostile")), "nothing that it has started outlives it"


def survivors(word: str) -> list[psutil.Process]:
    """Processes with a word in their command line that still run a moment later."""

    def running() -> list[psutil.Process]:
        return [one for one in psutil.process_iter(["cmdline"]) if word in " ".join(one.info["cmdline"] or ())]

    deadline = time.monotonic() + 5
    while found := running():
        if time.monotonic() > deadline:
            break
        time.sleep(0.05)
    return found


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server.start()
    server.stop()


def test_a_receiver_tells_forged_requests_from_genuine_ones(server: Server, tmp_path: Path) -> None:
    """The receiver is the example of the document; the genuine request is one that arrived."""
    key = tmp_path / "key"
    key.write_text("the key of this door\n")
    key.chmod(0o600)
    webhook = Webhook(WebhookConfig(name="webhook", url=server.url, secret_file=str(key)))
    assert webhook.deliver(alert("porch")) is None
    body, header = server.accepted[0].body, server.accepted[0].headers[SIGNATURE]
    page = (ROOT / "edge" / "outputs" / "README.md").read_text()
    receiver: dict[str, Any] = {}
    exec(re.findall(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL)[0], receiver)
    is_genuine, secret = receiver["is_genuine"], b"the key of this door"
    assert is_genuine(body, header, secret)
    other = json.dumps(json.loads(body) | {"device": "back"}).encode()
    digest = header.removeprefix("sha256=")
    changed = ("1" if digest[0] == "0" else "0") + digest[1:]
    for forged in (
        "",
        "sha256=",
        digest,
        f"sha1={digest}",
        header[:-1],
        f"{header}0",
        f"{header}é",
        f"sha256={changed}",
    ):
        assert not is_genuine(body, forged, secret), forged
    assert not is_genuine(other, header, secret), "the body of another alert"
    assert not is_genuine(body, header, b"a guess")
