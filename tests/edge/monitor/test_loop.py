"""edge.monitor.loop: what an observer is given."""

import numpy as np

from edge.camera.frames import Frame
from edge.config.schema import DecideConfig
from edge.faces.detector import Region
from edge.faces.face import Face
from edge.faces.geometry import Box
from edge.monitor import loop
from edge.monitor.scene import Scene
from edge.people.policy import Alert, Policy
from edge.people.tracker import Tracker

BARE, BYSTANDER = Box(50, 100, 110, 160), Box(500, 100, 560, 160)
WHOLE = Region(Box(0, 0, 640, 480), 48, 640)


def test_an_alert_comes_with_the_tracks_that_have_just_ended() -> None:
    """A snapshot blurs them too: somebody who is not found any more may still be in the picture."""
    times = [0.0, 1.0, 3.6, 3.8, 3.95, 4.05]
    frames = [Frame(np.zeros((480, 640, 3), np.uint8), None, time, number) for number, time in enumerate(times)]
    now = iter(times)
    scenes: list[Scene] = []

    def detect(*_: object) -> list[Box]:
        time = next(now)
        return [BARE, BYSTANDER] if time <= 1 else [BARE]

    class Observer:
        def alert(self, alert: Alert, scene: Scene) -> None:
            scenes.append(scene)

        def frame_done(self, scene: Scene) -> None: ...

    stages = loop.Stages(
        lambda *_: [WHOLE], detect, lambda image, boxes: [Face(box, {"mask": 0.0, "no_mask": 1.0}) for box in boxes]
    )
    loop.run(frames, stages, Tracker(forget=3.0), Policy(DecideConfig()), Observer())
    (scene,) = scenes
    assert [track.box for track in scene.tracks] == [BARE]
    assert BYSTANDER in [track.box for track in scene.previous]
