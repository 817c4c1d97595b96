"""edge.people.planner: what is searched when, on drawn pictures; and somebody who stands still."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edge.camera.frames import Frame, Image
from edge.camera.source import open_source
from edge.config.schema import DecideConfig, DetectConfig
from edge.faces.classifier import MaskClassifier
from edge.faces.detector import Region, search
from edge.faces.face import Face
from edge.faces.geometry import Box, clip
from edge.faces.haar import HaarDetector
from edge.faces.tflite import TfliteNetwork
from edge.monitor import loop
from edge.monitor.scene import Scene
from edge.people.planner import CALM, QUICK, STALE, SWEEP, EveryPicture, RegionPlanner, Settled, open_planner
from edge.people.policy import Alert, Policy
from edge.people.tracker import Track, Tracker

WALL = np.full((480, 640, 3), 90, np.uint8)
WHOLE = Box(0, 0, 640, 480)
FPS = 20
PLACE = Box(300, 200, 364, 264)


def frame(number: int, image: Image = WALL) -> Frame:
    return Frame(image, None, number / FPS, number)


def somebody(*places: tuple[int, int], side: int = 64) -> Image:
    image = WALL.copy()
    for x, y in places:
        image[y : y + side, x : x + side] = 220
    return image


def person(box: Box = PLACE, seen: float = 0.0, found: bool = True, first: float = -1.0) -> Track:
    face = Face(box, {"mask": 0.0, "no_mask": 1.0}) if found else None
    return Track(1, box, first, seen, face)


def never(track: Track) -> bool:
    return False


def always(track: Track) -> bool:
    return True


def looks(planner: RegionPlanner, tracks: Sequence[Track], settled: Settled, count: int) -> list[float]:
    """The times of the pictures that were searched, of ``count`` that are all alike; found again at each look."""
    times = []
    for number in range(count):
        if planner.plan(frame(number), tracks, settled):
            times.append(number / FPS)
            for track in tracks:
                track.last_seen = number / FPS
    return times


def test_an_idle_doorway_is_searched_now_and_then_only() -> None:
    planner = RegionPlanner()
    times = looks(planner, [], never, 10 * FPS)
    assert times == pytest.approx([n * SWEEP for n in range(4)], abs=0.06)


def test_who_comes_is_searched_where_they_are() -> None:
    planner = RegionPlanner()
    planner.plan(frame(0), [], never)
    (region,) = planner.plan(frame(5, somebody((300, 200))), [], never)
    assert clip(Box(300, 200, 364, 264), region.box) == Box(300, 200, 364, 264), "all of them"
    assert region.box.area < WHOLE.area / 3 and region.coarse
    assert 48 <= region.least <= 53 and region.most >= 64


def test_two_people_far_apart_are_two_regions() -> None:
    planner = RegionPlanner()
    planner.plan(frame(0), [], never)
    assert len(planner.plan(frame(5, somebody((40, 60), (520, 340), side=48)), [], never)) == 2


def test_what_was_searched_and_does_not_move_is_left_alone() -> None:
    planner = RegionPlanner()
    planner.plan(frame(0), [], never)
    planner.plan(frame(5, somebody((300, 200))), [], never)
    assert not any(planner.plan(frame(number, somebody((300, 200))), [], never) for number in range(6, 50))


def test_who_is_not_judged_is_looked_at_often_and_who_is_rarely() -> None:
    times = looks(RegionPlanner(), [person()], never, 2 * FPS)
    assert np.diff(times) == pytest.approx(max(QUICK, 1 / FPS), abs=1 / FPS)
    times = looks(RegionPlanner(), [person()], always, 2 * FPS)
    assert np.diff(times) == pytest.approx(CALM, abs=0.06)


@pytest.mark.parametrize("first", [0.0, 0.05])
def test_the_picture_after_which_somebody_may_be_judged_is_looked_at(first: float) -> None:
    """0.3 s after the first sight, whichever pictures the looks before fell on; not one picture later."""
    times = looks(RegionPlanner(), [person(first=first)], never, FPS // 2)
    assert times[:4] == pytest.approx([0.0, 0.1, 0.2, 0.3])
    assert any(time == pytest.approx(first + DecideConfig().seconds) for time in times)
    assert len(times) <= 6


def test_more_evidence_wanted_is_more_looks() -> None:
    """20 sightings within a second cannot come of 16 looks."""
    planner = RegionPlanner(DetectConfig(), DecideConfig(frames=20, window=1.0))
    assert len(looks(planner, [person()], never, FPS)) == FPS


def test_a_face_is_searched_around_itself_in_about_its_size() -> None:
    planner, track = RegionPlanner(), person()
    planner.plan(frame(0), [track], never)
    (region,) = planner.plan(frame(3), [track], never)
    assert clip(track.box, region.box) == track.box and region.box.area < 30 * track.box.area
    assert region.least <= track.box.width <= region.most and not region.coarse


def test_who_is_not_found_again_is_looked_for_ever_more_rarely() -> None:
    planner, gone = RegionPlanner(), person(found=False)
    planner.plan(frame(0), [gone], never)
    times = [number / FPS for number in range(1, 3 * FPS - 2) if planner.plan(frame(number), [gone], never)]
    gaps = np.diff([0.0, *times])
    assert 3 <= len(times) <= 20 and gaps[-1] > 2 * gaps[0]


def test_a_known_persons_body_is_searched_later_than_somebody_new() -> None:
    planner, track = RegionPlanner(), person()
    planner.plan(frame(0), [track], always)
    own, other = (310, 330), (40, 60)
    searched = [
        (number / FPS, [region.box for region in planner.plan(frame(number, somebody(own, other)), [track], always)])
        for number in range(1, FPS)
    ]

    def first(x: int, y: int) -> float:
        spot = Box(x, y, x + 64, y + 64)
        return next(moment for moment, boxes in searched if any(clip(spot, box) == spot for box in boxes))

    assert first(*other) < STALE / 2 and STALE - 0.06 <= first(*own) <= STALE + 0.2


def test_zones_bound_what_is_searched() -> None:
    left = ((0.0, 0.0), (0.4, 0.0), (0.4, 1.0), (0.0, 1.0))
    planner = RegionPlanner(DetectConfig(zones=(left,)))
    (sweep,) = planner.plan(frame(0), [], never)
    assert sweep.box.x1 < 500
    assert planner.plan(frame(5, somebody((500, 200))), [], never) == []
    assert planner.plan(frame(10, somebody((500, 200), (60, 200))), [], never)


def test_a_picture_too_small_for_a_face_has_no_region_that_is_smaller_than_one() -> None:
    tiny = np.zeros((30, 30, 3), np.uint8)
    for number in range(0, 200, 5):
        for region in RegionPlanner().plan(frame(number, tiny + number), [person(Box(0, 0, 30, 30))], never):
            assert region.box.width > 0 and region.box.height > 0


def test_without_the_gate_all_of_every_picture_is_searched() -> None:
    planner = open_planner(DetectConfig(gate=False, min_face=60), DecideConfig())
    assert isinstance(planner, EveryPicture)
    assert [planner.plan(frame(n), [], never) for n in range(3)] == 3 * [[Region(WHOLE, 60, 640)]]


def test_a_face_found_in_two_regions_is_one() -> None:
    inner, outer, other = Box(20, 20, 60, 60), Box(10, 10, 70, 70), Box(200, 10, 260, 70)
    regions = [Region(WHOLE, 48, 640), Region(Box(0, 0, 100, 100), 48, 640)]
    found = search(lambda region: [outer, other] if region.most and region.box == WHOLE else [inner], regions, WHOLE)
    assert found == [outer, other]


class Camera:
    """The bundled clip's bare person, who from then on stands as still as a photograph, in a sensor's noise."""

    def __init__(self, door: Path) -> None:
        with closing(open_source(str(door))) as source:
            self.image = next(each.image for each in source if each.number == 60)
        self.now = 0.0

    def __iter__(self) -> Iterator[Frame]:
        rng = np.random.default_rng(0)
        grain = [rng.integers(-2, 3, self.image.shape, np.int16) for _ in range(8)]
        for number in range(30 * FPS):
            self.now = number / FPS
            image = np.clip(self.image + grain[number % 8], 0, 255).astype(np.uint8)
            yield Frame(image, None, self.now, number)


def test_a_still_person_does_not_vanish(door: Path, model: Path) -> None:
    camera, seen, alerts = Camera(door), list[tuple[int, int]](), list[float]()
    policy, looked = Policy(), list[float]()

    def detect(image: Image, luma: Image | None, regions: Sequence[Region]) -> list[Box]:
        looked.append(camera.now)
        return detector.detect(image, luma, regions)

    detector, classifier = HaarDetector(min_face=48), MaskClassifier(TfliteNetwork(model))

    class Observer:
        def alert(self, alert: Alert, scene: Scene) -> None:
            alerts.append(alert.time)

        def frame_done(self, scene: Scene) -> None:
            seen.append((len(scene.tracks), scene.tracks[0].key if scene.tracks else 0))

    stages = loop.Stages(RegionPlanner().plan, detect, classifier.classify)
    loop.run(camera, stages, Tracker(), policy, Observer())
    assert set(seen[FPS:]) == {(1, 1)}, "one person, the same all the time"
    assert len(alerts) == 1 and len(looked) < len(seen) / 4


def test_the_last_word_about_a_mask_taken_off_is_heard() -> None:
    """Who is judged is looked at rarely, until a look disagrees."""
    policy = Policy()
    masked, bare = ({"mask": share, "no_mask": 1 - share} for share in (0.99, 0.01))
    box = Box(100, 100, 200, 200)
    track = Track(1, box, 0.0, 0.0, Face(box, masked))
    for number in range(8):
        policy.update([track], number / 10)
    assert policy.states == {1: "mask"} and policy.settled(track)
    assert not policy.settled(replace(track, face=Face(box, bare)))
    assert not policy.settled(replace(track, face=None)) and not policy.settled(replace(track, key=2))
