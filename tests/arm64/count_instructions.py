"""Watches a source as ``maskwatch run`` does, and prints the instructions per frame as one JSON object.

    count_instructions.py COUNTER SOURCE DETECTOR FRAMES

COUNTER is the file in which the emulator counts. Decoding the source is counted separately, since the frames of a Pi
camera need no decoding.
"""

import json
import mmap
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from edge.bench.clip import source_frames
from edge.camera.frames import Frame
from edge.config.schema import Config, DetectConfig
from edge.faces.opening import open_classifier
from edge.monitor import loop
from edge.monitor.pipeline import Pipeline
from edge.monitor.scene import Scene
from edge.monitor.stats import Statistics
from edge.people.policy import Alert, PersonState, Policy
from edge.people.tracker import Tracker

WARM = 3
"""Frames at the start that do not count, because they include work that is done once."""


def main(counter: str, source: str, detector: str, limit: int) -> None:
    with Path(counter).open("rb") as file:
        count = mmap.mmap(file.fileno(), 8, mmap.MAP_SHARED, mmap.PROT_READ)
    config = Config(detect=DetectConfig(detector=detector))
    policy = Policy(config.decide)
    costs, decoding, alerts = list[int](), list[int](), list[Any]()
    begun = 0

    def now() -> int:
        return int(struct.unpack("<Q", count)[0])

    def counted_frames() -> Iterator[Frame]:
        nonlocal begun
        frames, requested = source_frames(source, config, limit), now()
        for frame in frames:
            begun = now()
            decoding.append(begun - requested)
            yield frame
            requested = now()

    class Observer:
        def alert(self, alert: Alert, scene: Scene) -> None:
            alerts.append(alert.time)

        def frame_done(self, scene: Scene) -> None:
            statistics.frame_done(scene.tracks)
            costs.append(now() - begun)

        def person_states(self) -> dict[int, PersonState]:
            return policy.states

        def alerts_waiting(self) -> int:
            return 0

        def frames_dropped(self) -> int:
            return 0

    observer = Observer()
    statistics = Statistics(lambda message: None, observer)
    pipeline = Pipeline(config.detect, config.decide, open_classifier(config))
    stages = loop.Stages(pipeline.plan, pipeline.detect, pipeline.classify)
    loop.run(counted_frames(), stages, Tracker(forget=config.track.forget), policy, observer)
    figures = {"alerts": alerts, "instructions": costs[WARM:], "decoding": decoding[WARM:]}
    print(json.dumps({"source": source, "detector": detector} | figures))


main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
