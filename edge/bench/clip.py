"""Runs the loop over a clip and measures every stage, and rivals on the same frames."""

import time
from collections.abc import Iterator, Sequence
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
from .choices import EMPTY
from .progress import Progress, no_progress
from .rivals import Rival, RivalDoor
from .stopwatch import Stopwatch

TIMED_STAGES = ("capture", "motion", "detect", "crop", "classify", "track", "report")
EMPTY_FPS = 30.0
EMPTY_FRAMES = 900
EMPTY_NOISE = 2.0
"""Standard deviation of the noise of the empty doorway, in levels of 0..255."""
NOISE_IMAGES = 16


@dataclass(slots=True)
class ClipFigures:
    """What one clip cost.

    ``process_cpu`` is the processor time of all threads in seconds; ``stopwatch`` knows only its own thread's.
    ``rivals`` has the stopwatch and the alerts of each rival by name (None: the rival does not classify).
    """

    source: str
    size: tuple[int, int]
    stopwatch: Stopwatch
    searched: int
    alerts: list[Alert]
    process_cpu: float
    rivals: dict[str, tuple[Stopwatch, list[Alert] | None]] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Returns the figures as they are written to JSON."""
        stopwatch = self.stopwatch
        cpu = stopwatch.cpu_per_frame("capture")
        figures: dict[str, Any] = {
            "source": self.source,
            "size": list(self.size),
            "pictures": stopwatch.frames,
            "searched": self.searched,
            "cpu_ms_a_picture": 1000 * cpu,
            "with_capture_cpu_ms_a_picture": 1000 * stopwatch.cpu_per_frame(),
            "pictures_a_second": stopwatch.frames / max(1e-9, self._wall()),
            "alerts": len(self.alerts),
            "first_sight_to_alert_s": [alert.seen_s for alert in self.alerts],
            "stages": {stage: stopwatch.stage_figures(stage) for stage in TIMED_STAGES if stage in stopwatch.laps},
        }
        if not self.rivals:  # rivals use processor time of the same process
            figures["process_cpu_ms_a_picture"] = 1000 * self.process_cpu / max(1, stopwatch.frames)
        for name, (rival_stopwatch, alerts) in self.rivals.items():
            figures.setdefault("rivals", {})[name] = rival_stopwatch.stage_figures(name) | {
                "ratio": rival_stopwatch.cpu_per_frame() / cpu if cpu else 0.0,
                "alerts": None if alerts is None else len(alerts),
            }
        return figures

    def _wall(self) -> float:
        return sum(lap.wall for laps in self.stopwatch.laps.values() for lap in laps)


def source_frames(spec: str, config: Config, limit: int) -> Iterator[Frame]:
    """Yields the frames of a source, at most ``limit`` (0: all of them)."""
    if spec == EMPTY:
        yield from empty_doorway(limit or EMPTY_FRAMES)
        return
    with closing(open_source(spec, config.source)) as source:
        for frame in source:
            if limit and frame.number >= limit:
                return
            yield frame


def empty_doorway(count: int) -> Iterator[Frame]:
    """Yields frames of a doorway in which only the sensor's noise changes."""
    with closing(open_source("demo")) as source:
        first = next(iter(source)).image.astype(np.int16)
    rng = np.random.default_rng(0)
    noise = rng.normal(0, EMPTY_NOISE, (NOISE_IMAGES, *first.shape)).round().astype(np.int16)
    images = [np.clip(first + levels, 0, 255).astype(np.uint8) for levels in noise]
    for number in range(count):
        yield Frame(images[number * 7 % NOISE_IMAGES], None, number / EMPTY_FPS, number)


def measure_clip(
    name: str,
    frames: Iterator[Frame],
    config: Config,
    rivals: Sequence[Rival] = (),
    progress: Progress = no_progress,
) -> ClipFigures:
    """Runs the loop over the frames and measures it. Raises what opening its parts raises."""
    return ClipMeter(name, config, rivals, progress).run(frames)


class ClipMeter:
    """Measures the loop over one clip; it is the loop's observer, and what the statistics read."""

    def __init__(self, name: str, config: Config, rivals: Sequence[Rival], progress: Progress) -> None:
        self._config = config
        self._progress = progress
        self._stopwatch = Stopwatch()
        self._policy = TimedPolicy(config.decide, self._stopwatch)
        network = TimedNetwork(TfliteNetwork(model_path(config), threads=config.classify.threads), self._stopwatch)
        classifier = MaskClassifier(network, reject=config.classify.reject)
        self._timed_classify = self._stopwatch.timed("crop", classifier.classify)
        self._report = self._stopwatch.timed("report", Statistics(lambda message: None, self).frame_done)
        self._rivals = {rival.name: (RivalDoor(rival, config), Stopwatch()) for rival in rivals}
        self._timed_rivals = {
            name: stopwatch.timed(name, door.rival.process) for name, (door, stopwatch) in self._rivals.items()
        }
        self._figures = ClipFigures(name, (0, 0), self._stopwatch, 0, [], 0.0)

    def run(self, frames: Iterator[Frame]) -> ClipFigures:
        """Runs the loop over the frames; a rival processes each frame after the loop has finished with it."""
        timed, config = self._stopwatch.timed, self._config
        detector, planner = open_detector(config.detect), open_planner(config.detect, config.decide)
        stages = loop.Stages(timed("motion", planner.plan), timed("detect", detector.detect), self._classify)
        started = time.process_time()
        tracker = TimedTracker(config.track.forget, self._stopwatch)
        loop.run(timed_frames(frames, self._stopwatch), stages, tracker, self._policy, self)
        self._figures.process_cpu = time.process_time() - started
        self._figures.rivals = {
            name: (stopwatch, door.alerts if door.rival.classifies else None)
            for name, (door, stopwatch) in self._rivals.items()
        }
        return self._figures

    def _classify(self, image: Image, boxes: Sequence[Box]) -> list[Face]:
        self._figures.searched += 1
        return self._timed_classify(image, boxes)

    def alert(self, alert: Alert, scene: Scene) -> None:
        """Keeps an alert (observer of the loop)."""
        self._figures.alerts.append(alert)

    def frame_done(self, scene: Scene) -> None:
        """Ends the frame's lap, then passes the frame to the rivals (observer of the loop)."""
        image = scene.frame.image
        self._report(scene.tracks)
        self._figures.size = (image.shape[1], image.shape[0])
        self._stopwatch.end_frame()
        for name, (door, stopwatch) in self._rivals.items():
            door.process(self._timed_rivals[name], image, scene.frame.time)
            stopwatch.end_frame()
        self._progress(self._figures.source, self._stopwatch.frames)

    def person_states(self) -> dict[int, PersonState]:
        """Returns what each present person counts as, for the statistics."""
        return self._policy.states

    def alerts_waiting(self) -> int:
        """Returns 0 for the statistics: no alert is sent."""
        return 0

    def frames_dropped(self) -> int:
        """Returns 0 for the statistics: a clip drops no frames."""
        return 0


class TimedNetwork:
    """Wraps a network, so that its time is measured apart from the crops that ``MaskClassifier`` makes."""

    def __init__(self, network: TfliteNetwork, stopwatch: Stopwatch) -> None:
        self.card = network.card
        self._timed_probabilities = stopwatch.timed("classify", network.probabilities)

    def probabilities(self, batch: Image) -> NDArray[np.float32]:
        return self._timed_probabilities(batch)


class TimedTracker(Tracker):
    """A tracker whose time is measured under ``track``."""

    def __init__(self, forget: float, stopwatch: Stopwatch) -> None:
        super().__init__(forget=forget)
        self._timed_update = stopwatch.timed("track", super().update)

    def update(self, faces: Sequence[Face], now: float, interval: float = 0.0) -> list[Track]:
        return self._timed_update(faces, now, interval)


class TimedPolicy(Policy):
    """A policy whose time is measured under ``track``."""

    def __init__(self, rules: DecideConfig, stopwatch: Stopwatch) -> None:
        super().__init__(rules)
        self._timed_update = stopwatch.timed("track", super().update)

    def update(self, tracks: Sequence[Track], now: float, interval: float = 0.0) -> list[Alert]:
        return self._timed_update(tracks, now, interval)


def timed_frames(frames: Iterator[Frame], stopwatch: Stopwatch) -> Iterator[Frame]:
    """Yields the frames; the time to get each is measured under ``capture``."""
    next_frame = stopwatch.timed("capture", lambda: next(frames, None))
    while (frame := next_frame()) is not None:
        yield frame
