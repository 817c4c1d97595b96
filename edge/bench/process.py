"""Measures the running service as a separate process: time until it watches, memory, and processor time."""

import os
import resource
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from ..errors import EdgeError

START_TIMEOUT = 60.0


def measure_service(options: list[str]) -> dict[str, float]:
    """Runs ``maskwatch run --print`` with these options to its end. Raises ``EdgeError`` if it fails.

    Returns ``ready_s``, the seconds from its start until its first frame has passed all stages (READY=1, as systemd
    receives it), and ``peak_rss_mb`` (10^6 bytes) and ``cpu_s`` of the whole process.
    """
    with (
        tempfile.TemporaryDirectory(prefix="maskwatch-") as folder,
        tempfile.TemporaryFile() as stderr,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify_socket,
    ):
        notify_socket.bind(f"{folder}/notify")
        environment = os.environ | {"NOTIFY_SOCKET": f"{folder}/notify", "XDG_STATE_HOME": folder}
        before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        command = [sys.executable, "-m", "edge", "run", "--print", *options]
        process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=stderr)
        try:
            ready = _seconds_until_ready(notify_socket, process, started)
            peak = _peak_rss_until_end(process)
        finally:
            process.kill()
            process.wait()
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        stderr.seek(0)
        lines = stderr.read().decode(errors="replace").strip().splitlines()
    if process.returncode or ready is None:
        raise EdgeError(f"maskwatch run {' '.join(options)} failed: {lines[-1] if lines else 'it printed no error'}")
    cpu = used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime
    return {"ready_s": ready, "peak_rss_mb": peak, "cpu_s": cpu}


def _seconds_until_ready(
    notify_socket: socket.socket, process: "subprocess.Popen[bytes]", started: float
) -> float | None:
    notify_socket.settimeout(0.2)
    while time.monotonic() - started < START_TIMEOUT and process.poll() is None:
        with suppress(TimeoutError):
            if b"READY=1" in notify_socket.recv(4096):
                return time.monotonic() - started
    return None


def _peak_rss_until_end(process: "subprocess.Popen[bytes]") -> float:
    peak = 0.0
    while process.poll() is None:
        peak = max(peak, _peak_rss_mb(process.pid))
        time.sleep(0.02)
    return peak


def _peak_rss_mb(pid: int) -> float:
    """Returns the peak so far. ``wait4`` would include the memory of the parent from before the process began."""
    with suppress(OSError, ValueError, StopIteration):
        lines = Path(f"/proc/{pid}/status").read_text("utf-8", "replace").splitlines()
        return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) * 1024 / 1e6
    return 0.0
