"""Outputs at the door as a user runs them: real processes, the bundled clip, a real web server, program and broker."""

import hashlib
import hmac
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support import ROOT, until
from support.phone import Server
from support.pins import FilePins

DOOR = """
[device]
name = "porch"

[outputs.lamp]
driver = "led"
pin = 17

[outputs.webhook]
url_file = "{folder}/hook"
secret_file = "{folder}/key"

[outputs.tell]
driver = "command"
program = ["{folder}/tell"]
"""
TELL = """#!/bin/sh
exec cat >> '{folder}/told'
"""


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server.start()
    server.stop()


def written(file: Path, text: str, mode: int = 0o600) -> Path:
    file.write_text(text, encoding="utf-8")
    file.chmod(mode)
    return file


def test_the_demo_prints_what_lamp_and_sound_would_do(maskwatch: Any) -> None:
    run = maskwatch("run", "--source", "demo", "--outputs-demo")
    for text in ("lamp  is on: no mask", "sound  plays en/no_mask.wav", "lamp  is off"):
        run.wait_for(text)
    assert run.end(signal.SIGTERM) == 0
    lines = [line for line in run.out.splitlines() if re.search("  (lamp|sound)  ", line)]
    assert all(re.match(r"\d\d:\d\d:\d\d  ", line) for line in lines), "printed like the alerts, with the time"
    assert run.out.count("NO MASK") >= 1, "alerts go on"


def test_the_demo_ends_with_its_reader() -> None:
    shell = f"{sys.executable} -m edge run --source demo --outputs-demo | head -n 2"
    done = subprocess.run(["bash", "-c", shell], capture_output=True, text=True, timeout=60, cwd=ROOT)
    assert len(done.stdout.splitlines()) == 2
    assert "Traceback" not in done.stderr and "Exception" not in done.stderr, done.stderr


def test_a_door_has_a_lamp_a_webhook_and_a_command_beside_its_broker(
    maskwatch: Any, mosquitto: Any, subscriber: Any, server: Server, tmp_path: Path
) -> None:
    broker, pins = mosquitto().start(), FilePins(tmp_path / "pins")
    received = subscriber(broker.port)
    written(tmp_path / "hook", server.url + "\n")
    written(tmp_path / "key", "a key\n")
    written(tmp_path / "tell", TELL.format(folder=tmp_path), 0o700)
    config = written(tmp_path / "door.toml", DOOR.format(folder=tmp_path))
    options = ("--source", "demo", "--broker", broker.address, "--config", config)
    run = maskwatch("run", *options, env=dict(pins.environment))
    assert run.end() == 0, run.err
    alerts = received.wait_for("maskwatch/porch/alert", 4)
    told = tmp_path / "told"
    until(lambda: told.exists() and len(told.read_bytes().splitlines()) == 4, lambda: run.err)
    assert told.read_bytes().splitlines() == alerts, "the program gets the same alerts in the same order"
    assert [posted.body for posted in server.accepted] == alerts, "and so does the web address"
    for posted in server.accepted:
        digest = hmac.new(b"a key", posted.body, hashlib.sha256).hexdigest()
        assert posted.headers["X-Maskwatch-Signature-256"] == f"sha256={digest}"
    levels = [level for _, level in pins.history(17)]
    assert levels[0] == "0" and "1" in levels and pins.level(17) in (0, None), levels
