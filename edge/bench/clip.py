"""The loop over a clip, every stage timed, and rivals on the same pictures."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..camera.frames import Frame, Image
from ..camera.source import open_source
from ..config.schema import Config, DecideConfig
from ..faces.classifier import MaskClassifier
from ..faces.face import Face
from ..faces.geometry import Box
from ..faces.opening import model_path, open_detector
from ..faces.tflite import TfliteNetwork
from ..monitor import loop
from ..monitor.scene import Scene
from ..monitor.stats import Statistics
from ..people.planner import open_planner
from ..people.policy import Alert, PersonState, Policy
from ..people.tracker import Track, Tracker
from .rivals import Judged, Rival
from .stopwatch import Stopwatch

STAGES = ("capture", "motion", "detect", "crop", "classify", "track", "report")
EMPTY = "empty"
"""Name of the source that is the bundled clip's doorway before anybody comes, with a sensor's noise."""
EMPTY_FPS, NOISE = 30.0, 2.0
"""Pictures a second of it, and standard deviation of its noise in levels."""
Progress = Callable[[str, int], None]


class TimedNetwork:
    """A network whose part of ``MaskClassifier`` is timed apart from the crops."""

    def __init__(self, network: TfliteNetwork, watch: Stopwatch) -> None:
        self.card = network.card
        self._ask = watch.timed("classify", network.probabilities)

    def probabilities(self, batch: Image) -> NDArray[np.float32]:
        return self._ask(batch)


@dataclass(slots=True)
class Watched:
    """What watching one clip cost. ``process_cpu`` is the seconds of all threads, ``watch`` knows its own thread's;
    ``rivals`` has, by name, their times and alerts (None: it makes none)."""

    source: str
    size: tuple[int, int]
    watch: Stopwatch
    searched: int
    alerts: list[Alert]
    process_cpu: float
    rivals: dict[str, tuple[Stopwatch, list[Alert] | None]] = field(default_factory=dict)

    def figures(self) -> dict[str, Any]:
        """For JSON."""
        cpu = self.watch.cpu("capture")
        found: dict[str, Any] = {
            "source": self.source,
            "size": list(self.size),
            "pictures": self.watch.pictures,
            "searched": self.searched,
            "cpu_ms_a_picture": 1000 * cpu,
            "with_capture_cpu_ms_a_picture": 1000 * self.watch.cpu(),
            "pictures_a_second": self.watch.pictures / max(1e-9, self._wall()),
            "alerts": len(self.alerts),
            "first_sight_to_alert_s": [alert.seen_s for alert in self.alerts],
            "stages": {stage: self.watch.stage(stage) for stage in STAGES if stage in self.watch.laps},
        }
        if not self.rivals:  # they use the same process
            found["process_cpu_ms_a_picture"] = 1000 * self.process_cpu / max(1, self.watch.pictures)
        for name, (watch, alerts) in self.rivals.items():
            found.setdefault("rivals", {})[name] = watch.stage(name) | {
                "ratio": watch.cpu() / cpu if cpu else 0.0,
                "alerts": None if alerts is None else len(alerts),
            }
        return found

    def _wall(self) -> float:
        return sum(lap.wall for laps in self.watch.laps.values() for lap in laps)


def pictures(spec: str, config: Config, limit: int) -> Iterator[Frame]:
    """The frames of a source, at most ``limit`` (0: all of it)."""
    if spec == EMPTY:
        yield from empty(limit or 900)
        return
    with closing(open_source(spec, config.source)) as source:
        for frame in source:
            if limit and frame.number >= limit:
                return
            yield frame


def empty(count: int) -> Iterator[Frame]:
    """A doorway in which nothing moves but the sensor's noise."""
    with closing(open_source("demo")) as source:
        first = next(iter(source)).image.astype(np.int16)
    noise = np.random.default_rng(0).normal(0, NOISE, (16, *first.shape)).round().astype(np.int16)
    noisy = [np.clip(first + grain, 0, 255).astype(np.uint8) for grain in noise]
    for number in range(count):
        yield Frame(noisy[number * 7 % 16], None, number / EMPTY_FPS, number)


def watch(
    name: str,
    frames: Iterator[Frame],
    config: Config,
    rivals: Sequence[Rival] = (),
    progress: Progress = lambda *_: None,
) -> Watched:
    """Plays frames through the loop and measures. Raises what opening its parts raises."""
    return Meter(name, config, rivals, progress).watch(frames)


class Meter:
    """Measures the loop over one clip: it times the stages, observes the loop, and answers the statistics."""

    def __init__(self, name: str, config: Config, rivals: Sequence[Rival], progress: Progress) -> None:
        self._config = config
        self._progress = progress
        self._stopwatch = Stopwatch()
        self._policy = TimedPolicy(config.decide, self._stopwatch)
        network = TimedNetwork(TfliteNetwork(model_path(config), threads=config.classify.threads), self._stopwatch)
        self._crop = self._stopwatch.timed("crop", MaskClassifier(network, reject=config.classify.reject).classify)
        self._report = self._stopwatch.timed("report", Statistics(lambda message: None, self).frame_done)
        self._judged = {rival.name: (Judged(rival, config), Stopwatch()) for rival in rivals}
        self._see = {name: watch.timed(name, judged.rival.see) for name, (judged, watch) in self._judged.items()}
        self._watched = Watched(name, (0, 0), self._stopwatch, 0, [], 0.0)

    def watch(self, frames: Iterator[Frame]) -> Watched:
        """Plays the frames; returns what they cost. The rivals see each frame after the loop is done with it."""
        timed, config = self._stopwatch.timed, self._config
        detector, planner = open_detector(config.detect), open_planner(config.detect, config.decide)
        stages = loop.Stages(timed("motion", planner.plan), timed("detect", detector.detect), self._classify)
        started = time.process_time()
        tracker = TimedTracker(config.track.forget, self._stopwatch)
        loop.run(taken(frames, self._stopwatch), stages, tracker, self._policy, self)
        self._watched.process_cpu = time.process_time() - started
        self._watched.rivals = {
            name: (stopwatch, judged.alerts if judged.rival.judges else None)
            for name, (judged, stopwatch) in self._judged.items()
        }
        return self._watched

    def _classify(self, image: Image, boxes: Sequence[Box]) -> list[Face]:
        self._watched.searched += 1
        return self._crop(image, boxes)

    def alert(self, alert: Alert, scene: Scene) -> None:
        """Keeps an alert (observer of the loop)."""
        self._watched.alerts.append(alert)

    def frame_done(self, scene: Scene) -> None:
        """Ends the frame's lap, then shows the frame to the rivals (observer of the loop)."""
        image = scene.frame.image
        self._report(scene.tracks)
        self._watched.size = (image.shape[1], image.shape[0])
        self._stopwatch.lap()
        for name, (judged, stopwatch) in self._judged.items():
            judged.see(self._see[name], image, scene.frame.time)
            stopwatch.lap()
        self._progress(self._watched.source, self._stopwatch.pictures)

    def person_states(self) -> dict[int, PersonState]:
        """For the statistics."""
        return self._policy.states

    def alerts_waiting(self) -> int:
        """For the statistics: nothing waits here."""
        return 0

    def frames_dropped(self) -> int:
        """For the statistics: a clip drops no frames."""
        return 0


class TimedTracker(Tracker):
    """A tracker with its time noted."""

    def __init__(self, forget: float, watch: Stopwatch) -> None:
        super().__init__(forget=forget)
        self._timed = watch.timed("track", super().update)

    def update(self, faces: Sequence[Face], now: float) -> list[Track]:
        return self._timed(faces, now)


class TimedPolicy(Policy):
    """A policy with its time noted."""

    def __init__(self, rules: DecideConfig, watch: Stopwatch) -> None:
        super().__init__(rules)
        self._timed = watch.timed("track", super().update)

    def update(self, tracks: Sequence[Track], now: float) -> list[Alert]:
        return self._timed(tracks, now)


def taken(frames: Iterator[Frame], watch: Stopwatch) -> Iterator[Frame]:
    """The frames, the time that each took noted under ``capture``."""
    take = watch.timed("capture", lambda: next(frames, None))
    while (frame := take()) is not None:
        yield frame
