"""Follows the doors: which is offline or has lost its camera, for how long, and what of it was told."""

from collections.abc import Callable
from dataclasses import dataclass

SETTLED = 5.0
"""Seconds for which a door must be well before that is told: its status and its health arrive one after the other."""
FAULTS = ("lost", "frozen")
"""Conditions of a camera that are told. ``dark`` is the night, at most doors."""


@dataclass(slots=True)
class Door:
    """What is known of a door; None where nothing is. ``since`` is the monotonic time of the last change."""

    online: bool | None = None
    camera: str | None = None
    since: float = 0.0

    @property
    def condition(self) -> str | None:
        """Returns ``offline``, ``lost``, ``frozen`` or ``ok``; None if nothing is known."""
        if self.online is None:
            return None
        if not self.online:
            return "offline"
        return self.camera if self.camera in FAULTS else "ok"


class Faults:
    """Finds what must be told: a fault that has lasted for ``delay`` seconds, and its end.

    ``told`` returns the condition of a door that was told last, empty if none was.
    """

    def __init__(self, delay: float, told: Callable[[str], str]) -> None:
        self._delay = delay
        self._told = told
        self._doors: dict[str, Door] = {}

    def status(self, device: str, online: bool, now: float) -> None:
        """Notes whether a door is online."""
        door, before = self._door(device)
        door.online = online
        self._note(door, before, now)

    def camera(self, device: str, condition: str, now: float) -> None:
        """Notes the condition of a door's camera."""
        door, before = self._door(device)
        door.camera = condition
        self._note(door, before, now)

    def forget(self, device: str) -> None:
        """Forgets a door that was removed."""
        self._doors.pop(device, None)

    def unknown(self) -> None:
        """Notes that the broker cannot be asked: what it keeps of every door comes again with the next connection."""
        self._doors.clear()

    def pending(self) -> list[tuple[str, str, float]]:
        """Returns each door whose condition is not the one told, the condition, and the time from which it counts."""
        found = []
        for device, door in self._doors.items():
            condition = door.condition
            if condition is not None and condition != (self._told(device) or "ok"):
                wait = min(self._delay, SETTLED) if condition == "ok" else self._delay
                found.append((device, condition, door.since + wait))
        return found

    def _door(self, device: str) -> tuple[Door, str | None]:
        door = self._doors.setdefault(device, Door())
        return door, door.condition

    def _note(self, door: Door, before: str | None, now: float) -> None:
        if door.condition != before:
            door.since = now
