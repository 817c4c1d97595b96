"""Handles one watched door: each frame and each alert."""

import logging
import os
import secrets
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING

from ..camera.frames import Condition
from ..camera.source import Source
from ..clock import clock_synced
from ..config.schema import Config
from ..faces.classifier import MaskClassifier
from ..faces.detector import Detector
from ..faces.face import Face
from ..faces.geometry import Box
from ..faces.opening import open_hider
from ..mqtt.messages import AlertMessage, Health, utc_now, uuid7
from ..people.policy import Alert, PersonState, Policy, longest_look
from ..people.tracker import Tracker
from ..record.recorder import Recorder
from ..web.bus import Bus, Camera
from .health import HealthMonitor
from .loop import Stages
from .outlet import Outlet
from .pipeline import Pipeline
from .rate import RateWatch
from .scene import Scene
from .snapshots import Snapshots
from .stats import Statistics

if TYPE_CHECKING:  # nothing of it is loaded unless an output is configured
    from .answering import Answering

log = logging.getLogger("maskwatch")

RUN = secrets.token_hex(4)
"""Random per process, so that the name of a track tells nothing beyond one run."""


class Door:
    """The parts of one door, and the observer of its loop.

    Everything here runs in the loop's thread, except ``pipeline.change`` and ``show_pause`` (any thread). ``progress``
    is called after every frame. Raises ``ModelError`` like ``open_detector``, unless a ``detector`` is given.
    """

    def __init__(
        self,
        config: Config,
        source: Source,
        classifier: MaskClassifier,
        outlet: Outlet,
        health: HealthMonitor,
        record: Recorder,
        *,
        bus: Bus | None = None,
        detector: Detector | None = None,
        answering: "Answering | None" = None,
    ) -> None:
        self.config = config
        self.source = source
        self.outlet = outlet
        self.health = health
        self.record = record
        self.answering = answering
        self.model = classifier.card.id
        self.progress: Callable[[], None] = lambda: None
        self.policy = Policy(config.decide)
        self.tracker = Tracker(forget=config.track.forget)
        self.statistics = Statistics(outlet.publisher.show, self, tally=record)
        self.pipeline = Pipeline(
            config.detect,
            config.decide,
            classifier,
            detector,
            watching=self.watching,
            viewed=lambda: bus is not None and bus.has_viewers,
            judge_by=self.policy.change,
        )
        self._rate = RateWatch(source.name, longest_look(config.decide))
        self._searches = 0
        self._bus = bus
        hide = open_hider(config).hide if config.snapshots.mode == "blurred" else None
        report = partial(health.report, "snapshots")
        self._snapshots = Snapshots(config.snapshots, outlet.files.snapshots, config.device.name, hide, report)

    @property
    def stages(self) -> Stages:
        """Returns the pipeline's stages; the statistics note their durations."""
        timed = self.statistics.timed
        return Stages(
            self.pipeline.plan,
            timed("detect", self.pipeline.detect),
            timed("classify", self.pipeline.classify),
        )

    def watching(self) -> bool:
        """Returns whether frames count: watching is not paused, and the camera sees something."""
        return self.outlet.publisher.enabled and self.source.condition == "ok"

    def show_pause(self) -> None:
        """Shows on the page whether watching is paused. For any thread."""
        if self._bus:
            self._bus.show_pause(not self.outlet.publisher.enabled)

    def record_time(self) -> None:
        """Counts the time since the last call as watched, paused or blind."""
        enabled = self.outlet.publisher.enabled
        self.record.tick("paused" if not enabled else "watched" if self.source.condition == "ok" else "blind")

    # The observer of the loop.

    def alert(self, alert: Alert, scene: Scene) -> None:
        """Publishes an alert, with a snapshot if the configuration asks for one."""
        if self.answering:  # before the work for a snapshot
            self._answer(self.answering, scene, searched=True)
        jpeg = None
        if self._snapshots.on:  # somebody seen a moment ago is still there, even if the detector misses the face now
            tracks = [*scene.previous, *scene.tracks]
            people = [*scene.boxes, *(track.box for track in tracks), Box(*alert.box)]
            jpeg = self._snapshots.take(
                scene.frame.image, people, Face(Box(*alert.box), {alert.event_type: alert.score})
            )
        message = alert_message(
            alert,
            device=self.config.device.name,
            model=self.model,
            frame_size=(scene.frame.image.shape[1], scene.frame.image.shape[0]),
            snapshot=jpeg is not None,
        )
        log.info("alert: %s, track %d, score %.2f", alert.event_type, alert.track, message.score)
        self.statistics.alert()
        sent = None if jpeg is None else self._snapshots.fitted(jpeg, self.outlet.largest_picture())
        self.outlet.publisher.publish(message, sent)
        if jpeg is not None:
            self._snapshots.keep(message.id, jpeg)

    def frame_done(self, scene: Scene) -> None:
        """Counts a frame and shows it to the page."""
        searched = self.pipeline.searches > self._searches
        self._searches = self.pipeline.searches
        if self.answering:  # first: somebody stands at the door and waits
            self._answer(self.answering, scene, searched)
        self.statistics.frame_done(scene.tracks)
        self._watch_rate(scene, searched)
        if self._bus:
            faces = scene.faces if self.watching() else ()  # those of the last search are old while there is none
            self._bus.show_frame(scene.frame.image, faces, self.statistics.stats)
        self.progress()

    def _answer(self, answering: "Answering", scene: Scene, searched: bool) -> None:
        """Tells the outputs who is at the door."""
        if self.watching():
            answering.frame_done(self.policy.states, scene, searched, self.source.unchanged_s)
        else:
            answering.blind()

    def _watch_rate(self, scene: Scene, searched: bool) -> None:
        """Reports a rate that is too low, while frames count."""
        if not self.watching():
            return self._measure_anew()
        before = self._rate.problem
        self._rate.update(scene.frame, searched)
        if self._rate.problem != before:
            self.health.report("the frame rate", self._rate.problem)

    def _measure_anew(self) -> None:
        if self._rate.problem:
            self.health.withdraw("the frame rate")
        self._rate.reset()

    # What the statistics read.

    def person_states(self) -> dict[int, PersonState]:
        """Returns the state of each present person; nobody is present while frames do not count."""
        return self.policy.states if self.watching() else {}

    def alerts_waiting(self) -> int:
        """Returns how many alerts no broker has acknowledged yet."""
        return self.outlet.publisher.waiting

    def frames_dropped(self) -> int:
        """Returns how many frames the camera gave and the loop did not take."""
        return self.source.dropped

    # What the camera and the health monitor report.

    def camera_changed(self, condition: Condition, reason: str | None) -> None:
        """Notes a new condition of the camera; a camera that sees nothing sees nobody."""
        self.health.camera(condition, reason)
        if self._bus:
            self._bus.show(Camera(condition, reason, utc_now()))
        if condition != "ok":
            if self.answering:
                self.answering.blind()
            self.statistics.nobody()
            self._measure_anew()

    def show_health(self, health: Health) -> None:
        """Publishes the health, and writes it where ``maskwatch doctor`` reads it."""
        self.outlet.publisher.show(health)
        if self.outlet.state is not None:
            demo = {"outputs_demo": self.answering is not None and self.answering.is_demo}
            process = {"pid": os.getpid(), "device": self.config.device.name}
            self.outlet.state.write_health(asdict(health) | process | demo)


def alert_message(
    alert: Alert, *, device: str, model: str, frame_size: tuple[int, int], snapshot: bool = False
) -> AlertMessage:
    """Returns the message for an alert, with a new id and the present time; ``frame_size`` is (width, height)."""
    return AlertMessage(
        event_type=alert.event_type,
        id=str(uuid7()),
        device=device,
        time=utc_now(),
        score=round(alert.score, 3),
        frames=alert.frames,
        seen_s=round(alert.seen_s, 2),
        track=f"{RUN}-{alert.track}",
        box=tuple(map(int, alert.box)),  # type: ignore[arg-type]
        frame_size=frame_size,
        clock_synced=clock_synced(),
        model=model,
        snapshot=snapshot,
    )
