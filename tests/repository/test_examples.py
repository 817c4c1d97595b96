"""The examples in edge/mqtt/README.md and edge/outputs/README.md are run as they are printed there."""

import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from support import ROOT, until

from edge.config.output_tables import with_outputs
from edge.outputs.webhook import SIGNATURE, signature

PAGE = (ROOT / "edge" / "mqtt" / "README.md").read_text()
ALERT = {
    "schema": 1, "event_type": "no_mask", "id": "a", "device": "porch", "time": "2026-11-25T05:00:00.000Z",
    "score": 0.9, "frames": 6, "seen_s": 0.4, "track": "t", "box": [1, 2, 3, 4], "frame_size": [640, 480],
    "clock_synced": True, "model": "m@1", "snapshot": False,
}  # fmt: skip


OUTPUTS = (ROOT / "edge" / "outputs" / "README.md").read_text()


def example(language: str, page: str = PAGE) -> str:
    """The only example in this language."""
    (code,) = re.findall(rf"^```{language}\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    return str(code)


def test_no_other_document_has_an_example_that_nothing_runs() -> None:
    """tests/homeassistant runs the automations (yaml)."""
    fences = {
        str(path.relative_to(ROOT)): re.findall(r"^```(\w+)$", path.read_text(), re.MULTILINE)
        for folder in ("edge", "convert", "models", "systemd", "tests")
        for path in (ROOT / "README.md", *(ROOT / folder).rglob("*.md"))
    }
    assert {name: used for name, used in fences.items() if used} == {
        "edge/mqtt/README.md": ["yaml", "python"], "edge/outputs/README.md": ["python", "javascript"]
    }  # fmt: skip


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


BODY = json.dumps(ALERT | {"device": "Tür"}, ensure_ascii=False).encode()


def test_the_python_example_knows_the_signature_of_a_webhook() -> None:
    namespace: dict[str, Any] = {}
    exec(example("python", OUTPUTS), namespace)
    header = signature(b"a key", BODY)[SIGNATURE]
    assert f"`{SIGNATURE}`" in OUTPUTS
    assert namespace["is_genuine"](BODY, header, b"a key")
    assert not namespace["is_genuine"](BODY + b" ", header, b"a key")
    assert not namespace["is_genuine"](BODY, header, b"another key")


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node (nodejs)")
def test_the_javascript_example_knows_the_signature_of_a_webhook() -> None:
    header = signature(b"a key", BODY)[SIGNATURE]
    calls = [(BODY, header, "a key"), (BODY + b" ", header, "a key"), (BODY, header[:-1], "a key"), (BODY, header, "b")]
    code = example("javascript", OUTPUTS) + "\n".join(
        f"console.log(isGenuine(Buffer.from({json.dumps(body.decode())}), {json.dumps(given)}, {json.dumps(key)}));"
        for body, given, key in calls
    )
    done = subprocess.run(["node", "-e", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == ["true", "false", "false", "false"], done.stderr


def test_the_tables_of_outputs_that_the_document_shows_are_accepted() -> None:
    blocks = re.findall(r"(?:^ {4}[^\n]*\n)+", OUTPUTS, re.MULTILINE)
    text = "".join(re.sub(r"^ {4}", "", block, flags=re.MULTILINE) for block in blocks if "    [outputs." in block)
    tables, faults = tomllib.loads(text)["outputs"], list[str]()
    assert len(with_outputs((), tables, "outputs", faults)) == len(tables) >= 4
    assert faults == []
