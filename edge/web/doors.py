"""Keeps what is known of every door of a broker, and tells pages what has changed."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from ..config.option import NAME
from .door import Door, moment, parsed
from .listeners import Listener, Listeners

MOST_DOORS = 1000
"""Doors that are kept, so that no stray publisher fills the memory."""
CONFIRM_S = 5.0
"""Seconds after a connection within which the broker has sent all that is retained; a door without it is gone."""
GATHER_S = 0.25
"""Seconds for which changes are gathered into one event."""
LINK = re.compile(r"https?://[^\s@\\]+", re.IGNORECASE)


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
        self._broker = Broker(False, moment())
        self._listeners = Listeners()

    def state(self) -> dict[str, Any]:
        """Returns everything that a page shows when it is opened. For any thread."""
        return {
            "broker": {"connected": self._broker.connected, "since": self._broker.since},
            "rows": list(self._rows.values()),
        }

    def all(self) -> list[Door]:
        """Returns every door. For any thread, which must not change them."""
        return list(self._doors.values())

    @property
    def is_connected(self) -> bool:
        """Returns whether there is a connection to the broker. For any thread."""
        return self._broker.connected

    def add_listener(self, listener: Listener) -> Callable[[], None]:
        """Calls ``listener(topic, message)`` for each change, in the observer's thread; returns what removes it."""
        return self._listeners.add(listener)

    # Everything below runs in the observer's thread.

    def connected(self) -> None:
        self._show(Broker(True, moment()))
        self._unconfirmed, self._confirm_at = set(self._doors), time.monotonic() + CONFIRM_S
        for door in self._doors.values():  # nothing was heard meanwhile, which is not the door's fault
            door.heard, door.stats = time.monotonic(), {}

    def disconnected(self) -> None:
        if self._broker.connected:
            self._show(Broker(False, moment()))

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
            door.heard, door.heard_at = time.monotonic(), moment()
        door.take(kind, payload, retained)

    def _forget(self, device: str) -> None:
        self._doors.pop(device, None)
        self._unconfirmed.discard(device)

    def _note_link(self, payload: bytes) -> None:
        message = parsed(payload)
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
