"""Counts during the run: who is present, today's sums, frames per second, milliseconds per stage."""

import sys
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import date
from typing import ParamSpec, Protocol, TypeVar

from ..clock import clock_synced
from ..mqtt.messages import State, Stats
from ..people.policy import JUDGED, PersonState
from ..people.tracker import Track
from ..record.counts import Counts
from ..record.today import Today
from .counting import UNCOUNTED, Counting, Tally
from .machine import cpu_temperature, resident_mb, throttled

P = ParamSpec("P")
R = TypeVar("R")
STATE_INTERVAL = 1.0
"""Smallest number of seconds between two states."""
STATS_INTERVAL = 30.0
"""Seconds between two statistics."""
WINDOW = 100
"""Frames over which stage times and frames per second are averaged."""


class Readings(Protocol):
    """What the statistics read of the door that they count for."""

    def person_states(self) -> Mapping[int, PersonState]: ...

    def alerts_waiting(self) -> int: ...

    def frames_dropped(self) -> int: ...


class Statistics:
    """Counts people, frames and alerts, and gives ``State`` and ``Stats`` to ``show``.

    ``show`` is called at most as often as the wire contract allows. ``tally`` receives what is kept beyond this run.
    Everything here runs in the loop's thread.
    """

    def __init__(
        self,
        show: Callable[[State | Stats], None],
        readings: Readings,
        stats_every: float = STATS_INTERVAL,
        tally: Tally = UNCOUNTED,
    ) -> None:
        self.frames = 0
        self.alerts = 0
        self._show = show
        self._readings = readings
        self._stats_every = stats_every
        self._started = self._stats_at = time.monotonic()
        self._state_at = float("-inf")
        self._state: State | None = None
        self._times: dict[str, deque[float]] = {}
        self._ends: deque[float] = deque(maxlen=WINDOW)
        self._day = date.today()
        self._counting = Counting()
        self._tally = tally
        self._today = tally.today()
        self._sums = self._today.message()

    def timed(self, stage: str, work: Callable[P, R]) -> Callable[P, R]:
        """Returns ``work`` with its duration noted under ``stage``."""
        times = self._times.setdefault(stage, deque(maxlen=WINDOW))

        def measured(*args: P.args, **kwargs: P.kwargs) -> R:
            start = time.perf_counter()
            try:
                return work(*args, **kwargs)
            finally:
                times.append(time.perf_counter() - start)

        return measured

    def alert(self) -> None:
        """Counts an alert."""
        self._begin_day()
        self.alerts += 1
        self._add(Counts(alerts=1))
        self._tally.alert()

    def frame_done(self, tracks: Sequence[Track]) -> None:
        """Counts a frame that has passed through the loop; shows the state and the statistics when they are due."""
        now = time.monotonic()
        self.frames += 1
        self._ends.append(now)
        states = self._readings.person_states()
        self._count(tracks, states)
        state = self._present(states)
        if state != self._state and now - self._state_at >= STATE_INTERVAL:
            self._state, self._state_at = state, now
            self._show(state)
        if now - self._stats_at >= self._stats_every:
            self._stats_at = now
            self._show(self.stats())

    def nobody(self) -> None:
        """Shows that nobody is present: at the end, and while the camera sees nothing. The state is retained."""
        self._begin_day()
        self._state, self._state_at = State(today=self._sums), time.monotonic()
        self._show(self._state)

    def tick(self) -> None:
        """Shows the sums of a new day at midnight, also while the camera sees nothing. Call it once per second."""
        if self._begin_day() and self._state is not None:
            self._state = replace(self._state, today=self._sums)
            self._show(self._state)

    def _begin_day(self) -> bool:
        if date.today() == self._day:
            return False
        self._day, self._today = date.today(), Today()
        self._sums = self._today.message()
        return True

    def _add(self, counts: Counts) -> None:
        """Adds counts to those of the day. What was published before does not change."""
        self._today.add(counts, self._tally.detector)
        self._sums = self._today.message()

    def _count(self, tracks: Sequence[Track], states: Mapping[int, PersonState]) -> None:
        self._begin_day()
        for kind in self._counting.update({track.key for track in tracks}, states):
            self._tally.person(kind)
            self._add(Counts(people=1, **{kind: 1}))

    def _present(self, states: Mapping[int, PersonState]) -> State:
        counted = [state for state in states.values() if state in JUDGED]
        masked = counted.count("mask")
        bare = counted.count("no_mask")
        return State("ON" if bare else "OFF", len(counted), masked, bare, self._sums)

    def stats(self) -> Stats:
        """Returns the statistics of this moment."""
        elapsed = self._ends[-1] - self._ends[0] if len(self._ends) > 1 else 0.0
        stages = {name: _mean_ms(times) for name, times in self._times.items()}
        return Stats(
            fps=round((len(self._ends) - 1) / elapsed, 1) if elapsed else 0.0,
            frames=self.frames,
            dropped=self._readings.frames_dropped(),
            detect_ms=stages.get("detect", 0.0),
            classify_ms=stages.get("classify", 0.0),
            latency_ms=round(sum(stages.values()), 2),
            cpu_temp_c=cpu_temperature(),
            throttled=throttled(),
            rss_mb=resident_mb(),
            outbox=self._readings.alerts_waiting(),
            uptime_s=round(time.monotonic() - self._started),
            clock_synced=clock_synced(),
        )

    def summary(self) -> str:
        """Returns one sentence for the log."""
        frames, dropped = counted(self.frames, "frame"), self._readings.frames_dropped()
        return f"ended after {frames} ({dropped} dropped) and {counted(self.alerts, 'alert')}"


class StatsLine:
    """Prints speed and memory on standard error every ``every`` seconds, when it is called."""

    def __init__(self, statistics: Statistics, every: float = 5.0) -> None:
        self._statistics = statistics
        self._every = every
        self._next = time.monotonic() + 1

    def __call__(self) -> None:
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + self._every
            print(stats_line(self._statistics.stats()), file=sys.stderr, flush=True)


def counted(count: int, noun: str) -> str:
    """Returns the count with its noun: "1 alert", "2 alerts"."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def stats_line(stats: Stats) -> str:
    """Returns statistics as one line of text."""
    return "  ".join(f"{name} {value}" for name, value in asdict(stats).items() if value is not None)


def _mean_ms(times: deque[float]) -> float:
    return round(1000 * sum(times) / len(times), 2) if times else 0.0
