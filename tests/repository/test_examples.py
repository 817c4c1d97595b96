"""What edge/mqtt/README.md offers to other subscribers, run as it stands there."""

import json
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from support import ROOT

PAGE = (ROOT / "edge" / "mqtt" / "README.md").read_text()
ALERT = {
    "schema": 1, "event_type": "no_mask", "id": "a", "device": "porch", "time": "2026-11-25T05:00:00.000Z",
    "score": 0.9, "frames": 6, "seen_s": 0.4, "track": "t", "box": [1, 2, 3, 4], "frame_size": [640, 480],
    "clock_synced": True, "model": "m@1", "snapshot": False,
}  # fmt: skip


def example(language: str) -> str:
    found = re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert len(found) == 1
    return str(found[0])


def test_no_other_document_has_an_example_that_nothing_runs() -> None:
    """The automations (yaml) are run by tests/homeassistant."""
    fences = {
        str(path.relative_to(ROOT)): re.findall(r"^```(\w+)$", path.read_text(), re.MULTILINE)
        for folder in ("edge", "convert", "models", "systemd", "tests")
        for path in (ROOT / "README.md", *(ROOT / folder).rglob("*.md"))
    }
    assert {name: found for name, found in fences.items() if found} == {"edge/mqtt/README.md": ["yaml", "python"]}


def until(said: Path, lines: int) -> list[str]:
    deadline = time.monotonic() + 30
    while len(said.read_text().splitlines()) < lines:
        assert time.monotonic() < deadline, said.read_text()
        time.sleep(0.05)
    return said.read_text().splitlines()


def test_the_python_example_says_every_alert_once_even_those_that_it_missed(
    mosquitto: Any, subscriber: Any, tmp_path: Path
) -> None:
    code = example("python")
    assert len([line for line in code.splitlines() if line.strip()]) <= 15
    broker, said = mosquitto().start(), tmp_path / "said"
    sender = subscriber(broker.port)

    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-c", code, "127.0.0.1", str(broker.port)],
            stdout=said.open("ab"),
            stderr=subprocess.STDOUT,
        )

    said.touch()
    first = start()
    deadline = time.monotonic() + 30
    while not said.read_text():  # until it has subscribed
        assert time.monotonic() < deadline
        sender.publish("maskwatch/porch/alert", json.dumps(ALERT).encode())
        time.sleep(0.2)
    sender.publish("maskwatch/porch/alert", json.dumps(ALERT | {"id": "b"}).encode())
    assert len(until(said, 2)) == 2
    first.kill()
    first.wait(10)
    sender.publish("maskwatch/porch/alert", json.dumps(ALERT | {"id": "c", "device": "back"}).encode())
    second = start()
    assert until(said, 3)[2] == "2026-11-25T05:00:00.000Z back no_mask 0.9"
    second.kill()
    second.wait(10)


def test_the_node_red_flow_is_whole() -> None:
    """That it runs was tried by hand; this keeps its wires and topic right."""
    flow = {node["id"]: node for node in json.loads((ROOT / "systemd" / "node-red-flow.json").read_text())}
    assert all(target in flow for node in flow.values() for wire in node.get("wires", []) for target in wire)
    assert flow["maskwatch-in"]["topic"] == "maskwatch/+/alert" and flow["maskwatch-in"]["broker"] in flow


@pytest.mark.skipif(shutil.which("mosquitto_sub") is None, reason="mosquitto_sub is not here (mosquitto-clients)")
def test_the_shell_example_prints_alerts(mosquitto: Any, subscriber: Any, tmp_path: Path) -> None:
    broker, said = mosquitto().start(), tmp_path / "said"
    line = re.search(r"`(mosquitto_sub -h BROKER [^`]*)`", PAGE)
    assert line is not None
    command = f"{line[1].replace('BROKER', '127.0.0.1')} -p {broker.port} -C 1 -W 30"
    listening = subprocess.Popen(command, shell=True, stdout=said.open("wb"))
    sender = subscriber(broker.port)
    while listening.poll() is None:
        sender.publish("maskwatch/porch/alert", json.dumps(ALERT).encode())
        time.sleep(0.2)
    assert json.loads(said.read_text()) == ALERT
