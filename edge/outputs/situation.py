"""Says in one word who is at the door: the seam between the decisions and what answers them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..config.outputs import Situation
from ..config.zone import Zone

UNCHANGED_S, UNCHANGED_INTERVALS = 1.0, 2.0
"""Seconds, and intervals between two frames, for which pictures may stay the same while a door opens: the longer of the
two. That a camera is frozen or dark is reported only after 4 to 10 s."""
NEWCOMER_S, NEWCOMER_INTERVALS = 2.0, 5.0
"""Seconds, and intervals, for which somebody who is not judged keeps a door from opening: the longer of the two. A
person is judged after 0.6 s at 12 frames per second, after 3 s at 1. Whoever is not judged later may be no person."""
WORST_FIRST: tuple[Situation, ...] = ("no_mask", "incorrect_mask", "mask")


@dataclass(frozen=True, slots=True)
class Person:
    """What a present person counts as (``people.policy.PersonState``), and the centre of the face.

    ``x`` and ``y`` are shares (0..1) of the frame's width and height.
    """

    state: str
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Presence:
    """Who is at the door at ``time`` (monotonic seconds of this process).

    ``judging`` is False while nobody can be judged: watching is paused, or the camera is lost, frozen or dark.
    ``settled`` is False while a door may not begin to open (``is_settled``).
    ``interval`` is the number of seconds within which the next one is expected.
    """

    time: float
    people: Sequence[Person] = ()
    judging: bool = True
    settled: bool = True
    interval: float = 1.0


@dataclass(frozen=True, slots=True)
class Sight:
    """The situation in the zone of an output, and in the whole view. Both are ``unknown``, or none is.

    ``settled`` is as in ``Presence``.
    """

    in_zone: Situation = "unknown"
    in_view: Situation = "unknown"
    settled: bool = True


def situation_of(people: Iterable[Person]) -> Situation:
    """Returns what the worst protected of the people who are judged counts as; ``nobody`` if there are none."""
    states = {person.state for person in people}
    return next((situation for situation in WORST_FIRST if situation in states), "nobody")


def is_settled(unjudged: Iterable[float], unchanged: float, interval: float) -> bool:
    """Returns whether everybody in view is judged, and by pictures of now.

    ``unjudged`` are the seconds since each person who is not judged was first seen. ``unchanged`` are the seconds for
    which the pictures have shown nothing new, ``interval`` those between two frames.
    """
    newcomer_s = max(NEWCOMER_S, NEWCOMER_INTERVALS * interval)
    is_now = unchanged <= max(UNCHANGED_S, UNCHANGED_INTERVALS * interval)
    return is_now and all(seconds >= newcomer_s for seconds in unjudged)


def sight_of(people: Sequence[Person], zones: Sequence[Zone] | None, settled: bool = True) -> Sight:
    """Returns the situation of people who can be judged; ``zones`` of None are the whole view."""
    in_view = situation_of(people)
    if zones is None:
        return Sight(in_view, in_view, settled)
    inside = (person for person in people if is_within(zones, person.x, person.y))
    return Sight(situation_of(inside), in_view, settled)


def is_within(zones: Iterable[Zone], x: float, y: float) -> bool:
    """Returns whether a point lies in one of the zones."""
    return any(contains(zone, x, y) for zone in zones)


def contains(zone: Zone, x: float, y: float) -> bool:
    """Returns whether a point lies in a polygon: a ray from it to the right crosses an odd number of edges."""
    inside = False
    for (x0, y0), (x1, y1) in zip(zone, (*zone[1:], zone[0]), strict=True):
        if (y0 > y) != (y1 > y) and x < x0 + (y - y0) * (x1 - x0) / (y1 - y0):
            inside = not inside
    return inside
