"""Keeps what a door of a broker has said, and tells how the door stands."""

import json
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, get_args

from ..mqtt.messages import AlertMessage, CameraCondition

SILENT_S = 95.0
"""Seconds without a message after which a door is silent that counts as online: statistics come every 30."""
CONDITIONS: tuple[str, ...] = get_args(CameraCondition)
Standing = Literal["offline", "silent", "camera", "bare", "problem", "paused", "waiting", "good"]
"""How a door stands, the worst first. ``waiting``: it has said nothing yet that tells."""


@dataclass(slots=True)
class Door:
    """What a door has said. ``since`` is when it came or went; ``at_least`` tells that this was earlier.

    ``last_person_at`` (when somebody was seen to leave) and ``last_alert_at`` are in Unix time. Each value is replaced
    as a whole, so any thread may read it.
    """

    name: str
    online: bool | None = None
    since: str = ""
    at_least: bool = True
    heard: float = 0.0
    heard_at: str = ""
    state: Mapping[str, Any] = field(default_factory=dict)
    stats: Mapping[str, Any] = field(default_factory=dict)
    health: Mapping[str, Any] = field(default_factory=dict)
    camera: str = "ok"
    problem: str = ""
    paused: bool | None = None
    last_person_at: float | None = None
    last_alert_at: float | None = None
    last_alert: Mapping[str, str] | None = None
    link: str = ""

    @property
    def people(self) -> int | None:
        """Returns how many people are in view; None if that is unknown."""
        return _number(self.state.get("people"))

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

    def is_heard(self, now: float) -> bool:
        """Returns whether what the door has said last still holds at a monotonic time."""
        return self.standing(now) not in ("offline", "silent", "waiting")

    def row(self, now: float) -> dict[str, Any]:
        """Returns what a page shows. The counts of a door that is away may be those of an earlier day."""
        standing, is_heard = self.standing(now), self.is_heard(now)
        return {
            "name": self.name,
            "standing": standing,
            "since": self.heard_at if standing == "silent" else self.since,
            "at_least": self.at_least and standing != "silent",
            "camera": self.camera,
            "problem": self.problem,
            "people": self.people if is_heard else None,
            "today": _numbers(self.state.get("today")) if is_heard else None,
            "last_alert": self.last_alert,
            "link": self.link,
        }

    def take(self, kind: str, payload: bytes, retained: bool) -> None:
        """Notes a message of the door. What cannot be read is left out: anybody may publish."""
        match kind:
            case "status":
                self._take_status(payload == b"online", retained)
            case "state":
                before, self.state = self.people, parsed(payload)
                if not retained and (before or self.people):
                    self.last_person_at = time.time()
            case "stats":
                self.stats = parsed(payload)
            case "enabled/state":
                self.paused = payload == b"OFF"
            case "health":
                if not (health := parsed(payload)):
                    return  # it must not make a problem look solved
                self.health = health
                self.camera = camera if (camera := health.get("camera")) in CONDITIONS else "ok"
                self.problem = str(health.get("problem") or "")[:300]
            case "alert" if not retained:
                try:
                    alert = AlertMessage.decode(payload)
                except ValueError:
                    return
                self.last_alert = {"time": alert.time[:40], "kind": alert.event_type}
                self.last_alert_at = max(self.last_alert_at or 0.0, _time_of(alert))

    def _take_status(self, online: bool, retained: bool) -> None:
        if self.online is online:
            return
        self.at_least = retained
        self.online, self.since = online, moment()
        self.heard = time.monotonic()
        if not online:
            self.stats = {}


def _time_of(alert: AlertMessage) -> float:
    """Returns when an alert was raised (Unix time), and the present for one whose clock was wrong or is ahead."""
    with suppress(ValueError, OverflowError):
        if alert.clock_synced:
            return min(datetime.fromisoformat(alert.time).timestamp(), time.time())
    return time.time()


def parsed(payload: bytes) -> dict[str, Any]:
    """Returns a JSON object; an empty one for anything else."""
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


def moment() -> str:
    """Returns the present as UTC ISO 8601, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
