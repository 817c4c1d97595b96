"""End to end on short videos: alerts right, missed and false, how soon they came, and what a threshold would cost.

Truth is clips.json: per clip the number of ``alerts`` (a number, "0 or 1", or null where nobody counted) and the
``people`` with the seconds in which each is ``bare``, ``masked`` or in ``transition``. The parts are the device's own;
what they saw of each frame is kept, so that many thresholds can be tried on one look.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from edge.camera.frames import Frame, Image
from edge.camera.source import open_source
from edge.config.schema import Config
from edge.faces.classifier import MaskClassifier
from edge.faces.detector import Detector
from edge.faces.face import Face
from edge.faces.geometry import Box
from edge.monitor import loop
from edge.monitor.scene import Unobserved
from edge.people.planner import open_planner
from edge.people.policy import Alert, Policy
from edge.people.tracker import Tracker

from ..data.conditions import condition
from ..data.trees import DataError

FALSE_COST = 60.0
"""A false alert costs as much as so many seconds in which somebody bare is not told of: people who are accused
wrongly once a day stop believing the alerts, a bare face told of a second late is still at the door."""
LATE = 1.0
"""Seconds after somebody was last bare in which an alert about them is still right: evidence takes time."""
THRESHOLDS = tuple(round(0.5 + 0.05 * step, 2) for step in range(10))


@dataclass(frozen=True, slots=True)
class Clip:
    """One video: how many alerts are right (None: nobody counted), and when somebody is bare or about to be masked."""

    path: Path
    allowed: tuple[int, ...] | None
    bare: tuple[tuple[float, float], ...]
    between: tuple[tuple[float, float], ...]


def read_clips(path: Path) -> list[Clip]:
    """The clips of a clips.json, whose videos lie beside it or in dev-clips there."""
    try:
        entries = json.loads(path.read_text("utf-8"))["clips"]
        places = [path.parent, path.parent / "dev-clips"]
        clips = [_clip(name, entry, places) for name, entry in entries.items()]
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}); expected a clips.json") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{path} is no list of clips ({error!r}); expected clips: file: alerts, people") from error
    missing = [clip.path.name for clip in clips if not clip.path.is_file()]
    if missing:
        raise DataError(f"{path} names videos that are not there: {', '.join(missing)}")
    return clips


def _clip(name: str, entry: dict[str, Any], places: Sequence[Path]) -> Clip:
    path = next((place / name for place in places if (place / name).is_file()), places[0] / name)
    wanted = entry["alerts"]
    allowed = None if wanted is None else tuple(int(n) for n in str(wanted).split(" or "))
    spans: dict[str, list[tuple[float, float]]] = {"bare": [], "transition": []}
    for person in entry.get("people", ()):
        for what in spans:
            if what in person:
                spans[what].append((float(person[what][0]), float(person[what][1])))
    return Clip(path, allowed, tuple(spans["bare"]), tuple(spans["transition"]))


@dataclass(frozen=True, slots=True)
class Watched:
    """A clip under a condition, and the faces of each searched frame with its time in seconds."""

    clip: Clip
    how: str
    frames: list[tuple[float, list[Face]]]


def watch(clip: Clip, detector: Detector, classifier: MaskClassifier, config: Config, how: str = "plain") -> Watched:
    """Plays a clip through the device's loop, with source, planner, tracker and policy as the configuration says."""
    looks: list[tuple[float, list[Face]]] = []
    now = 0.0

    def changed() -> Iterator[Frame]:
        nonlocal now
        for frame in source:
            now = frame.time
            yield replace(frame, image=condition(how, frame.number)(frame.image))

    def classify(image: Image, boxes: Sequence[Box]) -> list[Face]:
        looks.append((now, classifier.classify(image, boxes)))
        return looks[-1][1]

    with closing(open_source(str(clip.path), config.source)) as source:
        stages = loop.Stages(open_planner(config.detect, config.decide).plan, detector.detect, classify)
        loop.run(changed(), stages, Tracker(forget=config.track.forget), Policy(config.decide), Unobserved())
    return Watched(clip, how, looks)


def replay(frames: Iterable[tuple[float, list[Face]]], config: Config) -> list[Alert]:
    """The alerts that the device would raise."""
    tracker, policy = Tracker(forget=config.track.forget), Policy(config.decide)
    return [alert for now, faces in frames for alert in policy.update(tracker.update(faces, now), now)]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a clip's alerts were worth. ``delays`` are the seconds from being bare to the alert, of those told of;
    ``missed_s`` all seconds in which somebody bare was not told of."""

    clip: str
    how: str
    alerts: int
    right: int
    missed: int
    false: int
    delays: tuple[float, ...]
    missed_s: float

    @property
    def cost(self) -> float:
        return FALSE_COST * self.false + self.missed_s


def score(watched: Watched, alerts: Sequence[Alert]) -> Outcome:
    """Each bare person's first alert is right; beyond the allowed number, or with nobody bare, an alert is false.

    An alert while a mask is being put on is right where the truth allows for it.
    """
    clip, delays, missed_s, missed = watched.clip, [], 0.0, 0
    least, most = (min(clip.allowed), max(clip.allowed)) if clip.allowed is not None else (0, len(alerts))
    told = set()
    for start, end in clip.bare:
        own = next((n for n, a in enumerate(alerts) if n not in told and start <= a.time <= end + LATE), None)
        if own is not None:
            told.add(own)
            delays.append(alerts[own].time - start)
            missed_s += delays[-1]
        elif least:  # 0 allowed: bare too briefly to be told of
            missed += 1
            missed_s += end - start
    between = [
        n for n, a in enumerate(alerts) if n not in told and any(s <= a.time <= e + LATE for s, e in clip.between)
    ]
    told |= set(between[: max(0, most - len(told))])
    false = 0 if clip.allowed is None else len(alerts) - len(told)
    right = len(told) if clip.allowed is not None else 0
    return Outcome(clip.path.name, watched.how, len(alerts), right, missed, false, tuple(delays), missed_s)


@dataclass(frozen=True, slots=True)
class Trial:
    """One threshold over all clips and conditions."""

    threshold: float
    right: int
    missed: int
    false: int
    mean_delay: float
    cost: float


def sweep(watched: Sequence[Watched], config: Config, thresholds: Sequence[float] = THRESHOLDS) -> list[Trial]:
    """What each threshold would have cost."""
    trials = []
    for threshold in thresholds:
        tried = replace(config, decide=replace(config.decide, threshold=threshold))
        own = [score(each, replay(each.frames, tried)) for each in watched]
        delays = [delay for outcome in own for delay in outcome.delays]
        right, missed, false = (sum(getattr(one, name) for one in own) for name in ("right", "missed", "false"))
        mean = float(np.mean(delays)) if delays else 0.0
        trials.append(Trial(threshold, right, missed, false, round(mean, 3), round(sum(o.cost for o in own), 2)))
    return trials


def best(trials: Sequence[Trial], default: float) -> Trial:
    """The cheapest threshold; of equals the one nearest to the default, which is not changed without a reason."""
    return min(trials, key=lambda trial: (trial.cost, abs(trial.threshold - default)))


def table(outcomes: Sequence[Outcome]) -> str:
    """One line a clip and condition."""
    lines = [f"{'clip':24} {'condition':12} {'alerts':>7} {'right':>6} {'missed':>7} {'false':>6} {'delay s':>8}"]
    for own in outcomes:
        delay = f"{max(own.delays):8.2f}" if own.delays else f"{'-':>8}"
        lines.append(f"{own.clip:24} {own.how:12} {own.alerts:7} {own.right:6} {own.missed:7} {own.false:6} {delay}")
    total: Callable[[str], int] = lambda name: sum(getattr(own, name) for own in outcomes)  # noqa: E731
    lines.append(
        f"{'all':24} {'':12} {total('alerts'):7} {total('right'):6} {total('missed'):7} {total('false'):6}"
        f" {max((d for own in outcomes for d in own.delays), default=0.0):8.2f}"
    )
    return "\n".join(lines)


def sweep_table(trials: Sequence[Trial], default: float) -> str:
    """One line a threshold, the chosen one marked."""
    chosen = best(trials, default)
    lines = [f"{'threshold':>9} {'right':>6} {'missed':>7} {'false':>6} {'mean delay s':>13} {'cost':>8}"]
    lines += [
        f"{own.threshold:9.2f} {own.right:6} {own.missed:7} {own.false:6} {own.mean_delay:13.2f} {own.cost:8.1f}"
        + (" <" if own is chosen else "")
        for own in trials
    ]
    return "\n".join(lines) + f"\ncost: {FALSE_COST:g} for a false alert, 1 for a second in which nobody was told"
