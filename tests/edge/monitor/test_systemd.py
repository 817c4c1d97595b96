"""sd_notify over real sockets, and the watchdog in real processes."""

import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import ROOT, until
from support.cameras import NetworkCamera
from support.notified import Systemd

from edge.monitor.systemd import Notifier

LEAVING = """
import sys, time
from edge.monitor.systemd import leave
from edge.camera.source import open_source
class Slow:
    def __del__(self):  # during the end of the interpreter
        time.sleep(3)
source = open_source(sys.argv[1])
next(iter(source))
print("watching", flush=True)
sys.stdin.readline()  # until the camera has stopped sending
source.close()
slow = Slow()
print("leaving", flush=True)
print("the last line", end="")
sys.exit(leave(7))
"""
LIMIT = 3.0
SLOW = 20.0
"""Seconds by which a loaded machine may delay a process."""


@pytest.fixture(params=["path", "abstract"])
def systemd(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Systemd]:
    made = Systemd(str(tmp_path / "notify") if request.param == "path" else f"@maskwatch-test-{uuid.uuid4().hex}")
    yield made
    made.close()


def test_messages_arrive_as_datagrams(systemd: Systemd) -> None:
    notify = Notifier({"NOTIFY_SOCKET": systemd.address})
    assert notify.supervised
    notify("READY=1")
    notify("WATCHDOG=1")
    until(lambda: systemd.messages == ["READY=1", "WATCHDOG=1"], "both messages")


def test_without_systemd_nothing_is_sent_and_nothing_fails() -> None:
    for environ in ({}, {"NOTIFY_SOCKET": ""}):
        notify = Notifier(environ)
        assert not notify.supervised
        notify("READY=1")


def test_a_deleted_socket_raises_nothing(systemd: Systemd) -> None:
    notify = Notifier({"NOTIFY_SOCKET": systemd.address})
    systemd.close()
    Path(systemd.address).unlink(missing_ok=True)
    notify("WATCHDOG=1")


def test_a_receiver_that_never_reads_does_not_block_for_ever(tmp_path: Path) -> None:
    """Linux queues about ten datagrams; the sender of the next one would wait."""
    systemd = Systemd(str(tmp_path / "notify"), reads=False)
    notify = Notifier({"NOTIFY_SOCKET": systemd.address})
    deadline = time.monotonic() + SLOW
    queue = int(Path("/proc/sys/net/unix/max_dgram_qlen").read_text())
    for _ in range(queue + 2):
        notify("WATCHDOG=1")
    assert time.monotonic() < deadline
    systemd.close()


class WatchedProcess:
    """A process of ``watched.py`` that sends its notifications to ``systemd``."""

    def __init__(self, kind: str, systemd: Systemd) -> None:
        self.systemd = systemd
        self._started = time.monotonic()
        self.process = subprocess.Popen(
            [sys.executable, str(ROOT / "tests" / "support" / "watched.py"), str(LIMIT), kind],
            cwd=ROOT,
            env={**os.environ, "NOTIFY_SOCKET": systemd.address, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def wait(self) -> tuple[int, str, str, float]:
        """Waits for the end; returns exit code, standard output, standard error, and the seconds since the start."""
        out, err = self.process.communicate(timeout=60)
        return self.process.returncode, out, err, time.monotonic() - self._started


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, WatchedProcess]]:
    """Processes of all kinds, which run at the same time because they sleep most of it."""
    folder = tmp_path_factory.mktemp("sockets")
    started = {
        kind: WatchedProcess(kind, Systemd(str(folder / kind))) for kind in ("hang", "lock", "check", "on", "moment")
    }
    yield started
    for one in started.values():
        one.process.kill()
        one.process.wait(10)
        one.systemd.close()


@pytest.mark.parametrize("kind", ["hang", "lock"])
def test_a_hang_ends_the_process_with_the_stacks_of_all_threads(kind: str, watched: dict[str, WatchedProcess]) -> None:
    """The kind ``lock`` holds Python's global interpreter lock, so that no Python code could notice the hang."""
    code, out, err, seconds = watched[kind].wait()
    assert code == 1 and out == ""
    assert seconds < 2 + LIMIT + SLOW
    assert "Timeout" in err and err.count("most recent call first") == 2
    assert "another_thread_that_waits" in err and "in main" in err
    assert 1 <= watched[kind].systemd.messages.count("WATCHDOG=1") <= 4, "none after the hang began"


def test_a_check_that_fails_withholds_the_pings_and_ends_the_process(watched: dict[str, WatchedProcess]) -> None:
    code, out, err, seconds = watched["check"].wait()
    assert code == 1 and out == "" and seconds < 2 + LIMIT + SLOW
    assert err.count("the part makes no progress") == 1, "reported once, not per pulse"
    assert "most recent call first" in err
    assert 1 <= watched["check"].systemd.messages.count("WATCHDOG=1") <= 4


@pytest.mark.parametrize("kind", ["on", "moment"])
def test_a_process_with_progress_runs_longer_than_several_limits(kind: str, watched: dict[str, WatchedProcess]) -> None:
    """In the kind ``moment``, a check fails for a short time."""
    code, out, err, _ = watched[kind].wait()
    assert code == 0 and out.strip() == "ended by itself", err
    assert "most recent call" not in err
    assert watched[kind].systemd.messages.count("WATCHDOG=1") >= 5


def test_a_driver_that_returns_during_the_end_of_the_interpreter_causes_no_crash() -> None:
    """The read returns while the interpreter ends, when Python would terminate its thread."""
    camera = NetworkCamera()
    process = subprocess.Popen(
        [sys.executable, "-c", LEAVING, camera.url],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None and process.stdout is not None
    assert process.stdout.readline() == "watching\n"
    camera.fall_silent()
    time.sleep(0.5)
    process.stdin.write("silent\n")
    process.stdin.flush()
    assert process.stdout.readline() == "leaving\n"
    time.sleep(0.5)
    camera.hang_up()
    code = process.wait(60)
    camera.close()
    assert code == 7, process.communicate()
    assert process.stdout.read() == "the last line", "all output is written"
    process.communicate()
