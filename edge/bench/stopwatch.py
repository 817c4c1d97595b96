"""Measures the time of each stage per frame: by the wall clock, and the processor time of the calling thread."""

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
    """The time of one stage in one frame: seconds by the wall clock, and seconds of processor time."""

    wall: float = 0.0
    cpu: float = 0.0


@dataclass(slots=True)
class Stopwatch:
    """Measures exclusive times: a stage that runs inside another stage is not counted again in the outer one.

    Must be used in one thread. ``laps`` has, by stage, one lap per frame in which the stage ran.
    """

    laps: dict[str, list[Lap]] = field(default_factory=dict)
    frames: int = 0
    _current: dict[str, Lap] = field(default_factory=dict)
    _nested: list[Lap] = field(default_factory=list)

    def timed(self, stage: str, work: Callable[P, R]) -> Callable[P, R]:
        """Returns ``work`` as a function whose time is added to ``stage``."""
        self.laps.setdefault(stage, [])

        def measured(*args: P.args, **kwargs: P.kwargs) -> R:
            self._nested.append(Lap())
            wall, cpu = time.perf_counter(), time.thread_time()
            try:
                return work(*args, **kwargs)
            finally:
                self._add(stage, time.perf_counter() - wall, time.thread_time() - cpu)

        return measured

    def _add(self, stage: str, wall: float, cpu: float) -> None:
        nested = self._nested.pop()
        lap = self._current.setdefault(stage, Lap())
        lap.wall += wall - nested.wall
        lap.cpu += cpu - nested.cpu
        if self._nested:
            self._nested[-1].wall += wall
            self._nested[-1].cpu += cpu

    def end_frame(self) -> None:
        """Ends a frame: its times become laps."""
        self.frames += 1
        for stage, lap in self._current.items():
            self.laps[stage].append(lap)
        self._current = {}

    def stage_figures(self, stage: str) -> dict[str, float]:
        """Returns in how many frames the stage ran, its mean over all frames, and percentiles of its laps."""
        laps = self.laps.get(stage, [])
        figures = {
            "ran": len(laps),
            "ms_a_picture": 1000 * sum(lap.wall for lap in laps) / max(1, self.frames),
            "cpu_ms_a_picture": 1000 * sum(lap.cpu for lap in laps) / max(1, self.frames),
        }
        return figures | percentiles([lap.wall for lap in laps])

    def cpu_per_frame(self, *excluded: str) -> float:
        """Returns the mean processor seconds per frame of all stages but the excluded ones."""
        laps = (lap for stage, laps in self.laps.items() if stage not in excluded for lap in laps)
        return sum(lap.cpu for lap in laps) / max(1, self.frames)


def percentiles(seconds: list[float]) -> dict[str, float]:
    """Returns ``p50_ms``, ``p95_ms`` and ``p99_ms``; all 0 for an empty list."""
    values = np.percentile(seconds, PERCENTILES) if seconds else [0.0] * len(PERCENTILES)
    return {f"p{share}_ms": 1000 * float(value) for share, value in zip(PERCENTILES, values, strict=True)}
