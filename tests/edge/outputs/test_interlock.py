"""edge.outputs.interlock: a door that opens for a mask. Time is an argument."""

import itertools
import math
import random
from typing import Any

import pytest

from edge.config.outputs import RelayConfig, Situation
from edge.outputs.interlock import LINGER_S, Interlock
from edge.outputs.situation import Sight

SIGHTS = [
    Sight(zone, view)
    for zone, view in itertools.product(("no_mask", "incorrect_mask", "mask", "nobody"), repeat=2)
    if ("no_mask", "incorrect_mask", "mask", "nobody").index(view)
    <= ("no_mask", "incorrect_mask", "mask", "nobody").index(zone)  # who is in the zone is in view
]


def interlock(**options: Any) -> Interlock:
    return Interlock(RelayConfig(name="door", pin=17, open_when="mask", **options))


def at(door: Interlock, now: float, in_zone: Situation, in_view: Situation | None = None) -> bool:
    return door.update(Sight(in_zone, in_view or in_zone), now)


def test_it_opens_for_a_masked_person_in_the_zone_and_for_nobody_else() -> None:
    opened = {(sight.in_zone, sight.in_view) for sight in SIGHTS if interlock().update(sight, 1)}
    assert opened == {("mask", "mask")}


def test_it_closes_by_itself_and_opens_again_only_for_a_new_situation() -> None:
    door = interlock(open_for=5)
    assert at(door, 10, "mask") and door.due == 15
    assert at(door, 14.9, "mask") and not at(door, 15, "mask") and not at(door, 1000, "mask")
    assert not at(door, 1001, "nobody") and not at(door, 1001.5, "mask"), "the edge of the zone is no new situation"
    assert not at(door, 1002, "nobody") and at(door, 1002 + LINGER_S, "mask")


def test_it_closes_when_the_masked_person_is_gone() -> None:
    door = interlock(open_for=60)
    assert at(door, 10, "mask") and at(door, 11, "nobody", "mask") and door.due == 11 + LINGER_S
    assert not at(door, 11 + LINGER_S, "nobody", "mask")


@pytest.mark.parametrize("fault", ["no_mask", "incorrect_mask"])
def test_it_closes_at_once_when_somebody_bare_is_in_view_wherever_they_are(fault: Situation) -> None:
    door = interlock(open_for=60)
    assert at(door, 10, "mask") and not at(door, 10.1, "mask", fault)
    assert not at(door, 20, "mask", fault) and at(door, 20.1, "mask"), "a new situation"


@pytest.mark.parametrize(("fail", "rest"), [("closed", False), ("open", True)])
def test_it_is_in_its_fail_state_while_nobody_can_be_judged(fail: Any, rest: bool) -> None:
    door = interlock(fail=fail, open_for=60)
    assert door.rest is rest and at(door, 1, "unknown") is rest
    assert at(door, 2, "mask") and at(door, 3, "unknown") is rest and door.due == math.inf
    assert not at(door, 4, "nobody"), "whoever was there went unseen"


def test_a_faltering_camera_neither_prolongs_nor_ends_an_opening() -> None:
    door = interlock(open_for=5)
    assert at(door, 10, "mask") and not at(door, 12, "unknown") and at(door, 13, "mask") and door.due == 15
    assert not at(door, 14, "unknown") and not at(door, 16, "mask")


UNSETTLED = Sight("mask", "mask", settled=False)


def test_it_begins_to_open_only_when_the_view_is_settled_and_then_stays_open() -> None:
    door = interlock(open_for=5)
    assert not door.update(UNSETTLED, 10) and not door.update(UNSETTLED, 20) and door.due == math.inf
    assert at(door, 21, "mask") and door.update(UNSETTLED, 22) and door.due == 26
    assert at(door, 23, "nobody") and door.update(UNSETTLED, 23.5), "the edge of the zone is no new situation"
    assert not door.update(UNSETTLED, 26) and not at(door, 27, "mask")


def test_after_a_faltering_camera_it_opens_again_only_when_the_view_is_settled() -> None:
    door = interlock(open_for=60)
    assert at(door, 10, "mask") and not at(door, 11, "unknown")
    assert not door.update(UNSETTLED, 12) and not door.update(UNSETTLED, 13)
    assert at(door, 14, "mask") and door.due == 70
    assert not at(door, 15, "unknown") and not door.update(UNSETTLED, 16) and not at(door, 17, "nobody")
    assert at(door, 18, "mask") and door.due == 78, "whoever was there went unseen"


@pytest.mark.parametrize("fail", ["closed", "open"])
def test_somebody_bare_closes_it_settled_or_not(fail: Any) -> None:
    door = interlock(fail=fail, open_for=60)
    assert at(door, 10, "mask") and not door.update(Sight("mask", "no_mask", settled=False), 11)
    assert not door.update(UNSETTLED, 12) and at(door, 13, "mask")


def test_no_order_of_events_opens_it_for_longer_or_beside_anybody_bare() -> None:
    """20,000 random steps, and what must hold at each of them."""
    dice = random.Random(20)
    door, now, opened = interlock(open_for=5.0), 0.0, 0
    masked_since = gone_since = None
    is_open = False
    for _ in range(20_000):
        now += dice.choice((0.01, 0.1, 0.5, 1.0, 3.0, 8.0))
        sight = dice.choice((*SIGHTS, Sight(), UNSETTLED, *[Sight("mask", "mask")] * 6))
        was_open = is_open
        if sight == UNSETTLED and not was_open:
            pass
        elif (sight.in_zone, sight.in_view) == ("mask", "mask"):
            masked_since, gone_since = masked_since or now, None
        else:
            masked_since, gone_since = None, gone_since or now
        if is_open := door.update(sight, now):
            opened += 1
            assert was_open or sight.settled
            assert sight.in_view in ("mask", "nobody"), "nobody bare, and it is known who is there"
            assert masked_since is None or now - masked_since < 5.0
            assert gone_since is None or now - gone_since < LINGER_S
    assert opened > 1000
