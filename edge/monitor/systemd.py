"""Reports readiness and liveness to systemd (sd_notify), and ends a process that hangs.

A watchdog ping follows from progress, never from a timer. The main loop calls ``pulse`` after a frame, or while it
looks for a camera; a pulse counts only if every check holds. After ``limit`` seconds without one, the stack of every
thread is written to standard error, and the process ends.

Under systemd, faulthandler's C thread does that, which needs no Python to run, and systemd starts the process again;
systemd's WatchdogSec acts where the process cannot even do that. That thread counts the seconds in which the process is
stopped too, as systemd does. A process that was started by hand may be stopped for any time (Ctrl-Z) and goes on: there
the thread ``watchdog`` counts the seconds, those alone in which the process runs. It notices no hang in native code
that keeps Python's global interpreter lock.
"""

import faulthandler
import logging
import os
import socket
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress

from ..timing import running

log = logging.getLogger(__name__)
LIMIT = 20.0
"""Seconds without progress after which the process hangs. Less than WatchdogSec in systemd/maskwatch.service."""


class Notifier:
    """Sends messages to systemd (sd_notify(3), a datagram of lines); does nothing without systemd."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        address = environ.get("NOTIFY_SOCKET", "")
        self.supervised = bool(address)
        self._address = "\0" + address[1:] if address.startswith("@") else address

    def __call__(self, message: str) -> None:
        if self.supervised:
            with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out:
                out.settimeout(0.5)  # a receiver that does not read must not block the monitor
                out.sendto(message.encode(), self._address)


class Watchdog:
    """Ends the process when it makes no progress for ``limit`` seconds after the first ``pulse``.

    ``checks`` return, by name, whether other parts make progress too. Owns the thread ``watchdog``, without systemd.
    """

    def __init__(self, notify: Notifier, checks: Mapping[str, Callable[[], bool]], limit: float = LIMIT) -> None:
        self._notify, self._checks, self._limit = notify, dict(checks), limit
        self._at = float("-inf")
        self._stalled: str | None = None
        self._closed = threading.Event()
        faulthandler.enable()  # so that systemd's SIGABRT leaves the stacks in the journal too
        if not notify.supervised:
            threading.Thread(target=self._run, name="watchdog", daemon=True).start()

    def pulse(self) -> None:
        """Counts as progress, if every check holds. At most one ping per second is sent."""
        now = running()
        if now - self._at < 1:
            return
        stalled = next((name for name, is_alive in self._checks.items() if not is_alive()), None)
        if stalled and stalled != self._stalled:
            log.error("%s makes no progress; if that lasts, maskwatch ends so that it is started again", stalled)
        self._stalled = stalled
        if stalled is None or self._at == float("-inf"):
            self._at = now
            if self._notify.supervised:
                faulthandler.dump_traceback_later(self._limit, exit=True)
            self._notify("WATCHDOG=1")

    def close(self) -> None:
        """Ends the watch."""
        self._closed.set()
        faulthandler.cancel_dump_traceback_later()

    def _run(self) -> None:
        """Ends a process without progress, and keeps the running clock going while all other threads hang."""
        while not self._closed.wait(0.5):
            silent = running() - self._at
            if self._limit < silent < float("inf"):
                print(f"no progress for {self._limit:.0f} s:", file=sys.stderr, flush=True)
                faulthandler.dump_traceback()
                os._exit(1)


def leave(code: int) -> int:
    """Returns the exit code; exits with it at once if a camera's thread still hangs in its driver.

    Such a thread may return while the interpreter is shutting down. Python would then end the thread inside OpenCV's
    C++ code, which aborts the whole process: an orderly end would look like a crash.
    """
    if any(thread.name == "camera" for thread in threading.enumerate()):
        logging.shutdown()
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
        os._exit(code)
    return code
