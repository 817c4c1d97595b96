"""Starts and limits the processes that read the bytes of strangers: with an own decoder, C code meets them there first.

If such a process crashes, hangs or takes all memory, it ends alone.
"""

import ctypes
import os
import resource
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PRIVATE = ("CREDENTIALS_DIRECTORY", "NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC")
"""Variables that such a process does not get."""
PRINTED_BYTES = 2**20
NICENESS = 10
PR_SET_PDEATHSIG = 1


def start(module: str, *arguments: str, **options: Any) -> "subprocess.Popen[bytes]":
    """Starts ``python -m module ARGUMENT... PID``, where PID is this process. ``options`` are those of ``Popen``.

    The process ends with the thread that starts it. Raises ``OSError`` if there is no memory or descriptor for it.
    """
    environment = public_environment()
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    environment["OPENBLAS_NUM_THREADS"] = "1"
    command = [sys.executable, "-P", "-m", module, *arguments, str(os.getpid())]
    # Ctrl-C is for the parent, which ends this process
    return subprocess.Popen(command, env=environment, start_new_session=True, **options)


def public_environment() -> dict[str, str]:
    """Returns the variables of this process without those that are for it alone."""
    return {name: value for name, value in os.environ.items() if name not in PRIVATE}


def restrict(parent: int) -> None:
    """Gives way to the loop, ends with the parent and by nobody else, and leaves no image behind in a core dump."""
    for number in (signal.SIGTERM, signal.SIGINT):  # systemd sends them to every process of a service
        signal.signal(number, signal.SIG_IGN)
    with suppress(OSError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit(1)
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", "ascii")  # the kernel ends this process, not the monitor
    with suppress(OSError):
        os.nice(NICENESS)  # the sandbox of the service may forbid it
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (PRINTED_BYTES, PRINTED_BYTES))


def limit_memory(more: int) -> None:
    """Lets the process take so many bytes more. Files and libraries do not count, so this is the same everywhere."""
    lines = Path("/proc/self/status").read_text("utf-8", "replace").splitlines()
    has = int(next(line for line in lines if line.startswith("VmData:")).split()[1]) * 1024
    with suppress(ValueError, OSError):  # a lower limit holds already
        resource.setrlimit(resource.RLIMIT_DATA, (has + more, has + more))


def limit_processor(seconds: int) -> None:
    """Lets the process use so many seconds of processor time more; SIGXCPU ends it then."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    limit = int(used.ru_utime + used.ru_stime) + 1 + seconds
    resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.RLIM_INFINITY))
