"""Watches a source as ``maskwatch run`` does, and prints what each picture cost in instructions, as one JSON object.

    counted.py COUNTER SOURCE DETECTOR PICTURES

COUNTER is the file into which the emulator counts. Decoding the source is counted apart: a Pi camera's pictures come
ready.
"""

import json
import mmap
import struct
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2

from edge.bench.clip import pictures
from edge.camera.frames import Frame
from edge.config.schema import Config, DetectConfig
from edge.faces.opening import open_classifier, open_detector
from edge.monitor import loop
from edge.monitor.stats import Statistics
from edge.people.planner import open_planner
from edge.people.policy import Policy
from edge.people.tracker import Track, Tracker

WARM = 3
"""Pictures at the start that do not count: what is done once is no cost of a picture."""


def main(counter: str, source: str, detector: str, limit: int) -> None:
    cv2.setNumThreads(1)
    with Path(counter).open("rb") as file:
        count = mmap.mmap(file.fileno(), 8, mmap.MAP_SHARED, mmap.PROT_READ)
    config = Config(detect=DetectConfig(detector=detector))
    policy = Policy(config.decide)
    report = Statistics(lambda message: None, lambda: policy.states, lambda: 0, lambda: 0)
    costs, decoding, alerts, begun = list[int](), list[int](), list[Any](), 0

    def now() -> int:
        return int(struct.unpack("<Q", count)[0])

    def taken() -> Iterator[Frame]:
        nonlocal begun
        frames, asked = pictures(source, config, limit), now()
        for frame in frames:
            begun = now()
            decoding.append(begun - asked)
            yield frame
            asked = now()

    def heartbeat(frame: Frame, tracks: Sequence[Track]) -> None:
        report.heartbeat(frame, tracks)
        costs.append(now() - begun)

    loop.run(
        taken(),
        open_planner(config.detect, config.decide).plan,
        open_detector(config.detect).detect,
        open_classifier(config).classify,
        Tracker(forget=config.track.forget),
        policy,
        lambda alert, frame: alerts.append(alert.time),
        heartbeat,
    )
    found = {"alerts": alerts, "instructions": costs[WARM:], "decoding": decoding[WARM:]}
    print(json.dumps({"source": source, "detector": detector} | found))


main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
