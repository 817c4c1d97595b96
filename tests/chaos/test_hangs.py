"""One part of a running door hangs for ever: the pings stop, and the process ends with every thread's stack."""

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
PROMISED = {"capture": 45.0, "inference": WATCHDOG_SEC + 10, "lock": WATCHDOG_SEC + 10, "mqtt": WATCHDOG_SEC + 10}
STACK = {"capture": "in read", "inference": "in detect", "lock": "in detect", "mqtt": "in report"}
"""What must stand in the stack of the thread that hangs."""


@dataclass
class Hanging:
    """One process, its systemd, and the seconds from the hang to its end and to its last ping."""

    run: Any
    systemd: Systemd
    hung_at: float = 0.0
    end: float = 0.0

    def watch(self) -> None:
        self.run.popen.wait(120)
        self.end = time.monotonic() - self.hung_at


def test_a_hang_of_capture_inference_or_mqtt_alone_ends_the_process_in_time(
    maskwatch: Any, mosquitto: Any, tmp_path: Path
) -> None:
    """All side by side; while nothing hangs, all of them ping. Of the brokers, only that of ``mqtt`` goes away."""
    broker, doomed, parts = mosquitto().start(), mosquitto().start(), {}
    for part in PROMISED:
        systemd = Systemd(str(tmp_path / part))
        port = (doomed if part == "mqtt" else broker).port
        arguments = (part, tmp_path / f"{part}.flag", str(port), tmp_path / f"{part}.state")
        run = maskwatch(*arguments, program=(HANGING,), env={"NOTIFY_SOCKET": systemd.address, "PYTHONPATH": "."})
        parts[part] = Hanging(run, systemd)
    for each in parts.values():
        each.run.wait_for("connected to the broker")
        until(lambda each=each: {"READY=1", "WATCHDOG=1"} <= set(each.systemd.heard), f"pings\n{each.run.err}", 60)
    assert all(each.run.popen.poll() is None for each in parts.values())
    threads = []
    for part, each in parts.items():
        (tmp_path / f"{part}.flag").touch()
        each.hung_at = time.monotonic()
        threads.append(threading.Thread(target=each.watch, daemon=True))
        threads[-1].start()
    doomed.kill()
    for thread in threads:
        thread.join(130)
    for part, each in parts.items():
        last = each.systemd.pinged_at - each.hung_at
        print(f"{part}: last ping after {last:.1f} s, ended after {each.end:.1f} s")
        assert each.run.popen.returncode == 1, f"{part}: {each.run.err}"
        assert "ended by itself" not in each.run.out
        assert each.end <= PROMISED[part], part
        assert last <= each.end - 15, f"{part}: pings must follow from progress"
        assert "Timeout (0:00:20)!" in each.run.err and STACK[part] in each.run.err, each.run.err
        assert each.run.err.count("most recent call first") >= 4, "main, camera, sender, outbox"
        each.systemd.close()
    assert parts["capture"].run.err.count("lost: camera: no picture for 8 s") == 1
