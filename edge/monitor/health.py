"""Collects the health of camera, broker, disk, model and alerts.

Each part is healthy or has one problem sentence. A change is logged once and published (``health`` topic, and the file
that ``maskwatch doctor`` reads) at most once per second. The latest state is always published.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from ..camera.frames import Condition
from ..clock import clock_synced
from ..mqtt.messages import Health

log = logging.getLogger(__name__)

PUBLISH_INTERVAL = 1.0
"""Seconds between two messages, at least."""
CLOCK_INTERVAL = 60.0
"""Seconds between two checks of the clock."""


@dataclass(frozen=True, slots=True)
class _Problem:
    text: str
    since: float


class HealthMonitor:
    """Collects the problems of all parts. Any thread may call it; ``publish`` is called without the lock held."""

    def __init__(self, model: str, publish: Callable[[Health], None] = lambda health: None) -> None:
        self._model = model
        self._publish = publish
        self._lock = threading.Lock()
        self._camera: Condition = "ok"
        self._problems: dict[str, _Problem] = {}
        self._published: Health | None = None
        self._published_at = float("-inf")
        self._clock_at = float("-inf")
        self._clock_synced: bool | None = None

    def attach(self, publish: Callable[[Health], None]) -> None:
        """Publishes by this function from now on, and at once."""
        with self._lock:
            self._publish = publish
            self._published = None
            self._published_at = float("-inf")
        self.tick()

    def camera(self, condition: Condition, text: str | None = None) -> None:
        """Takes a new condition of the camera, with its reason unless it is ``ok``."""
        with self._lock:
            self._camera = condition
        self.report("camera", None if condition == "ok" else f"camera {condition}: {text}")

    def report(self, part: str, problem: str | None) -> None:
        """Takes a part's problem in one sentence, or None when the part is healthy."""
        now = time.monotonic()
        with self._lock:
            before = self._problems.get(part)
            if problem is None:
                self._problems.pop(part, None)
            else:  # at its place in the order, with its first time
                self._problems[part] = _Problem(problem, before.since if before else now)
        if problem is not None and (before is None or problem != before.text):
            log.error("%s", problem)
        elif problem is None and before is not None:
            log.warning("%s recovered after %.0f s", part, now - before.since)
        self.tick()

    def withdraw(self, part: str) -> None:
        """Takes back a part's problem, because nothing is known of the part now: it has not recovered."""
        with self._lock:
            self._problems.pop(part, None)
        self.tick()

    @property
    def now(self) -> Health:
        """Returns the health at this moment."""
        with self._lock:
            return self._health()

    def _health(self) -> Health:
        problems = "; ".join(problem.text for problem in self._problems.values())
        return Health(self._camera, self._model, problems or None)

    def tick(self) -> None:
        """Publishes what has changed, unless something was published a moment ago. Call it regularly."""
        self._check_clock()
        now = time.monotonic()
        with self._lock:
            health = self._health()
            if health == self._published or now - self._published_at < PUBLISH_INTERVAL:
                return
            self._published, self._published_at = health, now
            publish = self._publish
        publish(health)

    def _check_clock(self) -> None:
        """Logs a change only: alerts carry ``clock_synced`` themselves, and a door without network stays useful."""
        now = time.monotonic()
        with self._lock:
            if now - self._clock_at < CLOCK_INTERVAL:
                return
            self._clock_at = now
            before, synced = self._clock_synced, clock_synced()
            self._clock_synced = synced
        if synced != before and (before is not None or not synced):
            state = "synchronized" if synced else "not synchronized; alerts carry clock_synced = false"
            log.warning("the clock is %s", state)
