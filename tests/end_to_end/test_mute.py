"""Outputs of a real door that are muted over a real broker."""

import signal
import time
from pathlib import Path
from typing import Any

import pytest
from support import until
from support.pins import FilePins

TOPIC = "maskwatch/entrance"
OUTPUTS = """
[outputs.lamp]
driver = "led"
pin = 17
[outputs.tell]
driver = "command"
program = ["/bin/sh", "-c", "cat >>'{}/told'"]
"""


def test_muted_outputs_stay_off_after_a_restart_and_alerts_are_published(
    maskwatch: Any, mosquitto: Any, subscriber: Any, tmp_path: Path
) -> None:
    pytest.importorskip("gpiozero")
    broker = mosquitto().start()
    received, pins, told = subscriber(broker.port), FilePins(tmp_path / "pins"), tmp_path / "told"
    config = tmp_path / "door.toml"
    config.write_text(OUTPUTS.format(tmp_path))

    def run() -> Any:
        options = ("--source", "demo", "--realtime", "--broker", broker.address, "--config", config)
        return maskwatch("run", *options, env=dict(pins.environment))

    first = run()
    until(lambda: pins.level(17) == 1 and told.exists(), lambda: f"the lamp and the program: {first.err}", 60)
    for name in ("lamp", "tell"):
        received.publish(f"{TOPIC}/output/{name}/set", b"OFF")
        assert received.wait_for(f"{TOPIC}/output/{name}/state", 2)[-1] == b"OFF"
    until(lambda: pins.level(17) == 0, "the lamp is off at once")
    assert first.end(signal.SIGTERM) == 0
    before = len(pins.history(17)), told.read_bytes(), len(received.on(f"{TOPIC}/alert"))
    second = run()
    assert len(received.wait_for(f"{TOPIC}/alert", before[2] + 1)) > before[2]
    time.sleep(0.5)  # the lamp would have been lit
    assert second.end(signal.SIGTERM) == 0
    assert "1" not in [level for _, level in pins.history(17)[before[0] :]]
    assert told.read_bytes() == before[1]
