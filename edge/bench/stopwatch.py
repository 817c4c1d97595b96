"""Time by stage: wall clock and this thread's processor time, of each picture."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ParamSpec, TypeVar

import numpy as np

P = ParamSpec("P")
R = TypeVar("R")

PERCENTILES = (50, 95, 99)


@dataclass(slots=True)
class Lap:
    """One stage of one picture: seconds by the clock, and of this thread's processor time."""

    wall: float = 0.0
    cpu: float = 0.0


@dataclass(slots=True)
class Stopwatch:
    """Exclusive times: what a stage calls under another name counts there and not twice."""

    laps: dict[str, list[Lap]] = field(default_factory=dict)
    pictures: int = 0
    _now: dict[str, Lap] = field(default_factory=dict)
    _inner: list[Lap] = field(default_factory=list)

    def timed(self, stage: str, work: Callable[P, R]) -> Callable[P, R]:
        """``work``, its time noted under ``stage``."""
        self.laps.setdefault(stage, [])

        def measured(*args: P.args, **kwargs: P.kwargs) -> R:
            self._inner.append(Lap())
            wall, cpu = time.perf_counter(), time.thread_time()
            try:
                return work(*args, **kwargs)
            finally:
                wall, cpu = time.perf_counter() - wall, time.thread_time() - cpu
                inside = self._inner.pop()
                lap = self._now.setdefault(stage, Lap())
                lap.wall += wall - inside.wall
                lap.cpu += cpu - inside.cpu
                if self._inner:
                    self._inner[-1].wall += wall
                    self._inner[-1].cpu += cpu

        return measured

    def lap(self) -> None:
        """Ends a picture."""
        self.pictures += 1
        for stage, lap in self._now.items():
            self.laps[stage].append(lap)
        self._now = {}

    def stage(self, name: str) -> dict[str, float]:
        """In how many pictures it ran, its share of every picture, and the percentiles of those in which it ran."""
        laps = self.laps.get(name, [])
        figures = {
            "ran": len(laps),
            "ms_a_picture": 1000 * sum(lap.wall for lap in laps) / max(1, self.pictures),
            "cpu_ms_a_picture": 1000 * sum(lap.cpu for lap in laps) / max(1, self.pictures),
        }
        return figures | percentiles([lap.wall for lap in laps])

    def cpu(self, *without: str) -> float:
        """Processor seconds a picture, of all stages but those."""
        laps = (lap for name, laps in self.laps.items() if name not in without for lap in laps)
        return sum(lap.cpu for lap in laps) / max(1, self.pictures)


def percentiles(seconds: list[float]) -> dict[str, float]:
    """``p50_ms`` and so on; 0 where there is nothing."""
    found = np.percentile(seconds, PERCENTILES) if seconds else [0.0] * len(PERCENTILES)
    return {f"p{share}_ms": 1000 * float(value) for share, value in zip(PERCENTILES, found, strict=True)}
