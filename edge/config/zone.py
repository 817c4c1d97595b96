"""Zones: polygons of the image, each with a name if somebody gave one."""

from collections.abc import Iterable, Mapping
from typing import Any

MAX_ZONES, MAX_CORNERS, MAX_NAME = 32, 64, 40
"""More zones and corners only cost: each face is compared with each edge."""
FORM = "must be a list of polygons [[x, y], [x, y], [x, y]], or of {name = ..., corners = [[x, y], ...]}"
Corner = tuple[float, float]
"""Shares ``(x, y)``, 0..1 of the frame's width and height."""


class Zone(tuple[Corner, ...]):
    """The corners of a polygon, with a name, which may be empty."""

    name: str

    def __new__(cls, corners: Iterable[Corner] = (), name: str = "") -> "Zone":
        """Makes a zone of corners that are checked."""
        zone = super().__new__(cls, corners)
        zone.name = name
        return zone

    def __eq__(self, other: object) -> bool:
        return tuple.__eq__(self, other) is True and self.name == getattr(other, "name", "")

    def __ne__(self, other: object) -> bool:  # else that of tuples
        return not self == other

    def __hash__(self) -> int:
        return tuple.__hash__(self)

    @property
    def plain(self) -> Any:
        """The zone as a configuration has it: a list of corners, or a table with name and corners."""
        corners = [list(corner) for corner in self]
        return {"name": self.name, "corners": corners} if self.name else corners


def checked_zones(value: Any) -> tuple[Zone, ...]:
    """Returns the zones of a configuration. Raises ``ValueError`` that says what is wrong with them."""
    if not isinstance(value, list | tuple):
        raise ValueError(FORM)
    if len(value) > MAX_ZONES:
        raise ValueError(f"{len(value)} zones; at most {MAX_ZONES} are allowed")
    return tuple(map(_checked_zone, value))


def _checked_zone(value: Any) -> Zone:
    name, corners = getattr(value, "name", ""), value
    if isinstance(value, Mapping):
        if set(value) - {"name", "corners"} or "corners" not in value:
            raise ValueError(FORM)
        name, corners = value.get("name", ""), value["corners"]
    if not isinstance(corners, list | tuple) or not all(isinstance(corner, list | tuple) for corner in corners):
        raise ValueError(FORM)
    if len(corners) < 3:
        raise ValueError("a polygon needs 3 corners or more")
    if len(corners) > MAX_CORNERS:
        raise ValueError(f"a polygon has {len(corners)} corners; at most {MAX_CORNERS} are allowed")
    return Zone(map(_checked_corner, corners), _checked_name(name))


def _checked_name(name: Any) -> str:
    if not isinstance(name, str) or len(name) > MAX_NAME or not (name == "" or name.isprintable()):
        raise ValueError(f"the name of a zone must be text of at most {MAX_NAME} characters on one line")
    return str(name.strip())


def _checked_corner(value: Any) -> Corner:
    if len(value) != 2 or any(type(number) not in (int, float) for number in value):
        raise ValueError(FORM)
    if not all(0 <= number <= 1 for number in value):
        raise ValueError("corners are shares of the frame, 0 to 1")
    return float(value[0]), float(value[1])
