"""Tells how much memory this process may still take."""

import resource
from contextlib import suppress
from pathlib import Path

CGROUP_ROOT = Path("/sys/fs/cgroup")


def free_memory() -> float:
    """Returns the bytes that are free for this process, as machine, service and shell limit it; infinite if unknown."""
    return min(_of_machine(), _of_cgroup(), _of_process())


def _of_machine() -> float:
    with suppress(OSError, ValueError, StopIteration):
        lines = Path("/proc/meminfo").read_text("ascii").splitlines()
        return 1024 * int(next(line for line in lines if line.startswith("MemAvailable:")).split()[1])
    return float("inf")


def _of_cgroup() -> float:
    """Returns what the process's control group leaves; systemd sets its limit from MemoryMax."""
    with suppress(OSError, ValueError, StopIteration):
        lines = Path("/proc/self/cgroup").read_text("utf-8").splitlines()
        group = CGROUP_ROOT / next(line[3:] for line in lines if line.startswith("0::")).lstrip("/")
        return int((group / "memory.max").read_text("utf-8")) - int((group / "memory.current").read_text("utf-8"))
    return float("inf")


def _of_process() -> float:
    """Returns what ``ulimit -v`` leaves."""
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    with suppress(OSError, ValueError):
        pages = int(Path("/proc/self/statm").read_text("utf-8").split()[0])
        return float("inf") if limit == resource.RLIM_INFINITY else limit - pages * resource.getpagesize()
    return float("inf")
