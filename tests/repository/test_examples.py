"""The examples for subscribers in edge/mqtt/README.md are run as they are printed there."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support import ROOT, until

PAGE = (ROOT / "edge" / "mqtt" / "README.md").read_text()
ALERT = {
    "schema": 1, "event_type": "no_mask", "id": "a", "device": "porch", "time": "2026-11-25T05:00:00.000Z",
    "score": 0.9, "frames": 6, "seen_s": 0.4, "track": "t", "box": [1, 2, 3, 4], "frame_size": [640, 480],
    "clock_synced": True, "model": "m@1", "snapshot": False,
}  # fmt: skip


def example(language: str) -> str:
    """The only example in this language."""
    (code,) = re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    return str(code)


def test_no_other_document_has_an_example_that_nothing_runs() -> None:
    """tests/homeassistant runs the automations (yaml)."""
    fences = {
        str(path.relative_to(ROOT)): re.findall(r"^```(\w+)$", path.read_text(), re.MULTILINE)
        for folder in ("edge", "convert", "models", "systemd", "tests")
        for path in (ROOT / "README.md", *(ROOT / folder).rglob("*.md"))
    }
    assert {name: used for name, used in fences.items() if used} == {"edge/mqtt/README.md": ["yaml", "python"]}


def wait_for_lines(file: Path, count: int) -> list[str]:
    """Waits until the file has ``count`` lines; returns its lines."""
    until(lambda: len(file.read_text().splitlines()) >= count, lambda: f"{count} lines:\n{file.read_text()}")
    return file.read_text().splitlines()


def test_the_python_example_prints_every_alert_once_even_those_sent_while_it_was_down(
    mosquitto: Any, subscriber: Any, tmp_path: Path
) -> None:
    code = example("python")
    assert len([line for line in code.splitlines() if line.strip()]) <= 15
    broker, output = mosquitto().start(), tmp_path / "output"
    sender = subscriber(broker.port)

    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-c", code, "127.0.0.1", str(broker.port)],
            stdout=output.open("ab"),
            stderr=subprocess.STDOUT,
        )

    def is_subscribed() -> bool:
        sender.publish("maskwatch/porch/alert", json.dumps(ALERT).encode())
        return bool(output.read_text())

    output.touch()
    first = start()
    until(is_subscribed, "the first alert", pause=0.2)
    sender.publish("maskwatch/porch/alert", json.dumps(ALERT | {"id": "b"}).encode())
    assert len(wait_for_lines(output, 2)) == 2
    first.kill()
    first.wait(10)
    sender.publish("maskwatch/porch/alert", json.dumps(ALERT | {"id": "c", "device": "back"}).encode())
    second = start()
    assert wait_for_lines(output, 3)[2] == "2026-11-25T05:00:00.000Z back no_mask 0.9"
    second.kill()
    second.wait(10)


def test_the_node_red_flow_has_no_open_wire_and_the_right_topic() -> None:
    """The flow itself was run by hand."""
    flow = {node["id"]: node for node in json.loads((ROOT / "systemd" / "node-red-flow.json").read_text())}
    assert all(target in flow for node in flow.values() for wire in node.get("wires", []) for target in wire)
    assert flow["maskwatch-in"]["topic"] == "maskwatch/+/alert" and flow["maskwatch-in"]["broker"] in flow


@pytest.mark.skipif(shutil.which("mosquitto_sub") is None, reason="needs mosquitto_sub (mosquitto-clients)")
def test_the_shell_example_prints_alerts(mosquitto: Any, subscriber: Any, tmp_path: Path) -> None:
    broker, output = mosquitto().start(), tmp_path / "output"
    line = re.search(r"`(mosquitto_sub -h BROKER [^`]*)`", PAGE)
    assert line is not None
    command = f"{line[1].replace('BROKER', '127.0.0.1')} -p {broker.port} -C 1 -W 30"
    listening = subprocess.Popen(command, shell=True, stdout=output.open("wb"))
    sender = subscriber(broker.port)

    def has_ended() -> bool:
        sender.publish("maskwatch/porch/alert", json.dumps(ALERT).encode())
        return listening.poll() is not None

    until(has_ended, "mosquitto_sub prints the alert and ends", timeout=60, pause=0.2)
    assert json.loads(output.read_text()) == ALERT
