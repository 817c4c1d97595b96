"""The loop over a clip, every stage timed, and rivals on the same pictures."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ..camera.frames import Frame, Image
from ..camera.source import open_source
from ..config.schema import Config, DecideConfig
from ..faces.classifier import MaskClassifier
from ..faces.face import Face
from ..faces.opening import model_path, open_detector
from ..faces.tflite import TfliteNetwork
from ..monitor import loop
from ..monitor.stats import Statistics
from ..people.planner import open_planner
from ..people.policy import Alert, Policy
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
    """Plays pictures through the loop. Raises what opening its parts raises."""
    own = Stopwatch()
    detector, planner = open_detector(config.detect), open_planner(config.detect, config.decide)
    network = TfliteNetwork(model_path(config), threads=config.classify.threads)
    classifier = MaskClassifier(TimedNetwork(network, own), reject=config.classify.reject)
    policy = TimedPolicy(config.decide, own)
    report = Statistics(lambda message: None, lambda: policy.states, lambda: 0, lambda: 0)
    others = {rival.name: (Judged(rival, config), Stopwatch()) for rival in rivals}
    see = {rival: stopwatch.timed(rival, each.rival.see) for rival, (each, stopwatch) in others.items()}
    found = Watched(name, (0, 0), own, 0, [], 0.0)

    def heartbeat(frame: Frame, tracks: Sequence[Track]) -> None:
        own_report(frame, tracks)
        found.size = (frame.image.shape[1], frame.image.shape[0])
        own.lap()
        for rival, (judged, stopwatch) in others.items():
            judged.see(see[rival], frame.image, frame.time)
            stopwatch.lap()
        progress(name, own.pictures)

    def classify(image: Image, boxes: Sequence[Any]) -> list[Face]:
        found.searched += 1
        return crop(image, boxes)

    own_report, crop = own.timed("report", report.heartbeat), own.timed("crop", classifier.classify)
    cv2.setNumThreads(config.detect.threads)
    started = time.process_time()
    loop.run(
        taken(frames, own),
        own.timed("motion", planner.plan),
        own.timed("detect", detector.detect),
        classify,
        TimedTracker(config.track.forget, own),
        policy,
        lambda alert, frame: found.alerts.append(alert),
        heartbeat,
    )
    found.process_cpu = time.process_time() - started
    found.rivals = {
        rival: (stopwatch, judged.alerts if judged.rival.judges else None)
        for rival, (judged, stopwatch) in others.items()
    }
    return found


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
