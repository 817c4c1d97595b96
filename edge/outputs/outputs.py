"""Follows who is at the door and turns the outputs on and off; lends the outbox a sink per webhook and command."""

import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from ..config.outputs import SituationOutputConfig
from ..config.zone import Zone
from ..errors import OutputError
from ..timing import running, wait_until
from .driven import DrivenActuator
from .driver import Actuator, AlertSink, Release
from .situation import Presence, Sight, sight_of

Report = Callable[[str, str | None], None]
"""Receives the problem of a part in one sentence, or None when it is healthy (``HealthMonitor.report``)."""
STALE_S, STALE_INTERVALS = 1.5, 3.0
"""Seconds, and intervals between two frames, after which it is not known any more who is at the door: the longer of
the two. A camera counts as lost only after 8 s, and a door may not stay open for so long."""
LONGEST_WAIT_S = 1.0
"""Seconds between two steps of the thread, at most: it must show that it makes progress."""
RELEASE_S = 0.05
"""Seconds between two readings of an emergency release."""
STALLED_S = 15.0
"""Seconds without progress of the thread after which it counts as stuck."""
TEST_LIMIT_S = 3.0
"""Seconds within which a test must have begun."""
REST_LIMIT_S = 3.0
"""Seconds within which the outputs must be off. A servo takes half a second for its way."""


class Outputs:
    """The outputs of one door. Any thread may call it. Only ``fire``, ``rest`` and ``close`` block.

    Owns the thread ``outputs``, which alone drives the actuators. ``releases`` are the emergency releases, by the name
    of their relay. ``names`` are those of the configuration, in its order; without it, those of the outputs.
    """

    def __init__(
        self,
        actuators: Sequence[tuple[SituationOutputConfig, Actuator]],
        sinks: Sequence[AlertSink],
        zones: Sequence[Zone],
        report: Report,
        releases: Mapping[str, Release] | None = None,
        names: Sequence[str] | None = None,
    ) -> None:
        releases = releases or {}
        self.sinks = sinks
        self._driven = [
            DrivenActuator(config, actuator, partial(report, f"output {config.name}"), releases.get(config.name))
            for config, actuator in actuators
        ]
        own = [*(driven.name for driven in self._driven), *(sink.name for sink in sinks)]
        self.names: Sequence[str] = own if names is None else names
        """The names of all configured outputs, in the order of the configuration."""
        self._zones = tuple(zones)
        self._presence = Presence(-math.inf, judging=False)
        self._progress_at = running()
        self._wake = threading.Event()
        self._closing = False
        self._off = threading.Event()
        self._off_by = math.inf
        self._longest_wait = RELEASE_S if releases else LONGEST_WAIT_S
        self._thread = threading.Thread(target=self._run, name="outputs", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Returns whether the thread ``outputs`` makes progress."""
        return self._closing or (self._thread.is_alive() and running() - self._progress_at < STALLED_S)

    def see(self, presence: Presence) -> None:
        """Takes who is at the door now. Call it after every frame, and when the camera or the pause changes."""
        before, self._presence = self._presence, presence
        was_fresh = presence.time < _stale_at(before)
        if _said(before) != _said(presence) or not was_fresh:
            self._wake.set()

    def watch(self, zones: Sequence[Zone]) -> None:
        """Takes other zones: the page may change them."""
        self._zones = tuple(zones)
        for sink in self.sinks:
            sink.watch(zones)
        self._wake.set()

    def mute(self, muted: Mapping[str, bool]) -> None:
        """Turns outputs off until they are unmuted; an interlock stays in its ``fail`` state."""
        for output in self._driven:
            output.muted = muted.get(output.name, output.muted)
        for sink in self.sinks:
            if sink.name in muted:
                sink.mute(muted[sink.name])
        self._wake.set()

    def fire(self, name: str) -> bool:
        """Fires an output once, as a test, for ``driven.seconds_of_test``; waits until that has begun.

        Returns whether it is muted, which stops no test. Raises ``OutputError`` if there is none of this name, or if it
        does not work.
        """
        self._check_open()
        for sink in self.sinks:
            if sink.name == name:
                sink.fire()
                return sink.muted
        output = next((driven for driven in self._driven if driven.name == name), None)
        if output is None:
            known = ", ".join(self.names) or "none"
            raise OutputError(f"maskwatch was started without output '{name}' (with: {known}); restart it")
        self._fire(output)
        return output.muted

    def _fire(self, output: DrivenActuator) -> None:
        before = output.tests
        output.test()
        self._wake.set()
        begun = wait_until(lambda: self._closing or output.tests > before, TEST_LIMIT_S)
        self._check_open()
        if not begun:
            raise OutputError(f"output {output.name} does not answer")
        if output.problem is not None:
            raise OutputError(output.problem)
        if output.refusal is not None:
            raise OutputError(f"output {output.name}: {output.refusal}")

    def _check_open(self) -> None:
        if self._closing:
            raise OutputError("maskwatch ends")

    def rest(self) -> None:
        """Turns everything off, and an interlock into its ``fail`` state, for good. Alerts are still delivered.

        Does not wait for a servo on its way: ``close`` does.
        """
        self._off_by = min(self._off_by, time.monotonic() + REST_LIMIT_S)
        self._closing = True
        self._wake.set()
        self._off.wait(max(0.0, self._off_by - time.monotonic()))

    def close(self, timeout: float = 3.0) -> None:
        """Rests, and ends deliveries within ``timeout`` seconds. What is not delivered by then stays in the outbox."""
        self.rest()
        deadline = time.monotonic() + timeout
        for sink in self.sinks:
            sink.stop(deadline)
        for sink in self.sinks:
            sink.close(deadline)
        self._thread.join(max(0.0, self._off_by - time.monotonic()))

    # Everything below runs in the thread ``outputs``.

    def _run(self) -> None:
        try:
            while not self._closing:
                self._progress_at = running()
                due = self._step(time.monotonic())
                self._wake.wait(max(0.0, min(due - time.monotonic(), self._longest_wait)))
                self._wake.clear()
        finally:  # also if something unforeseen ends this thread: the watchdog then ends the process
            for output in self._driven:
                output.rest()
            self._off.set()
            for output in self._driven:  # a servo takes half a second, and no door waits for it
                output.close()

    def _step(self, now: float) -> float:
        """Sets every actuator as it has to be. Returns when to do that again."""
        presence, zones = self._presence, self._zones
        due = stale_at if (stale_at := _stale_at(presence)) > now else math.inf
        for output in self._driven:
            chosen = [zone for zone in zones if zone.name == output.zone] if output.zone else None
            known = now < stale_at and presence.judging and chosen != []
            fault = None if chosen != [] else f"there is no zone '{output.zone}'; choose one of [detect] zones"
            sight = sight_of(presence.people, chosen, presence.settled) if known else Sight()
            due = min(due, output.step(sight, now, fault))
        return due


def _said(presence: Presence) -> tuple[object, ...]:
    """Returns what the outputs depend on, besides the time."""
    return presence.people, presence.judging, presence.settled


def _stale_at(presence: Presence) -> float:
    """Returns until when it is known who is at the door (monotonic seconds)."""
    return presence.time + max(STALE_S, STALE_INTERVALS * presence.interval)
