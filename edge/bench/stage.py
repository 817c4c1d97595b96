"""Profiles one stage alone: repeats the calls that it gets while a clip is watched, under Python's profiler."""

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

MAX_CALLS = 300
"""Calls whose arguments are kept; frames take much memory."""
REPETITIONS = 3
PROFILE_LINES = 12


def profile_stage(stage: str, frames: Iterator[Frame], config: Config) -> tuple[dict[str, float], str]:
    """Returns the stage's figures and the most expensive lines of the profile. ``stage`` is one of ``STAGES``."""
    calls = record_calls(stage, frames, config)
    work = _open_stages(config)[stage]
    stopwatch = Stopwatch()
    timed = stopwatch.timed(stage, work)
    for _ in range(REPETITIONS):
        for args in calls:
            timed(*args)
            stopwatch.end_frame()
    profile = cProfile.Profile()
    profile.enable()
    for args in calls:
        work(*args)
    profile.disable()
    text = io.StringIO()
    pstats.Stats(profile, stream=text).strip_dirs().sort_stats("tottime").print_stats(PROFILE_LINES)
    return stopwatch.stage_figures(stage), text.getvalue().strip()


def record_calls(stage: str, frames: Iterator[Frame], config: Config) -> list[tuple[Any, ...]]:
    """Runs the loop over the frames; returns the arguments with which it calls the stage."""
    calls: list[tuple[Any, ...]] = []

    def recording(name: str, work: Callable[..., Any]) -> Callable[..., Any]:
        def recorded(*args: Any) -> Any:
            if name == stage and len(calls) < MAX_CALLS:
                calls.append(args)
            return work(*args)

        return recorded

    stages = {name: recording(name, work) for name, work in _open_stages(config).items()}
    tracker = ReplacedTracker(stages["track"])
    loop_stages = loop.Stages(stages["motion"], stages["detect"], stages["classify"])
    loop.run(frames, loop_stages, tracker, Policy(config.decide), Unobserved())
    return calls


class ReplacedTracker(Tracker):
    """A tracker whose ``update`` is another function."""

    def __init__(self, update: Callable[..., Any]) -> None:
        super().__init__(forget=0.0)  # not used, because update is replaced
        self._update_function = update

    def update(self, faces: Any, now: float, interval: float = 0.0) -> Any:
        return self._update_function(faces, now, interval)


def _open_stages(config: Config) -> dict[str, Callable[..., Any]]:
    """Opens every stage that can be profiled; the keys are ``STAGES``."""
    return {
        "motion": open_planner(config.detect, config.decide).plan,
        "detect": open_detector(config.detect).detect,
        "classify": open_classifier(config).classify,
        "track": Tracker(forget=config.track.forget).update,
    }
