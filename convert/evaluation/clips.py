"""Runs the device's whole pipeline on short videos.

The truth is a file clips.json. Per clip it has the number of ``alerts`` (a number, "0 or 1", or null where nobody
counted) and the ``people`` with the seconds in which each is ``bare``, ``masked`` or in ``transition``. The faces of
each searched frame are kept, so that many thresholds can be tried without detecting and classifying again.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from edge.addresses import printable
from edge.camera.frames import Frame, Image
from edge.camera.source import open_source
from edge.config.schema import Config
from edge.faces.face import Face
from edge.faces.geometry import Box
from edge.monitor import loop
from edge.monitor.scene import Unobserved
from edge.paths import read_text
from edge.people.pace import Pace
from edge.people.planner import open_planner
from edge.people.policy import Alert, Policy
from edge.people.tracker import Tracker

from ..data.conditions import condition
from ..errors import DataError
from .device import DeviceParts

Spans = tuple[tuple[float, float], ...]
"""Intervals of time: first and last second of each."""


@dataclass(frozen=True, slots=True)
class Clip:
    """One video and its truth.

    ``expected`` lists the numbers of alerts that are right (None: nobody counted). ``bare`` and ``transitions`` say
    when somebody is bare, and when somebody puts a mask on or off.
    """

    path: Path
    expected: tuple[int, ...] | None
    bare: Spans
    transitions: Spans


@dataclass(frozen=True, slots=True)
class ClipFaces:
    """The faces of each searched frame of a clip under a condition, with the frame's time in seconds.

    ``intervals`` maps such a time to the time between frames then (``Pace``).
    """

    clip: Clip
    condition: str
    frames: list[tuple[float, list[Face]]]
    intervals: dict[float, float] = field(default_factory=dict)


def read_clips(path: Path) -> list[Clip]:
    """Reads a clips.json, whose videos are in the same folder or in its subfolder dev-clips.

    Raises ``DataError`` if the file cannot be used, or if a video is missing.
    """
    try:
        entries = json.loads(read_text(path))["clips"]
        folders = [path.parent, path.parent / "dev-clips"]
        clips = [_clip(name, entry, folders) for name, entry in entries.items()]
    except OSError as error:
        raise DataError(f"{printable(path)} cannot be read ({error.strerror}); expected a clips.json") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f'{path} is not a clips.json ({error!r}); expected {{"clips": {{FILE: alerts, people}}}}'
        ) from error
    missing = [clip.path.name for clip in clips if not clip.path.is_file()]
    if missing:
        raise DataError(f"{path} names videos that do not exist: {', '.join(missing)}; put them beside it")
    return clips


def _clip(name: str, entry: dict[str, Any], folders: Sequence[Path]) -> Clip:
    path = next((folder / name for folder in folders if (folder / name).is_file()), folders[0] / name)
    alerts = entry["alerts"]
    expected = None if alerts is None else tuple(int(number) for number in str(alerts).split(" or "))
    people = entry.get("people", ())
    return Clip(path, expected, _spans(people, "bare"), _spans(people, "transition"))


def _spans(people: Sequence[dict[str, Any]], state: str) -> Spans:
    return tuple((float(person[state][0]), float(person[state][1])) for person in people if state in person)


def detect_clip(clip: Clip, device: DeviceParts, condition_name: str = "plain") -> ClipFaces:
    """Plays a clip through the device's loop, with planner, tracker and policy as the configuration says.

    They decide which frames are searched, so a different configuration may see other faces. Raises ``SourceError`` if
    the video cannot be read.
    """
    config, searched = device.config, list[tuple[float, list[Face]]]()
    now, pace, intervals = 0.0, Pace(), dict[float, float]()

    def frames_under_condition() -> Iterator[Frame]:
        nonlocal now
        for frame in source:
            now = frame.time
            intervals[now] = pace.update(now)
            yield replace(frame, image=condition(condition_name, frame.number)(frame.image))

    def classify(image: Image, boxes: Sequence[Box]) -> list[Face]:
        searched.append((now, device.classifier.classify(image, boxes)))
        return searched[-1][1]

    plan = open_planner(config.detect, config.decide).plan
    tracker, policy = new_tracker(config), Policy(config.decide)
    with closing(open_source(str(clip.path), config.source)) as source:
        stages = loop.Stages(plan, device.detector.detect, classify)
        loop.run(frames_under_condition(), stages, tracker, policy, Unobserved())
    return ClipFaces(clip, condition_name, searched, intervals)


def raise_alerts(faces: ClipFaces, config: Config) -> list[Alert]:
    """Returns the alerts that the device raises for these faces."""
    tracker, policy = new_tracker(config), Policy(config.decide)
    alerts: list[Alert] = []
    for now, seen in faces.frames:
        interval = faces.intervals.get(now, 0.0)
        alerts += policy.update(tracker.update(seen, now, interval), now, interval)
    return alerts


def new_tracker(config: Config) -> Tracker:
    return Tracker(forget=config.track.forget)
