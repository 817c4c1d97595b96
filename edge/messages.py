"""The wire contract: topics, and the messages with their encoding beside the fields.

JSON is UTF-8 and compact, every message carries ``"schema": 1``, times are UTC ISO 8601 with milliseconds and Z.
"""

import ctypes
import json
import secrets
import time
import uuid
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .people.policy import Alert

SCHEMA = 1
RUN = secrets.token_hex(4)
"""Random per process, so that track names tell nobody anything beyond one run."""


@dataclass(frozen=True, slots=True)
class Topics:
    """Topic names of one camera: ``prefix/device/...``."""

    prefix: str
    device: str

    @property
    def root(self) -> str:
        return f"{self.prefix}/{self.device}"

    def __getattr__(self, name: str) -> str:
        """``status``, ``alert``, ``state``, ``health``, ``stats``, ``snapshot``, ``enabled_set``, ``enabled_state``."""
        if name not in ("status", "alert", "state", "health", "stats", "snapshot", "enabled_set", "enabled_state"):
            raise AttributeError(name)
        return f"{self.root}/{name.replace('_', '/')}"


def encode(message: Any) -> bytes:
    """A message as sent."""
    return json.dumps({"schema": SCHEMA, **asdict(message)}, separators=(",", ":"), ensure_ascii=False).encode()


@dataclass(frozen=True, slots=True)
class AlertMessage:
    """Somebody without a mask (or, with a three-class model, with one worn wrongly)."""

    event_type: str
    id: str
    device: str
    time: str
    score: float
    frames: int
    seen_s: float
    track: str
    box: tuple[int, int, int, int]
    frame_size: tuple[int, int]
    clock_synced: bool
    model: str
    snapshot: bool = False

    @classmethod
    def of(
        cls, alert: Alert, *, device: str, model: str, frame_size: tuple[int, int], snapshot: bool = False
    ) -> "AlertMessage":
        """The message for an alert, with a fresh id and the present time; ``frame_size`` is (width, height)."""
        return cls(
            event_type=alert.event_type,
            id=str(uuid7()),
            device=device,
            time=utc_now(),
            score=round(alert.score, 3),
            frames=alert.frames,
            seen_s=round(alert.seen_s, 2),
            track=f"{RUN}-{alert.track}",
            box=tuple(map(int, alert.box)),  # type: ignore[arg-type]
            frame_size=frame_size,
            clock_synced=clock_synced(),
            model=model,
            snapshot=snapshot,
        )

    @classmethod
    def decode(cls, payload: bytes) -> "AlertMessage":
        """Raises ``ValueError`` for anything that is no alert of this schema."""
        try:
            data = json.loads(payload)
            if data.pop("schema") != SCHEMA:
                raise ValueError("unknown schema")
            _check_types(data)
            return cls(**{**data, "box": tuple(data["box"]), "frame_size": tuple(data["frame_size"])})
        except (KeyError, TypeError, AttributeError, UnicodeDecodeError, RecursionError) as error:
            raise ValueError(f"no alert: {error!r}") from error


@dataclass(frozen=True, slots=True)
class State:
    """Who is there now, and today's sums (local day)."""

    no_mask: str = "OFF"
    people: int = 0
    mask: int = 0
    no_mask_count: int = 0
    today: dict[str, int] = field(default_factory=lambda: {"people": 0, "mask": 0, "alerts": 0})


@dataclass(frozen=True, slots=True)
class Health:
    camera: str
    model: str
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Stats:
    """How the process is doing; None where this machine does not tell."""

    fps: float
    frames: int
    dropped: int
    detect_ms: float
    classify_ms: float
    latency_ms: float
    cpu_temp_c: float | None
    throttled: bool | None
    rss_mb: float
    outbox: int
    uptime_s: int


KINDS: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (str, "event_type id device time track model"),
    ((int, float), "score seen_s"),
    (int, "frames"),
    (bool, "clock_synced"),
)


def _check_types(data: dict[str, Any]) -> None:
    """What another sender might get wrong must be found here, not where it is used."""
    for kind, names in KINDS:
        for name in names.split():
            if not isinstance(data[name], kind):
                raise ValueError(f"no alert: {name} is {data[name]!r}")
    for name, length in (("box", 4), ("frame_size", 2)):
        if not isinstance(data[name], list) or [type(side) for side in data[name]] != [int] * length:
            raise ValueError(f"no alert: {name} is not {length} whole numbers")


def utc_now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def uuid7() -> uuid.UUID:
    """A UUID that sorts by time (RFC 9562, section 5.7); Python has its own from 3.14 on."""
    value = (time.time_ns() // 1_000_000) << 80 | secrets.randbits(80)
    value = value & ~(0xF << 76) | 0x7 << 76
    return uuid.UUID(int=value & ~(0x3 << 62) | 0x2 << 62)


TIME_ERROR = 5
"""``adjtimex(2)``: the clock is not synchronized."""
TIMESYNCD = Path("/run/systemd/timesync/synchronized")
"""There once systemd-timesyncd has set the clock (its manual page); the only word where a sandbox forbids adjtimex."""


def clock_synced() -> bool:
    """Whether the clock is held for synchronized, by the kernel or by systemd: a Pi has no clock of its own at boot."""
    try:
        buffer = ctypes.create_string_buffer(512)  # struct timex, modes = 0: read only
        state = ctypes.CDLL(None, use_errno=True).adjtimex(buffer)
    except (OSError, AttributeError):
        state = -1
    return bool(state != TIME_ERROR) if state >= 0 else TIMESYNCD.exists()
