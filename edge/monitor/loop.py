"""The whole monitor in one sentence."""

from collections.abc import Callable, Iterable, Sequence

from ..camera.frames import Frame, Image
from ..faces.detector import Region
from ..faces.face import Face
from ..faces.geometry import Box
from ..people.policy import Alert, Policy
from ..people.tracker import Track, Tracker


def run(
    frames: Iterable[Frame],
    plan: Callable[[Frame, Sequence[Track], Callable[[Track], bool]], list[Region]],
    detect: Callable[[Image, Image | None, Sequence[Region]], list[Box]],
    classify: Callable[[Image, Sequence[Box]], list[Face]],
    tracker: Tracker,
    policy: Policy,
    publish: Callable[[Alert, Frame], None],
    heartbeat: Callable[[Frame, Sequence[Track]], None],
) -> None:
    """Watches until the source ends; failures pass through to the caller."""
    tracks: Sequence[Track] = ()
    for frame in frames:
        regions = plan(frame, tracks, policy.settled)
        if regions:
            boxes = detect(frame.image, frame.luma, regions)
            faces = classify(frame.image, boxes)
            tracks = tracker.update(faces, frame.time)
            for alert in policy.update(tracks, frame.time):
                publish(alert, frame)
        heartbeat(frame, tracks)
