"""edge.outputs.situation: one word for the people at the door, in a zone and in view."""

import pytest

from edge.config.zone import Zone
from edge.outputs.situation import Person, Sight, contains, is_settled, sight_of, situation_of

LEFT = Zone([(0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0)], "left")
ARROW = Zone([(0.1, 0.1), (0.9, 0.5), (0.1, 0.9), (0.4, 0.5)], "arrow")  # with a notch at its left


def people(*states: str, x: float = 0.25) -> list[Person]:
    return [Person(state, x, 0.5) for state in states]


@pytest.mark.parametrize(
    ("states", "situation"),
    [
        ((), "nobody"),
        (("unknown", "unsure"), "nobody"),
        (("mask", "unsure"), "mask"),
        (("mask", "incorrect_mask"), "incorrect_mask"),
        (("incorrect_mask", "no_mask", "mask"), "no_mask"),
    ],
)
def test_the_worst_protected_person_counts(states: tuple[str, ...], situation: str) -> None:
    assert situation_of(people(*states)) == situation


def test_only_people_in_the_zone_count_there_and_everybody_counts_in_view() -> None:
    present = people("mask") + people("no_mask", x=0.75)
    assert sight_of(present, [LEFT]) == Sight("mask", "no_mask")
    assert sight_of(present, None) == Sight("no_mask", "no_mask")
    assert sight_of(people("mask", x=0.75), [LEFT]) == Sight("nobody", "mask")


def test_zones_of_one_name_count_together() -> None:
    right = Zone([(0.5, 0.0), (1.0, 0.0), (1.0, 1.0), (0.5, 1.0)], "left")
    assert sight_of(people("mask", x=0.75), [LEFT, right]).in_zone == "mask"


@pytest.mark.parametrize(("x", "inside"), [(0.05, False), (0.2, False), (0.39, False), (0.5, True), (0.95, False)])
def test_a_polygon_may_have_a_notch(x: float, inside: bool) -> None:
    assert contains(ARROW, x, 0.5001) is inside


@pytest.mark.parametrize(
    ("unjudged", "unchanged", "interval", "settled"),
    [
        ((), 0.0, 0.0, True),
        ((0.6,), 0.0, 0.08, False),
        ((1.9, 30.0), 0.0, 0.08, False),
        ((2.0, 30.0), 0.0, 0.08, True),  # a false face keeps nobody out for ever
        ((4.9,), 0.0, 1.0, False),
        ((5.0,), 0.0, 1.0, True),
        ((), 1.0, 0.08, True),
        ((), 1.1, 0.08, False),
        ((), 2.0, 1.0, True),
        ((), 2.1, 1.0, False),
        ((), float("inf"), 1.0, False),
    ],
)
def test_the_view_is_settled_when_everybody_is_judged_by_pictures_of_now(
    unjudged: tuple[float, ...], unchanged: float, interval: float, settled: bool
) -> None:
    assert is_settled(unjudged, unchanged, interval) is settled
