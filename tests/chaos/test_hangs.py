"""One part of a running door hangs for ever: the watchdog pings stop, and the process ends with all threads' stacks."""

import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support import until
from support.notified import Systemd

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(240)]

HANGING = str(Path(__file__).with_name("hanging.py"))
WATCHDOG_SEC = 30.0
"""As in systemd/maskwatch.service."""
LIMITS = {
    "capture": 45.0,
    "inference": WATCHDOG_SEC + 10,
    "lock": WATCHDOG_SEC + 10,
    "mqtt": WATCHDOG_SEC + 10,
    "outputs": WATCHDOG_SEC + 20,  # the lamp changes every few seconds
}
"""Seconds from the hang of a part to the end of the process, at most."""
STACK = {
    "capture": "in read",
    "inference": "in detect",
    "lock": "in detect",
    "mqtt": "in report",
    "outputs": "in show",
}
"""A line of the stack of the thread that hangs."""


@dataclass
class Hanging:
    """A process, its systemd, the moment of the hang, and the seconds from the hang to the end of the process."""

    process: Any
    systemd: Systemd
    hung_at: float = 0.0
    ended_after: float = 0.0

    def wait(self) -> None:
        self.process.popen.wait(120)
        self.ended_after = time.monotonic() - self.hung_at


def test_a_hang_of_capture_inference_mqtt_or_outputs_alone_ends_the_process_in_time(
    maskwatch: Any, mosquitto: Any, tmp_path: Path
) -> None:
    """All processes run at the same time. While nothing hangs, all of them ping.

    The process whose MQTT thread hangs has a broker of its own, which is killed.
    """
    broker, broker_to_kill = mosquitto().start(), mosquitto().start()
    parts: dict[str, Hanging] = {}
    for part in LIMITS:
        systemd = Systemd(str(tmp_path / part))
        port = (broker_to_kill if part == "mqtt" else broker).port
        arguments = (part, tmp_path / f"{part}.flag", str(port), tmp_path / f"{part}.state")
        environ = {"NOTIFY_SOCKET": systemd.address, "PYTHONPATH": "."}
        parts[part] = Hanging(maskwatch(*arguments, program=(HANGING,), env=environ), systemd)
    for hanging in parts.values():
        hanging.process.wait_for("connected to the broker")
        systemd, process = hanging.systemd, hanging.process
        until(lambda systemd=systemd: {"READY=1", "WATCHDOG=1"} <= set(systemd.messages), f"pings\n{process.err}", 60)
    assert all(hanging.process.popen.poll() is None for hanging in parts.values())
    threads = []
    for part, hanging in parts.items():
        (tmp_path / f"{part}.flag").touch()
        hanging.hung_at = time.monotonic()
        threads.append(threading.Thread(target=hanging.wait, daemon=True))
        threads[-1].start()
    broker_to_kill.kill()
    for thread in threads:
        thread.join(130)
    for part, hanging in parts.items():
        last, errors = hanging.systemd.pinged_at - hanging.hung_at, hanging.process.err
        print(f"{part}: last ping after {last:.1f} s, ended after {hanging.ended_after:.1f} s")
        assert hanging.process.popen.returncode == 1, f"{part}: {errors}"
        assert "ended by itself" not in hanging.process.out
        assert hanging.ended_after <= LIMITS[part], part
        assert last <= hanging.ended_after - 15, f"{part}: a part without progress must end the pings"
        assert "Timeout (0:00:20)!" in errors and STACK[part] in errors, errors
        assert errors.count("most recent call first") >= 4, "main, camera, publisher and outbox"
        hanging.systemd.close()
    assert parts["capture"].process.err.count("lost: camera: no picture for 8 s") == 1
