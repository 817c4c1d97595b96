"""Tests the tracker on walks given as centre and width of a face over time, and the people they should count as."""

from collections.abc import Callable

import pytest

from edge.faces.face import Face
from edge.faces.geometry import Box
from edge.people.tracker import Tracker

Spot = tuple[float, float, float]
"""Centre and width of a face."""
Walk = Callable[[float], Spot | None]
"""Returns where a face is at a time, or None while it is not found."""


def face(spot: Spot) -> Face:
    x, y, width = spot
    return Face(
        Box(round(x - width / 2), round(y - width / 2), round(x + width / 2), round(y + width / 2)), {"mask": 1.0}
    )


def follow(walks: list[Walk], fps: float, until: float, forget: float = 3.0) -> list[list[int]]:
    """Returns the track keys of each walk, in order and without repetition."""
    tracker = Tracker(forget=forget)
    keys: list[list[int]] = [[] for _ in walks]
    for step in range(round(until * fps) + 1):
        now = step / fps
        seen = {person: face(spot) for person, walk in enumerate(walks) if (spot := walk(now)) is not None}
        tracks = tracker.update(list(seen.values()), now)
        for person, detected in seen.items():
            (key,) = [track.key for track in tracks if track.face is detected]
            keys[person] += [key] if key not in keys[person] else []
    return keys


def straight(start: Spot, end: Spot, seconds: float, unseen: tuple[float, float] = (-1, -1)) -> Walk:
    def walk(now: float) -> Spot | None:
        if now > seconds or unseen[0] < now < unseen[1]:
            return None
        x, y, width = (a + (b - a) * now / seconds for a, b in zip(start, end, strict=True))
        return x, y, width

    return walk


def then(first: Walk, change: float, second: Walk) -> Walk:
    return lambda now: first(now) if now < change else second(now)


def still(x: float, y: float = 200, width: float = 80, unseen: tuple[float, float] = (-1, -1)) -> Walk:
    return straight((x, y, width), (x, y, width), 100, unseen)


CASES = [
    pytest.param([still(300)], 15, 2, [1], id="stands still"),
    pytest.param([straight((100, 200, 80), (500, 220, 80), 3)], 15, 3, [1], id="walks straight across"),
    pytest.param([straight((300, 200, 40), (300, 240, 200), 3)], 10, 3, [1], id="comes nearer and grows"),
    pytest.param([straight((60, 200, 80), (600, 200, 80), 1.5)], 5, 1.5, [1], id="fast walk at 5 fps"),
    pytest.param([still(300, unseen=(0.5, 3.0))], 10, 4, [1], id="a gap shorter than forget"),
    pytest.param([still(300, unseen=(0.5, 4.0))], 10, 5, [2], id="a gap longer than forget"),
    pytest.param([straight((100, 200, 80), (400, 200, 80), 3, (1.0, 1.3))], 15, 3, [1], id="a short gap on the way"),
    pytest.param([straight((60, 200, 80), (700, 200, 80), 2, (1.0, 1.4))], 15, 2, [1], id="a gap in a fast walk"),
    pytest.param([still(200), still(300)], 10, 3, [1, 1], id="side by side"),
    pytest.param(
        [straight((100, 200, 80), (400, 200, 80), 3), straight((200, 200, 80), (500, 200, 80), 3)],
        15,
        3,
        [1, 1],
        id="one behind the other",
    ),
    pytest.param(
        [straight((100, 190, 80), (500, 190, 80), 2), straight((500, 210, 80), (100, 210, 80), 2)],
        15,
        2,
        [1, 1],
        id="two cross",
    ),
    pytest.param([then(still(100), 1, still(500))], 10, 2, [2], id="a jump too far"),
    pytest.param([then(still(300), 1, still(300, width=160))], 10, 2, [2], id="a face of another size"),
    pytest.param([then(still(300), 1, still(300, width=110))], 10, 2, [1], id="a box whose size varies"),
]


@pytest.mark.parametrize(("walks", "fps", "until", "people"), CASES)
def test_walks(walks: list[Walk], fps: float, until: float, people: list[int]) -> None:
    keys = follow(walks, fps, until)
    assert [len(tracks) for tracks in keys] == people
    assert len({key for tracks in keys for key in tracks}) == sum(people), "two people have the same key"


def test_first_and_last_sighting() -> None:
    tracker = Tracker(forget=3.0)
    tracker.update([face((300, 200, 80))], 10.0)
    (track,) = tracker.update([face((304, 200, 80))], 10.5)
    assert (track.first_seen, track.last_seen, track.box) == (10.0, 10.5, face((304, 200, 80)).box)


def test_in_a_gap_the_person_is_present_without_a_face() -> None:
    tracker = Tracker(forget=1.0)
    tracker.update([face((300, 200, 80))], 0.0)
    (track,) = tracker.update([], 1.0)
    assert track.face is None and track.last_seen == 0.0
    assert tracker.update([], 1.1) == []


def test_keys_are_never_reused() -> None:
    tracker = Tracker(forget=0.5)
    keys = [tracker.update([face((300, 200, 80))], now)[0].key for now in (0.0, 1.0, 2.0)]
    assert len(set(keys)) == 3


def test_two_frames_of_the_same_moment() -> None:
    """The elapsed time is 0 and must not be a divisor."""
    tracker = Tracker(forget=3.0)
    tracker.update([face((300, 200, 80))], 1.0)
    (track,) = tracker.update([face((310, 200, 80))], 1.0)
    assert track.key == 1 and track.velocity == (0.0, 0.0)


def test_every_face_of_a_crowd_gets_its_own_key() -> None:
    faces = [face((60 + 50 * number, 200, 40)) for number in range(10)]
    tracks = Tracker(forget=3.0).update(faces, 0.0)
    assert [track.face for track in tracks] == faces
    assert len({track.key for track in tracks}) == 10
