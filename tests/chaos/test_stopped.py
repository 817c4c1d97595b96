"""A monitor that was started by hand is stopped as a whole, as by Ctrl-Z, and goes on; a part that hangs ends it."""

import signal
import time
from pathlib import Path
from typing import Any

import pytest
from chaos.test_hangs import HANGING
from support import until

from edge.monitor.systemd import LIMIT

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(150)]


def test_a_stopped_process_goes_on_and_one_that_hangs_in_a_part_ends(
    maskwatch: Any, mosquitto: Any, subscriber: Any, tmp_path: Path
) -> None:
    broker = mosquitto().start()
    received = subscriber(broker.port)
    doors = {}
    for part in ("capture", "inference"):
        arguments = (part, tmp_path / f"{part}.flag", str(broker.port), tmp_path / f"{part}.state")
        doors[part] = maskwatch(*arguments, program=(HANGING,), env={"PYTHONPATH": "."})
    for part, door in doors.items():
        door.wait_for("connected to the broker")
        received.wait_for(f"maskwatch/{part}/stats", 1)
    stopped, hanging = doors["capture"], doors["inference"]
    stopped.popen.send_signal(signal.SIGSTOP)
    (tmp_path / "inference.flag").touch()
    hung_at = time.monotonic()
    assert hanging.popen.wait(LIMIT + 15) == 1
    print(f"the door that hangs ended after {time.monotonic() - hung_at:.1f} s")
    assert "no progress for 20 s" in hanging.err and "in detect" in hanging.err
    time.sleep(max(0.0, hung_at + LIMIT + 5 - time.monotonic()))  # longer than the limit
    before = len(received.on("maskwatch/capture/stats"))
    stopped.popen.send_signal(signal.SIGCONT)
    until(lambda: len(received.on("maskwatch/capture/stats")) > before, lambda: str(stopped.err), 60)
    until(lambda: received.on("maskwatch/capture/status")[-1] == b"online", lambda: str(stopped.err), 30)
    assert stopped.popen.poll() is None and "ended by itself" not in stopped.out
    for text in ("most recent call first", "makes no progress", "lost: camera", "is stuck"):
        assert text not in stopped.err, stopped.err
    assert stopped.end(signal.SIGTERM) != 1
