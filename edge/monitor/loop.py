"""The whole monitor in one function: frames in, alerts out."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from ..camera.frames import Frame, Image
from ..faces.detector import Region
from ..faces.face import Face
from ..faces.geometry import Box
from ..people.pace import Pace
from ..people.policy import Policy
from ..people.tracker import Track, Tracker
from .scene import Observer, Scene


@dataclass(frozen=True, slots=True)
class Stages:
    """What a frame passes through before its faces are followed: where to search, boxes, classified faces."""

    plan: Callable[[Frame, Sequence[Track], Callable[[Track], bool]], list[Region]]
    detect: Callable[[Image, Image | None, Sequence[Region]], list[Box]]
    classify: Callable[[Image, Sequence[Box]], list[Face]]


def run(frames: Iterable[Frame], stages: Stages, tracker: Tracker, policy: Policy, observer: Observer) -> None:
    """Watches until the source ends. Failures of any part pass through to the caller."""
    scene: Scene | None = None
    pace = Pace()
    for frame in frames:
        interval = pace.update(frame.time)
        scene = Scene(frame) if scene is None else Scene(frame, scene.boxes, scene.faces, scene.tracks)
        regions = stages.plan(frame, scene.tracks, policy.settled)
        if regions:
            boxes = stages.detect(frame.image, frame.luma, regions)
            faces = stages.classify(frame.image, boxes)
            scene = Scene(frame, boxes, faces, tracker.update(faces, frame.time, interval), scene.tracks)
            for alert in policy.update(scene.tracks, frame.time, interval):
                observer.alert(alert, scene)
        observer.frame_done(scene)
