"""Tests ``edge.people.planner``: what is searched when, on drawn images; and a person who stands still."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edge.camera.frames import Frame, Image
from edge.camera.source import open_source
from edge.config.schema import Config, DecideConfig, DetectConfig, TrackConfig
from edge.faces.detector import Region, detect_in_regions
from edge.faces.face import Face
from edge.faces.geometry import Box, clip
from edge.faces.haar import HaarDetector
from edge.faces.opening import open_classifier
from edge.monitor import loop
from edge.monitor.scene import Scene
from edge.people.planner import (
    EXPLAINED_MOTION_INTERVAL_S,
    FULL_SWEEP_INTERVAL_S,
    RELOOK_JUDGED_S,
    RELOOK_UNJUDGED_S,
    FullFramePlanner,
    IsSettled,
    RegionPlanner,
    open_planner,
)
from edge.people.policy import Alert, Policy
from edge.people.tracker import Track, Tracker

WALL = np.full((480, 640, 3), 90, np.uint8)
WHOLE = Box(0, 0, 640, 480)
FPS = 20
PLACE = Box(300, 200, 364, 264)


def frame(number: int, image: Image = WALL) -> Frame:
    return Frame(image, None, number / FPS, number)


def with_people(*places: tuple[int, int], side: int = 64) -> Image:
    image = WALL.copy()
    for x, y in places:
        image[y : y + side, x : x + side] = 220
    return image


def person(box: Box = PLACE, seen: float = 0.0, found: bool = True, first: float = -1.0) -> Track:
    face = Face(box, {"mask": 0.0, "no_mask": 1.0}) if found else None
    return Track(1, box, first, seen, face)


def new_planner() -> RegionPlanner:
    return RegionPlanner(DetectConfig(), DecideConfig())


def never(track: Track) -> bool:
    return False


def always(track: Track) -> bool:
    return True


def search_times(planner: RegionPlanner, tracks: Sequence[Track], is_settled: IsSettled, count: int) -> list[float]:
    """Plans ``count`` equal frames; returns the times of those searched. Every search finds the tracks."""
    times = []
    for number in range(count):
        if planner.plan(frame(number), tracks, is_settled):
            times.append(number / FPS)
            for track in tracks:
                track.last_seen = number / FPS
    return times


def test_an_idle_doorway_is_only_swept() -> None:
    planner = new_planner()
    times = search_times(planner, [], never, 10 * FPS)
    assert times == pytest.approx([n * FULL_SWEEP_INTERVAL_S for n in range(4)], abs=0.06)


def test_a_new_person_is_searched_where_they_are() -> None:
    planner = new_planner()
    planner.plan(frame(0), [], never)
    (region,) = planner.plan(frame(5, with_people((300, 200))), [], never)
    assert clip(Box(300, 200, 364, 264), region.box) == Box(300, 200, 364, 264), "the region contains the person"
    assert region.box.area < WHOLE.area / 3 and region.coarse
    assert 48 <= region.min_face <= 53 and region.max_face >= 64


def test_two_people_far_apart_are_two_regions() -> None:
    planner = new_planner()
    planner.plan(frame(0), [], never)
    assert len(planner.plan(frame(5, with_people((40, 60), (520, 340), side=48)), [], never)) == 2


def test_a_searched_place_that_stays_the_same_is_not_searched_again() -> None:
    planner = new_planner()
    planner.plan(frame(0), [], never)
    planner.plan(frame(5, with_people((300, 200))), [], never)
    assert not any(planner.plan(frame(number, with_people((300, 200))), [], never) for number in range(6, 50))


def test_unjudged_people_are_searched_more_often_than_judged_ones() -> None:
    times = search_times(new_planner(), [person()], never, 2 * FPS)
    assert np.diff(times) == pytest.approx(max(RELOOK_UNJUDGED_S, 1 / FPS), abs=1 / FPS)
    times = search_times(new_planner(), [person()], always, 2 * FPS)
    assert np.diff(times) == pytest.approx(RELOOK_JUDGED_S, abs=0.06)


@pytest.mark.parametrize("first", [0.0, 0.05])
def test_the_frame_after_which_a_judgement_is_possible_is_searched(first: float) -> None:
    """A judgement is possible 0.3 s after the first sighting, and must not come a frame later."""
    times = search_times(new_planner(), [person(first=first)], never, FPS // 2)
    assert times[:4] == pytest.approx([0.0, 0.1, 0.2, 0.3])
    assert any(time == pytest.approx(first + DecideConfig().seconds) for time in times)
    assert len(times) <= 6


def test_more_required_sightings_cause_more_searches() -> None:
    """20 sightings within a second need more than 16 searches."""
    planner = RegionPlanner(DetectConfig(), DecideConfig(frames=20, window=1.0))
    assert len(search_times(planner, [person()], never, FPS)) == FPS


def test_a_face_is_searched_around_itself_in_about_its_size() -> None:
    planner, track = new_planner(), person()
    planner.plan(frame(0), [track], never)
    (region,) = planner.plan(frame(3), [track], never)
    assert clip(track.box, region.box) == track.box and region.box.area < 30 * track.box.area
    assert region.min_face <= track.box.width <= region.max_face and not region.coarse


def test_searches_for_a_person_who_is_not_found_become_rarer() -> None:
    planner, gone = new_planner(), person(found=False)
    planner.plan(frame(0), [gone], never)
    times = [number / FPS for number in range(1, 3 * FPS - 2) if planner.plan(frame(number), [gone], never)]
    gaps = np.diff([0.0, *times])
    assert 3 <= len(times) <= 20 and gaps[-1] > 2 * gaps[0]


def test_motion_of_a_tracked_persons_body_is_searched_later_than_other_motion() -> None:
    planner, track = new_planner(), person()
    planner.plan(frame(0), [track], always)
    body, other = (310, 330), (40, 60)
    searched = [
        (
            number / FPS,
            [region.box for region in planner.plan(frame(number, with_people(body, other)), [track], always)],
        )
        for number in range(1, FPS)
    ]

    def first(x: int, y: int) -> float:
        spot = Box(x, y, x + 64, y + 64)
        return next(moment for moment, boxes in searched if any(clip(spot, box) == spot for box in boxes))

    assert (
        first(*other) < EXPLAINED_MOTION_INTERVAL_S / 2
        and EXPLAINED_MOTION_INTERVAL_S - 0.06 <= first(*body) <= EXPLAINED_MOTION_INTERVAL_S + 0.2
    )


def test_only_zones_are_searched() -> None:
    left = ((0.0, 0.0), (0.4, 0.0), (0.4, 1.0), (0.0, 1.0))
    planner = RegionPlanner(DetectConfig(zones=(left,)), DecideConfig())
    (sweep,) = planner.plan(frame(0), [], never)
    assert sweep.box.x1 < 500
    assert planner.plan(frame(5, with_people((500, 200))), [], never) == []
    assert planner.plan(frame(10, with_people((500, 200), (60, 200))), [], never)


def test_an_image_smaller_than_a_face_has_no_empty_region() -> None:
    tiny = np.zeros((30, 30, 3), np.uint8)
    for number in range(0, 200, 5):
        for region in new_planner().plan(frame(number, tiny + number), [person(Box(0, 0, 30, 30))], never):
            assert region.box.width > 0 and region.box.height > 0


def test_without_the_gate_every_frame_is_searched_completely() -> None:
    planner = open_planner(DetectConfig(gate=False, min_face=60), DecideConfig())
    assert isinstance(planner, FullFramePlanner)
    assert [planner.plan(frame(n), [], never) for n in range(3)] == 3 * [[Region(WHOLE, 60, 640)]]


def test_a_face_found_in_two_regions_is_one() -> None:
    inner, outer, other = Box(20, 20, 60, 60), Box(10, 10, 70, 70), Box(200, 10, 260, 70)
    regions = [Region(WHOLE, 48, 640), Region(Box(0, 0, 100, 100), 48, 640)]
    found = detect_in_regions(
        lambda region: [outer, other] if region.max_face and region.box == WHOLE else [inner], regions, WHOLE
    )
    assert found == [outer, other]


class Camera:
    """Repeats one frame of the bundled clip with a bare person, in a sensor's noise."""

    def __init__(self, door: Path) -> None:
        with closing(open_source(str(door))) as source:
            self.image = next(frame.image for frame in source if frame.number == 60)
        self.now = 0.0

    def __iter__(self) -> Iterator[Frame]:
        rng = np.random.default_rng(0)
        grain = [rng.integers(-2, 3, self.image.shape, np.int16) for _ in range(8)]
        for number in range(30 * FPS):
            self.now = number / FPS
            image = np.clip(self.image + grain[number % 8], 0, 255).astype(np.uint8)
            yield Frame(image, None, self.now, number)


def test_a_still_person_stays_tracked(door: Path) -> None:
    camera, seen, alerts = Camera(door), list[tuple[int, int]](), list[float]()
    policy, searched = Policy(DecideConfig()), list[float]()

    def detect(image: Image, luma: Image | None, regions: Sequence[Region]) -> list[Box]:
        searched.append(camera.now)
        return detector.detect(image, luma, regions)

    detector, classifier = HaarDetector(DetectConfig()), open_classifier(Config())

    class Observer:
        def alert(self, alert: Alert, scene: Scene) -> None:
            alerts.append(alert.time)

        def frame_done(self, scene: Scene) -> None:
            seen.append((len(scene.tracks), scene.tracks[0].key if scene.tracks else 0))

    stages = loop.Stages(new_planner().plan, detect, classifier.classify)
    loop.run(camera, stages, Tracker(forget=TrackConfig().forget), policy, Observer())
    assert set(seen[FPS:]) == {(1, 1)}, "it is one person, and the same all the time"
    assert len(alerts) == 1 and len(searched) < len(seen) / 4


def test_a_sighting_that_contradicts_the_judgement_unsettles_a_person() -> None:
    """A judged person is searched for rarely, until a sighting contradicts the judgement."""
    policy = Policy(DecideConfig())
    masked, bare = ({"mask": share, "no_mask": 1 - share} for share in (0.99, 0.01))
    box = Box(100, 100, 200, 200)
    track = Track(1, box, 0.0, 0.0, Face(box, masked))
    for number in range(8):
        policy.update([track], number / 10)
    assert policy.states == {1: "mask"} and policy.settled(track)
    assert not policy.settled(replace(track, face=Face(box, bare)))
    assert not policy.settled(replace(track, face=None)) and not policy.settled(replace(track, key=2))
