"""One stage alone, again and again on what it was given while a clip was watched, under Python's profiler."""

import cProfile
import io
import pstats
from collections.abc import Callable, Iterator
from typing import Any

from ..camera.frames import Frame
from ..config.schema import Config
from ..faces.opening import open_classifier, open_detector
from ..monitor import loop
from ..monitor.scene import Unobserved
from ..people.planner import open_planner
from ..people.policy import Policy
from ..people.tracker import Tracker
from .stopwatch import Stopwatch

STAGES = ("motion", "detect", "classify", "track")
KEPT = 300
"""Calls whose arguments are kept, at most: pictures are large."""
REPEAT = 3


def alone(stage: str, frames: Iterator[Frame], config: Config) -> tuple[dict[str, float], str]:
    """The stage's figures, and the lines of the profile that cost most. ``stage`` is one of ``STAGES``."""
    calls = recorded(stage, frames, config)
    work, watch = _works(config)[stage], Stopwatch()
    timed, profile = watch.timed(stage, work), cProfile.Profile()
    for _ in range(REPEAT):
        for args in calls:
            timed(*args)
            watch.lap()
    profile.enable()
    for args in calls:
        work(*args)
    profile.disable()
    text = io.StringIO()
    pstats.Stats(profile, stream=text).strip_dirs().sort_stats("tottime").print_stats(12)
    return watch.stage(stage), text.getvalue().strip()


def recorded(stage: str, frames: Iterator[Frame], config: Config) -> list[tuple[Any, ...]]:
    """What the stage is called with while the loop watches."""
    calls: list[tuple[Any, ...]] = []

    def noting(name: str, work: Callable[..., Any]) -> Callable[..., Any]:
        def noted(*args: Any) -> Any:
            if name == stage and len(calls) < KEPT:
                calls.append(args)
            return work(*args)

        return noted

    works = _works(config)
    tracker = Noting(noting("track", works["track"]))
    plan, detect, classify = (noting(name, works[name]) for name in ("motion", "detect", "classify"))
    loop.run(frames, loop.Stages(plan, detect, classify), tracker, Policy(config.decide), Unobserved())
    return calls


class Noting(Tracker):
    """A tracker whose work another does."""

    def __init__(self, update: Callable[..., Any]) -> None:
        super().__init__()
        self._do = update

    def update(self, faces: Any, now: float) -> Any:
        return self._do(faces, now)


def _works(config: Config) -> dict[str, Callable[..., Any]]:
    """Each stage's work, fresh."""
    return {
        "motion": open_planner(config.detect, config.decide).plan,
        "detect": open_detector(config.detect).detect,
        "classify": open_classifier(config).classify,
        "track": Tracker(forget=config.track.forget).update,
    }
