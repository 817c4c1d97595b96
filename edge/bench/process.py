"""The running service as a process of its own: how soon it watches, and how much memory it takes."""

import os
import resource
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from ..errors import SourceError

PATIENCE = 60.0
"""Seconds that a start may take."""


def watched(options: list[str]) -> dict[str, float]:
    """Runs ``maskwatch run --print`` with these options to its end. Raises ``SourceError`` if it fails.

    ``ready_s`` is the time from its start to the first picture that went all the way through (READY=1, as systemd
    hears it), ``peak_rss_mb`` (10^6 bytes) and ``cpu_s`` are the whole process's.
    """
    with (
        tempfile.TemporaryDirectory(prefix="maskwatch-") as folder,
        tempfile.TemporaryFile() as said,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told,
    ):
        told.bind(f"{folder}/notify")
        environment = os.environ | {"NOTIFY_SOCKET": f"{folder}/notify", "XDG_STATE_HOME": folder}
        before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        command = [sys.executable, "-m", "edge", "run", "--print", *options]
        process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=said)
        try:
            ready, peak = _ready(told, process, started), 0.0
            while process.poll() is None:
                peak = max(peak, _peak(process.pid))
                time.sleep(0.02)
        finally:
            process.kill()
            process.wait()
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        said.seek(0)
        lines = said.read().decode(errors="replace").strip().splitlines()
    if process.returncode or ready is None:
        raise SourceError(f"maskwatch run {' '.join(options)} did not watch: {lines[-1] if lines else 'not a word'}")
    cpu = used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime
    return {"ready_s": ready, "peak_rss_mb": peak, "cpu_s": cpu}


def _ready(told: socket.socket, process: "subprocess.Popen[bytes]", started: float) -> float | None:
    told.settimeout(0.2)
    while time.monotonic() - started < PATIENCE and process.poll() is None:
        with suppress(TimeoutError):
            if b"READY=1" in told.recv(4096):
                return time.monotonic() - started
    return None


def _peak(process: int) -> float:
    """The most memory it has had so far. Not what ``wait4`` says: that counts its parent's, from before it began."""
    with suppress(OSError, ValueError, StopIteration):
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) * 1024 / 1e6
    return 0.0
