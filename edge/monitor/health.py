"""How the monitor is: one small state machine over camera, broker, disk, model, alerts and clock.

Every part is well, or has one sentence of trouble. A change is logged once and told to ``tell`` (the ``health``
topic, and the file that ``maskwatch doctor`` reads), at most once a second; the newest always gets out.
"""

import logging
import threading
import time
from collections.abc import Callable

from ..mqtt.messages import Health
from .machine import clock_synced

log = logging.getLogger(__name__)
EVERY = 1.0
"""Seconds between two messages, at least."""
CLOCK_EVERY = 60.0


class HealthMonitor:
    """Any thread may report. ``tell`` is called without the lock held."""

    def __init__(self, model: str, tell: Callable[[Health], None] = lambda health: None) -> None:
        self._model, self._tell = model, tell
        self._lock = threading.Lock()
        self._camera = "ok"
        self._troubles: dict[str, str] = {}
        self._since: dict[str, float] = {}
        self._told: Health | None = None
        self._told_at = float("-inf")
        self._clock_at = float("-inf")
        self._synced: bool | None = None

    def attach(self, tell: Callable[[Health], None]) -> None:
        """Where to tell, from now on; tells at once."""
        with self._lock:
            self._tell, self._told, self._told_at = tell, None, float("-inf")
        self.tick()

    def camera(self, condition: str, text: str | None = None) -> None:
        """``ok``, ``lost``, ``frozen`` or ``dark``."""
        with self._lock:
            self._camera = condition
        self.report("camera", None if condition == "ok" else f"camera {condition}: {text}")

    def report(self, part: str, trouble: str | None) -> None:
        """A part's trouble in one sentence, or None when it is well."""
        with self._lock:
            before, now = self._troubles.get(part), time.monotonic()
            if trouble is None:
                self._troubles.pop(part, None)
            else:  # at its place: a trouble told again is no news
                self._troubles[part] = trouble
                self._since.setdefault(part, now)
            since = self._since.pop(part, now) if trouble is None else now
        if trouble is not None and trouble != before:
            log.error("%s", trouble)
        elif trouble is None and before is not None:
            log.warning("%s well again after %.0f s", part, now - since)
        self.tick()

    @property
    def now(self) -> Health:
        """What is told at this moment."""
        with self._lock:
            return Health(self._camera, self._model, "; ".join(self._troubles.values()) or None)

    def tick(self) -> None:
        """Tells what has changed, unless something was told a moment ago. To be called now and then."""
        self._look_at_clock()
        health, now = self.now, time.monotonic()
        with self._lock:
            if health == self._told or now - self._told_at < EVERY:
                return
            self._told, self._told_at = health, now
        self._tell(health)

    def _look_at_clock(self) -> None:
        """Logged only: alerts carry ``clock_synced`` themselves, and a door without a network stays useful."""
        now = time.monotonic()
        if now - self._clock_at < CLOCK_EVERY:
            return
        self._clock_at, synced = now, clock_synced()
        if synced != self._synced and (self._synced is not None or not synced):
            log.warning("the clock is %s", "synchronized" if synced else "not synchronized: alerts say so")
        self._synced = synced
