"""One watched door: its parts, what passes between them, and what an alert becomes on its way out."""

import logging
import os
import secrets
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field

from ..camera.frames import Frame, Image
from ..camera.source import Source
from ..config.schema import Config, DetectConfig
from ..faces.classifier import MaskClassifier
from ..faces.detector import Detector, Region
from ..faces.face import Face
from ..faces.geometry import Box
from ..faces.opening import open_detector, open_eager
from ..mqtt.messages import AlertMessage, Health, utc_now, uuid7
from ..people.planner import Planner, open_planner
from ..people.policy import Alert, Policy
from ..people.tracker import Track
from ..web.bus import Bus
from .health import HealthMonitor
from .machine import clock_synced
from .outlet import Outlet
from .snapshots import Snapshots
from .stats import Statistics

log = logging.getLogger("maskwatch")
RUN = secrets.token_hex(4)
"""Random per process, so that track names tell nobody anything beyond one run."""


@dataclass(slots=True)
class Door:
    """The parts of one watched door, and what passes between them."""

    config: Config
    source: Source
    detector: Detector
    classifier: MaskClassifier
    outlet: Outlet
    health: HealthMonitor
    bus: Bus | None = None
    planner: Planner = field(init=False)
    policy: Policy = field(init=False)
    report: Statistics = field(init=False)
    snapshots: Snapshots = field(init=False)
    boxes: list[Box] = field(default_factory=list)
    faces: list[Face] = field(default_factory=list)
    tracks: Sequence[Track] = ()

    def __post_init__(self) -> None:
        publisher, config = self.outlet.publisher, self.config
        self.planner = open_planner(config.detect, config.decide)
        self.policy = Policy(config.decide)
        self.report = Statistics(
            publisher.show,
            lambda: self.policy.states if self.sees else {},  # whom the camera saw last is nobody now
            lambda: publisher.waiting,
            lambda: self.source.dropped,
        )
        blurring = config.snapshots.mode == "blurred"
        self.snapshots = Snapshots(
            config.snapshots,
            self.outlet.folder / "snapshots",
            open_eager(config.detect).detect if blurring else lambda image: [],
            lambda text: self.health.report("snapshots", text),
        )

    @property
    def sees(self) -> bool:
        return self.outlet.publisher.enabled and self.source.condition == "ok"

    def search_for(self, wanted: DetectConfig) -> None:
        """Who finds the faces, and where: now, and again when the page changes it. Raises like ``open_detector``."""
        self.detector, self.planner = open_detector(wanted), open_planner(wanted, self.config.decide)

    def plan(self, frame: Frame, tracks: Sequence[Track], settled: Callable[[Track], bool]) -> list[Region]:
        """Nothing is searched, and so nothing counted, while watching is paused or the camera does not really see.

        Who looks on sees the faces followed as closely as the camera can.
        """
        if not self.sees:
            return []
        return self.planner.plan(frame, tracks, (lambda track: False) if self.bus and self.bus.watched else settled)

    def detect(self, image: Image, luma: Image | None, regions: Sequence[Region]) -> list[Box]:
        self.boxes = self.detector.detect(image, luma, regions)
        return self.boxes

    def classify(self, image: Image, boxes: Sequence[Box]) -> list[Face]:
        self.faces = self.classifier.classify(image, boxes)
        return self.faces

    def publish(self, alert: Alert, frame: Frame) -> None:
        jpeg = None
        if self.snapshots.on:  # who was seen a moment ago is still there, though the cascade misses the face just now
            people = [*self.boxes, *(track.box for track in self.tracks), Box(*alert.box)]
            jpeg = self.snapshots.take(frame.image, people)
        message = alert_message(
            alert,
            device=self.config.device.name,
            model=self.classifier.card.id,
            frame_size=(frame.image.shape[1], frame.image.shape[0]),
            snapshot=jpeg is not None,
        )
        log.info("alert: %s, track %d, score %.2f", alert.event_type, alert.track, alert.score)
        self.report.alert()
        self.outlet.publisher.publish(message, jpeg)
        if jpeg is not None:
            self.snapshots.keep(message.id, jpeg)

    def told(self, condition: str, text: str | None) -> None:
        self.health.camera(condition, text)
        if condition != "ok":
            self.report.nobody()

    def show(self, health: Health) -> None:
        self.outlet.publisher.show(health)
        if self.outlet.state is not None:
            self.outlet.state.write_health(asdict(health) | {"pid": os.getpid()})


def alert_message(
    alert: Alert, *, device: str, model: str, frame_size: tuple[int, int], snapshot: bool = False
) -> AlertMessage:
    """The message for an alert, with a fresh id and the present time; ``frame_size`` is (width, height)."""
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
