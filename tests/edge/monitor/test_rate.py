"""edge.monitor.rate: a camera or machine that is too slow to judge anybody is a problem, until it is fast enough."""

import time
from collections.abc import Iterable, Sequence
from contextlib import closing

import numpy as np
import pytest
from support.cameras import NetworkCamera

from edge.camera.frames import Frame, Image
from edge.camera.source import open_source
from edge.config.schema import DecideConfig
from edge.faces.detector import Region
from edge.faces.geometry import Box
from edge.monitor import loop
from edge.monitor.rate import MIN_MEASURED, RateWatch
from edge.monitor.scene import Scene
from edge.people.policy import Alert, Policy, longest_look
from edge.people.tracker import Tracker

PICTURE = np.zeros((48, 64, 3), np.uint8)


def watched(times: Iterable[float], *, step: int = 1, watch: RateWatch | None = None) -> RateWatch:
    """Gives frames at these times, each searched; the camera gave ``step`` frames for each of them."""
    watch = watch or RateWatch("door")
    for number, now in enumerate(times):
        watch.update(Frame(PICTURE, None, now, number * step), True)
    return watch


def steady(interval: float, count: int = 12, start: float = 0.0) -> list[float]:
    return [start + number * interval for number in range(count)]


def test_a_camera_that_is_too_slow_is_named_with_its_rate_and_a_remedy() -> None:
    problem = watched(steady(2.0)).problem
    assert problem == (
        "door gives 0.50 frames per second, too few to judge anybody: at least 1 is needed; raise the frame rate in "
        "the camera's settings and [source] fps"
    )


def test_a_machine_that_is_too_slow_is_told_from_a_slow_camera() -> None:
    problem = watched(steady(2.0), step=30).problem
    assert problem is not None and problem.startswith("this machine searches 0.50 frames per second")
    assert "[source] width and height" in problem


def test_frames_taken_between_two_searches_do_not_hide_a_slow_machine() -> None:
    watch, now = RateWatch("door"), 0.0
    for number in range(200):
        searched = number % 20 == 0
        watch.update(Frame(PICTURE, None, now, number * 10), searched)
        now += 3.0 if searched else 0.07
    assert watch.problem is not None and watch.problem.startswith("this machine")


@pytest.mark.parametrize("interval", [1 / 15, 0.2, 0.5, 1.0, 1.1])
def test_what_is_fast_enough_is_no_problem(interval: float) -> None:
    assert watched(steady(interval)).problem is None


def test_nothing_is_said_before_enough_is_measured() -> None:
    assert watched(steady(5.0, MIN_MEASURED)).problem is None
    assert watched(steady(5.0, MIN_MEASURED + 1)).problem is not None


@pytest.mark.parametrize("interval", [1 / 15, 0.5, 1.0])
def test_one_long_pause_is_no_problem(interval: float) -> None:
    before = steady(interval, 20)
    assert watched([*before, *steady(interval, 20, before[-1] + 7.9)]).problem is None


@pytest.mark.parametrize("count", [2, 3, 20])
def test_a_camera_that_sends_its_frames_in_bursts(count: int) -> None:
    problem = watched(piece * 4.0 + number * 0.004 for piece in range(8) for number in range(count)).problem
    assert problem is not None and problem.startswith("door gives 0.25 frames")


def test_the_problem_stays_the_same_and_ends_with_hysteresis() -> None:
    watch = watched(steady(2.0))
    first, last = watch.problem, 22.0
    watched(steady(1.7, 12, last + 1.7), watch=watch)
    assert watch.problem == first, "one sentence, however the rate varies"
    watched(steady(1.15, 12, 100), watch=watch)
    assert watch.problem == first, "hardly better"
    watched(steady(1.0, 12, 200), watch=watch)
    assert watch.problem is None
    watched(steady(1.2, 12, 300), watch=watch)
    assert watch.problem is None, "hardly worse"


def test_a_configured_window_that_is_long_enough_is_respected() -> None:
    longest = longest_look(DecideConfig(window=9.0))
    assert longest == 3.0
    watch = RateWatch("door", longest)
    assert watched(steady(2.9), watch=watch).problem is None
    problem = watched(steady(4.0, 12, 100), watch=RateWatch("door", longest)).problem
    assert problem is not None and "at least 0.42 is needed" in problem
    assert longest_look(DecideConfig()) == longest_look(DecideConfig(frames=1)) == 1.25
    assert longest_look(DecideConfig(frames=1, seconds=0)) == float("inf")


def test_after_a_reset_it_is_measured_anew() -> None:
    watch = watched(steady(2.0))
    watch.reset()
    assert watch.problem is None
    assert watched(steady(2.0, MIN_MEASURED, 100), watch=watch).problem is None


class Observed:
    """Watches the rate of a loop over a real camera, whose detector needs ``search_s`` for each frame."""

    def __init__(self, camera: NetworkCamera, search_s: float) -> None:
        self.problem: str | None = None
        self._search_s = search_s
        with closing(open_source(camera.url)) as self._source:
            self._rate = RateWatch(self._source.name)
            self._until = time.monotonic() + 60
            whole = Region(Box(0, 0, 160, 120), 48, 160)
            stages = loop.Stages(lambda *_: [whole], self._detect, lambda *_: [])
            loop.run(self._source, stages, Tracker(forget=3.0), Policy(DecideConfig()), self)

    def _detect(self, image: Image, luma: Image | None, regions: Sequence[Region]) -> list[Box]:
        time.sleep(self._search_s)
        return []

    def alert(self, alert: Alert, scene: Scene) -> None: ...

    def frame_done(self, scene: Scene) -> None:
        self._rate.update(scene.frame, True)
        self.problem = self._rate.problem
        if self.problem or time.monotonic() > self._until:
            self._source.stop()


def test_a_real_camera_on_a_machine_that_searches_slowly() -> None:
    """A slow camera is in tests/end_to_end/test_low_rates.py."""
    camera = NetworkCamera(interval=0.05)
    try:
        problem = Observed(camera, search_s=1.5).problem
    finally:
        camera.close()
    assert problem is not None and problem.startswith("this machine searches 0.")
