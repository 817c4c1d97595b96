"""People are judged at 1 to 5 frames per second too, by the real loop with its tracker and policy.

Either the bundled clip is played with fewer frames, or drawn people stand and walk at given times.
"""

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge.camera.frames import Frame, Image
from edge.camera.source import open_source
from edge.config.schema import Config, DecideConfig, DetectConfig, TrackConfig
from edge.faces.detector import Region
from edge.faces.face import Face
from edge.faces.geometry import Box
from edge.faces.haar import HaarDetector
from edge.faces.opening import open_classifier
from edge.monitor import loop
from edge.monitor.scene import Scene
from edge.people.planner import open_planner
from edge.people.policy import Alert, Policy
from edge.people.tracker import Tracker

PICTURE = np.zeros((480, 640, 3), np.uint8)
WHOLE = Region(Box(0, 0, 640, 480), 48, 640)
BARE, MASKED = {"mask": 0.02, "no_mask": 0.98}, {"mask": 0.98, "no_mask": 0.02}
Person = Callable[[float], Face | None]
"""Returns a person's face at a time; None while they are not in the picture or not found."""


class Alerts(list[Alert]):
    """Collects the alerts of a loop."""

    def alert(self, alert: Alert, scene: Scene) -> None:
        self.append(alert)

    def frame_done(self, scene: Scene) -> None: ...


def run_loop(frames: Iterable[Frame], stages: loop.Stages) -> Alerts:
    alerts = Alerts()
    loop.run(frames, stages, Tracker(forget=TrackConfig().forget), Policy(DecideConfig()), alerts)
    return alerts


def alerts_of(people: Sequence[Person], times: Iterable[float]) -> Alerts:
    """Runs the loop over frames at these times; every frame is searched."""
    now = 0.0

    def frames() -> Iterator[Frame]:
        nonlocal now
        for number, now in enumerate(times):  # noqa: B020
            yield Frame(PICTURE, None, now, number)

    def faces(image: Image, boxes: Sequence[Box]) -> list[Face]:
        return [face for person in people if (face := person(now)) is not None]

    return run_loop(frames(), loop.Stages(lambda *_: [WHOLE], lambda *_: [], faces))


def face(x: float, width: float, wears: dict[str, float]) -> Face:
    return Face(Box(round(x - width / 2), round(200 - width / 2), round(x + width / 2), round(200 + width / 2)), wears)


def stands(
    start: float, end: float, x: float = 300, width: float = 80, wears: dict[str, float] = BARE, missed: float = -9.0
) -> Person:
    """Stands at ``x`` from ``start`` to ``end``, and is not found in the second after ``missed``."""
    return lambda now: (
        face(x, width, wears) if start - 1e-6 <= now <= end + 1e-6 and not missed <= now < missed + 1 else None
    )


def walks(start: float, end: float, x: tuple[float, float], width: tuple[float, float]) -> Person:
    def at(now: float) -> Face | None:
        if not start - 1e-6 <= now <= end + 1e-6:
            return None
        share = (now - start) / (end - start)
        return face(x[0] + (x[1] - x[0]) * share, width[0] + (width[1] - width[0]) * share, BARE)

    return at


def steady(fps: float, until: float) -> list[float]:
    return [number / fps for number in range(round(until * fps) + 1)]


RATES = [1, 1.5, 2, 2.5, 3, 4, 5, 15]


@pytest.mark.parametrize("fps", RATES)
def test_anyone_who_stays_for_four_looks_is_alerted_once(fps: float) -> None:
    looks = 4 if fps < 10 else 6
    start = 2 / fps
    times = steady(fps, 30)
    (alert,) = alerts_of([stands(start, start + (looks - 1) / fps)], times)
    assert alert.time == pytest.approx(start + max(3 / fps, 1 / 3)) and alert.frames >= 4
    assert len(alerts_of([stands(start, 25)], times)) == 1, "one alert however long"
    assert not alerts_of([stands(start, start + 2 / fps)], times), "three looks"
    assert not alerts_of([stands(start, 25, wears=MASKED)], times)


@pytest.mark.parametrize("fps", RATES)
def test_two_people_are_two_people(fps: float) -> None:
    times = steady(fps, 40)
    beside = [stands(1, 9, x=200), stands(1, 9, x=330)]
    assert len(alerts_of(beside, times)) == 2
    one_masked = [stands(1, 9, x=200), stands(1, 9, x=330, wears=MASKED)]
    (alert,) = alerts_of(one_masked, times)
    assert alert.box[0] < 200
    in_turn = [stands(1, 7, x=250), stands(11.5, 19, x=260), stands(26, 33, x=400, width=110)]
    assert len(alerts_of(in_turn, times)) == 3


@pytest.mark.parametrize("fps", [1, 1.5, 2, 3])
def test_two_people_who_come_soon_after_each_other_are_two(fps: float) -> None:
    assert len(alerts_of([stands(1, 7, x=250), stands(9.2, 16, x=370)], steady(fps, 20))) == 2


@pytest.mark.parametrize("fps", [1, 1.5, 2, 3])
def test_a_person_who_leaves_is_not_taken_for_the_one_who_comes_in(fps: float) -> None:
    masked_leaves, bare_comes = stands(1, 8, x=480, width=130, wears=MASKED), walks(10, 16, (330, 300), (60, 140))
    (alert,) = alerts_of([masked_leaves, bare_comes], steady(fps, 20))
    assert alert.seen_s < 6


@pytest.mark.parametrize("fps", [1, 1.5, 2, 3, 5, 15])
@pytest.mark.parametrize(
    "person",
    [
        pytest.param(walks(1, 6, (120, 500), (60, 60)), id="walks across"),
        pytest.param(walks(1, 6, (330, 300), (50, 170)), id="comes nearer"),
        pytest.param(stands(1, 8, missed=3), id="is not found for a second"),
    ],
)
def test_a_person_stays_the_same_person(fps: float, person: Person) -> None:
    assert len(alerts_of([person], steady(fps, 12))) == 1


@pytest.mark.parametrize("fps", [1.0, 1.5, 2.0, 3.0, 5.0])
@pytest.mark.parametrize("seed", range(5))
def test_irregular_intervals(fps: float, seed: int) -> None:
    uneven = random.Random(seed)
    times = [number / fps + uneven.uniform(-0.3, 0.3) / fps for number in range(1, round(30 * fps))]
    assert len(alerts_of([stands(3, 12), stands(20, 28, x=450)], times)) == 2
    assert not alerts_of([stands(3, 12, wears=MASKED)], times)


def test_frames_in_bursts() -> None:
    """A stream that comes in pieces gives several frames at once, and none until the next piece."""
    for count in (2, 3, 10):
        times = [second + number * 0.02 for second in range(30) for number in range(count)]
        assert len(alerts_of([stands(3, 12)], times)) == 1


def test_alternating_rates() -> None:
    times, now = [], 0.0
    for number in range(120):
        times.append(now)
        now += 0.1 if number // 15 % 2 else 1.0
    people = [stands(start, start + 8, x=300 + start) for start in (2, 20, 40, 60)]
    assert len(alerts_of(people, times)) == 4


def test_a_machine_that_is_slow_only_while_it_searches() -> None:
    """Frames of an empty doorway are taken quickly; a person makes every frame cost 0.8 s."""
    person, times, now = stands(10, 16), list[float](), 0.0
    while now < 30:
        times.append(now)
        now += 0.8 if person(now) else 1 / 15
    (alert,) = alerts_of([person], times)
    assert alert.seen_s == pytest.approx(2.4, abs=0.2) and alert.frames == 4


def test_below_one_frame_per_second_nobody_is_judged() -> None:
    assert not alerts_of([stands(0, 60)], steady(0.6, 60))


def test_one_long_gap_changes_nothing_at_a_full_rate() -> None:
    """What was seen before the gap is no evidence after it."""
    times = [*steady(15, 2), *(4 + time for time in steady(15, 2))]
    person = stands(2 - 2.5 / 15, 4.09)
    assert not alerts_of([person], times), "three sightings before the gap and two after it"


@pytest.mark.parametrize("fps", [1, 1.5, 2, 2.5, 3])
@pytest.mark.parametrize(("first", "uneven"), [(0.0, 0.0), (0.3, 0.25)])
def test_the_bundled_clip_with_fewer_frames(
    fps: float, first: float, uneven: float, door: Path, truth: dict[str, Any]
) -> None:
    """Nobody is alerted twice, and everybody is alerted who is bare for long enough."""
    shaken, due = random.Random(1), first

    def frames() -> Iterator[Frame]:
        nonlocal due
        number = 0
        with closing(open_source(str(door))) as source:
            for frame in source:
                if frame.time + 1e-6 >= due:
                    yield replace(frame, number=number)
                    number, due = number + 1, due + (1 + shaken.uniform(-uneven, uneven)) / fps

    config = Config()
    detector, classifier = HaarDetector(DetectConfig()), open_classifier(config)
    plan = open_planner(config.detect, config.decide).plan
    times = [alert.time for alert in run_loop(frames(), loop.Stages(plan, detector.detect, classifier.classify))]
    phases = [phase for person in truth["people"] for phase in person["bare"]]
    counts = [sum(start < time <= end + 1 / fps for time in times) for start, end in phases]
    assert sum(counts) == len(times) and max(counts) == 1, times
    # the first second somebody is still far away, and looks are not in step with people
    due_alerts = [count for count, (start, end) in zip(counts, phases, strict=True) if (end - start - 1) * fps >= 5]
    assert all(due_alerts) and sum(counts) >= 2, times
