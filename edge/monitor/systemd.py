"""Be a good daemon: readiness and liveness for systemd (sd_notify), and a watchdog of our own.

A ping follows from progress, never from a timer: the main loop calls ``pulse`` after a frame (or while a camera is
being looked for), and only a pulse in which every check holds counts. Without one for ``limit`` seconds faulthandler's
C thread, which needs no Python to run, writes every thread's stack to standard error and ends the process; whoever
supervises it starts it again. systemd's WatchdogSec is the second line, for a process that cannot even do that.
"""

import faulthandler
import logging
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress

log = logging.getLogger(__name__)
LIMIT = 20.0
"""Seconds without progress that are a hang. Less than WatchdogSec in systemd/maskwatch.service."""


class Notifier:
    """Tells systemd; does nothing where there is none. The protocol: sd_notify(3), a datagram of lines."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        address = environ.get("NOTIFY_SOCKET", "")
        self.supervised = bool(address)
        self._address = "\0" + address[1:] if address.startswith("@") else address

    def __call__(self, message: str) -> None:
        if self.supervised:
            with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out:
                out.settimeout(0.5)  # a receiver that does not read must not stop the monitor
                out.sendto(message.encode(), self._address)


class Watchdog:
    """Ends the process when it makes no progress for ``limit`` seconds after the first ``pulse``.

    ``checks`` are named parts that must be making progress beside the caller itself.
    """

    def __init__(self, notify: Notifier, checks: Mapping[str, Callable[[], bool]], limit: float = LIMIT) -> None:
        self._notify, self._checks, self._limit = notify, dict(checks), limit
        self._at = float("-inf")
        self._stalled: str | None = None
        faulthandler.enable()  # systemd's SIGABRT leaves the stacks in the journal too

    def pulse(self) -> None:
        now = time.monotonic()
        if now - self._at < 1:
            return
        stalled = next((name for name, well in self._checks.items() if not well()), None)
        if stalled and stalled != self._stalled:
            log.error("%s makes no progress; if that lasts, maskwatch ends so that it is started again", stalled)
        self._stalled = stalled
        if stalled is None or self._at == float("-inf"):
            self._at = now
            faulthandler.dump_traceback_later(self._limit, exit=True)
            self._notify("WATCHDOG=1")

    def close(self) -> None:
        faulthandler.cancel_dump_traceback_later()


def leave(code: int) -> int:
    """``code``, to exit with; exits at once with it if a camera's thread still hangs in its driver.

    Such a thread may come back while the interpreter is being torn down. Python would end it there by force, through
    the frames of OpenCV's C++, which aborts the whole process: what ended as asked would look like a crash.
    """
    if any(thread.name == "camera" for thread in threading.enumerate()):
        logging.shutdown()
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
        os._exit(code)
    return code
