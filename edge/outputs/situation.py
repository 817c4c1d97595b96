"""Says in one word who is at the door: the seam between the decisions and what answers them."""

from collections.abc import Sequence
from dataclasses import dataclass


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
    ``interval`` is the number of seconds within which the next one is expected.
    """

    time: float
    people: Sequence[Person] = ()
    judging: bool = True
    interval: float = 1.0
