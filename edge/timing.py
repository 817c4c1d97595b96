"""Waiting and backoff, the same everywhere, and a clock that stands still while the process is stopped."""

import random
import threading
import time
from collections.abc import Callable


def wait_until(holds: Callable[[], object], timeout: float, pause: float = 0.02) -> bool:
    """Waits until ``holds()`` is true, for at most ``timeout`` seconds; whether it is. Asks every ``pause`` seconds."""
    deadline = time.monotonic() + timeout
    while not holds():
        if time.monotonic() >= deadline:
            return False
        time.sleep(pause)
    return True


class RunningClock:
    """Counts the seconds in which this process runs. Any thread may ask it.

    A process is stopped by Ctrl-Z, SIGSTOP or a debugger, and together with its virtual machine. All of its threads
    then stand still at the same moment: nobody asks for longer than ``longest`` seconds, and that time does not count.
    While one thread hangs, the others ask, several times per second.
    """

    def __init__(self, longest: float = 3.0) -> None:
        self._longest = longest
        self._lock = threading.Lock()
        self._asked_at = time.monotonic()
        self._stopped = 0.0

    def __call__(self) -> float:
        """Returns monotonic seconds without those in which the process was stopped."""
        with self._lock:
            now = time.monotonic()
            if now - self._asked_at > self._longest:
                self._stopped += now - self._asked_at
            self._asked_at = now
            return now - self._stopped


running = RunningClock()
"""The clock for whatever is to be noticed when it makes no progress."""


class Backoff:
    """Pauses between attempts, in seconds: ``shortest`` first, then doubled each time up to ``longest``.

    ``spread`` (0..1) shortens each pause by a random share of at most that size, so that many devices that failed at
    the same moment do not all try again at the same moment.
    """

    def __init__(self, shortest: float, longest: float, spread: float = 0.0) -> None:
        self._shortest = shortest
        self._longest = longest
        self._spread = spread
        self.failures = 0

    def failed(self) -> None:
        """Counts one more failure."""
        self.failures += 1

    def reset(self) -> None:
        """Counts from zero again, after a success."""
        self.failures = 0

    def pause(self, longest: float | None = None) -> float:
        """Seconds to wait now; ``longest`` replaces the limit this once."""
        limit = self._longest if longest is None else longest
        return min(limit, self._shortest * 2.0 ** min(self.failures, 30)) * random.uniform(1 - self._spread, 1)

    def next(self) -> float:
        """Seconds to wait now; the next pause will be twice as long."""
        pause = self.pause()
        self.failed()
        return pause
