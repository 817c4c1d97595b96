"""Keeps what is known of every door of a broker, and tells pages what has changed."""

import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar, Literal

from ..config.option import NAME
from ..mqtt.messages import AlertMessage
from .listeners import Listener, Listeners

MOST_DOORS = 1000
"""Doors that are kept, so that no stray publisher fills the memory."""
SILENT_S = 95.0
"""Seconds without a message after which a door is silent that counts as online: statistics come every 30."""
CONFIRM_S = 5.0
"""Seconds after a connection within which the broker has sent all that is retained; a door without it is gone."""
GATHER_S = 0.25
"""Seconds for which changes are gathered into one event."""
CONDITIONS = ("ok", "lost", "frozen", "dark")
LINK = re.compile(r"https?://[^\s@\\]+", re.IGNORECASE)
Standing = Literal["offline", "silent", "camera", "bare", "problem", "paused", "waiting", "good"]
"""How a door stands, the worst first. ``waiting``: it has said nothing yet that tells."""


@dataclass(slots=True)
class Door:
    """What a door has said. ``since`` is when it came or went; ``at_least`` tells that this was earlier."""

    name: str
    online: bool | None = None
    since: str = ""
    at_least: bool = True
    heard: float = 0.0
    heard_at: str = ""
    state: Mapping[str, Any] = field(default_factory=dict)
    camera: str = "ok"
    problem: str = ""
    paused: bool = False
    last_alert: Mapping[str, str] | None = None
    link: str = ""

    def standing(self, now: float) -> Standing:
        """Returns how the door stands at a monotonic time."""
        if self.online is None:
            return "waiting"
        if not self.online:
            return "offline"
        if now - self.heard > SILENT_S:
            return "silent"
        if self.paused:
            return "paused"
        if self.camera != "ok":
            return "camera"
        if self.state.get("no_mask") == "ON":
            return "bare"
        return "problem" if self.problem else "good"

    def row(self, now: float) -> dict[str, Any]:
        """Returns what a page shows. The counts of a door that is away may be those of an earlier day."""
        standing = self.standing(now)
        is_there = standing not in ("offline", "silent", "waiting")
        return {
            "name": self.name,
            "standing": standing,
            "since": self.heard_at if standing == "silent" else self.since,
            "at_least": self.at_least and standing != "silent",
            "camera": self.camera,
            "problem": self.problem,
            "people": _number(self.state.get("people")) if is_there else None,
            "today": _numbers(self.state.get("today")) if is_there else None,
            "last_alert": self.last_alert,
            "link": self.link,
        }


@dataclass(frozen=True, slots=True)
class Changes:
    """Rows that are new or have changed, and the names of doors that are gone."""

    topic: ClassVar[str] = "doors"
    rows: list[dict[str, Any]]
    gone: list[str]


@dataclass(frozen=True, slots=True)
class Broker:
    """Whether there is a connection to the broker, and since when."""

    topic: ClassVar[str] = "broker"
    connected: bool
    since: str


class Doors:
    """A ``DoorsListener``. Crosses threads: the observer's thread calls ``heard`` and the like,
    the page's thread reads.

    What the pages see (``rows``) is replaced as a whole.
    """

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._doors: dict[str, Door] = {}
        self._links: dict[str, str] = {}
        self._unconfirmed: set[str] = set()
        self._confirm_at = 0.0
        self._tell_at = 0.0
        self._rows: dict[str, dict[str, Any]] = {}
        self._broker = Broker(False, _now())
        self._listeners = Listeners()

    def state(self) -> dict[str, Any]:
        """Returns everything that a page shows when it is opened. For any thread."""
        return {
            "broker": {"connected": self._broker.connected, "since": self._broker.since},
            "rows": list(self._rows.values()),
        }

    def add_listener(self, listener: Listener) -> Callable[[], None]:
        """Calls ``listener(topic, message)`` for each change, in the observer's thread; returns what removes it."""
        return self._listeners.add(listener)

    # Everything below runs in the observer's thread.

    def connected(self) -> None:
        self._show(Broker(True, _now()))
        self._unconfirmed, self._confirm_at = set(self._doors), time.monotonic() + CONFIRM_S
        for door in self._doors.values():  # nothing was heard meanwhile, which is not the door's fault
            door.heard = time.monotonic()

    def disconnected(self) -> None:
        if self._broker.connected:
            self._show(Broker(False, _now()))

    def heard(self, device: str, kind: str, payload: bytes, retained: bool) -> None:
        if kind == "discovery":
            return self._note_link(payload)
        if not payload:  # it was taken back; a door that is gone takes back its status too
            return self._forget(device) if kind == "status" else None
        if device not in self._doors and (len(self._doors) >= MOST_DOORS or not NAME.fullmatch(device)):
            return
        door = self._doors.setdefault(device, Door(device, heard=time.monotonic(), link=self._links.get(device, "")))
        self._unconfirmed.discard(device)
        if not retained:
            door.heard, door.heard_at = time.monotonic(), _now()
        _take(door, kind, payload, retained)

    def _forget(self, device: str) -> None:
        self._doors.pop(device, None)
        self._unconfirmed.discard(device)

    def _note_link(self, payload: bytes) -> None:
        message = _parsed(payload)
        prefix, _, rest = str(message.get("availability_topic", "")).partition("/")
        name, _, kind = rest.partition("/")
        is_full = name not in self._links and len(self._links) >= MOST_DOORS
        if (prefix, kind) != (self._prefix, "status") or not NAME.fullmatch(name) or is_full:
            return
        described = message.get("device")
        link = str(described.get("configuration_url", "")) if isinstance(described, dict) else ""
        link = link.replace("{device}", name)
        self._links[name] = link if LINK.fullmatch(link) else ""
        if name in self._doors:
            self._doors[name].link = self._links[name]

    def tick(self) -> None:
        now = time.monotonic()
        if self._unconfirmed and now > self._confirm_at and self._broker.connected:
            for name in list(self._unconfirmed):
                self._forget(name)
        if now < self._tell_at or not self._broker.connected:
            return
        self._tell_at = now + GATHER_S
        rows = {name: door.row(now) for name, door in self._doors.items()}
        changed = [row for name, row in rows.items() if self._rows.get(name) != row]
        gone = [name for name in self._rows if name not in rows]
        self._rows = rows
        if changed or gone:
            self._listeners.notify(Changes(changed, gone))

    def _show(self, broker: Broker) -> None:
        self._broker = broker
        self._listeners.notify(broker)


def _take(door: Door, kind: str, payload: bytes, retained: bool) -> None:
    """Notes a message of a door. What cannot be read is left out: anybody may publish."""
    match kind:
        case "status":
            _take_status(door, payload == b"online", retained)
        case "state":
            door.state = _parsed(payload)
        case "enabled/state":
            door.paused = payload == b"OFF"
        case "health":
            if not (health := _parsed(payload)):
                return  # it must not make a problem look solved
            door.camera = camera if (camera := health.get("camera")) in CONDITIONS else "ok"
            door.problem = str(health.get("problem") or "")[:300]
        case "alert" if not retained:
            try:
                alert = AlertMessage.decode(payload)
            except ValueError:
                return
            door.last_alert = {"time": alert.time[:40], "kind": alert.event_type}


def _take_status(door: Door, online: bool, retained: bool) -> None:
    if door.online is online:
        return
    door.at_least = retained
    door.online, door.since = online, _now()
    door.heard = time.monotonic()


def _parsed(payload: bytes) -> dict[str, Any]:
    try:
        data = json.loads(payload)
    except (ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}


def _number(value: Any) -> int | None:
    return value if type(value) is int and 0 <= value < 1_000_000_000 else None


def _numbers(value: Any) -> dict[str, int | None]:
    names = ("people", "mask", "alerts")
    return {name: _number(value.get(name)) if isinstance(value, dict) else None for name in names}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
