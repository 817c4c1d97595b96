"""Defines the wire contract: messages with their encoding, and the commands that a camera takes.

JSON is UTF-8 and compact, every message carries ``"schema": 1``, times are UTC ISO 8601 with milliseconds and Z."""

import json
import secrets
import time
import uuid
from collections.abc import Collection
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar, Literal

from ..clock import utc_iso

SCHEMA = 1
CameraCondition = Literal["ok", "lost", "frozen", "dark"]
EventType = Literal["no_mask", "incorrect_mask"]
KINDS: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (str, "event_type id device time track model"),
    ((int, float), "score seen_s"),
    (int, "frames"),
    (bool, "clock_synced"),
)
UNBLURRED = b"\xff\xd8\xff\xfe\x00\x18maskwatch: no blurring"
"""How a snapshot begins in which no face is blurred: a JPEG comment, so that nothing passes it on by accident."""
LONGEST_ALERT = 2**14
"""Bytes of an alert, at most; one has about 400."""
LARGEST_NUMBER = 2**63
"""No number of an alert is as large; neither is "not a number"."""
LIMIT = 4096
"""Bytes of a command, at most; longer payloads are not parsed."""
NOTHING = dict.fromkeys("people mask no_mask incorrect_mask unsure alerts".split(), 0) | {
    "mask_share": None,
    "note": None,
}
"""The sums of a day on which nobody came."""
VALUES = {b"ON": True, b"OFF": False}
"""What a switch can be told."""


def encode(message: Any) -> bytes:
    """Encodes a message as it is sent."""
    return json.dumps({"schema": SCHEMA, **asdict(message)}, separators=(",", ":"), ensure_ascii=False).encode()


@dataclass(frozen=True, slots=True)
class AlertMessage:
    """A person without a mask or, with a three-class model, with a mask worn incorrectly."""

    topic: ClassVar[str] = "alert"
    event_type: EventType
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
    def decode(cls, payload: bytes) -> "AlertMessage":
        """Decodes a payload. Raises ``ValueError`` for anything other than an alert of this schema.

        A field that this version does not know is left out: a new field does not change the schema.
        """
        if len(payload) > LONGEST_ALERT:
            raise ValueError(f"not a valid alert: it has {len(payload)} bytes")
        try:
            data = json.loads(payload)
            if data.pop("schema") != SCHEMA:
                raise ValueError("unknown schema")
            _check_types(data)
            data |= {"box": tuple(data["box"]), "frame_size": tuple(data["frame_size"])}
            return cls(**{name: data[name] for name in cls.__match_args__ if name in data})
        except (KeyError, TypeError, AttributeError, UnicodeDecodeError, RecursionError) as error:
            raise ValueError(f"not a valid alert: {error!r}") from error


@dataclass(frozen=True, slots=True)
class State:
    """People in view, and the sums of today (local day)."""

    topic: ClassVar[str] = "state"
    no_mask: Literal["ON", "OFF"] = "OFF"
    people: int = 0
    mask: int = 0
    no_mask_count: int = 0
    today: dict[str, Any] = field(default_factory=lambda: dict(NOTHING))


@dataclass(frozen=True, slots=True)
class Health:
    """Health of the monitor: the camera's condition, the model, and the problem in one sentence."""

    topic: ClassVar[str] = "health"
    camera: CameraCondition
    model: str
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Stats:
    """Process statistics; None where this machine reports no value."""

    topic: ClassVar[str] = "stats"
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
    clock_synced: bool | None = None


def _check_types(data: dict[str, Any]) -> None:
    """Checks the types of an alert from outside. Raises ``ValueError``."""
    for kind, names in KINDS:
        for name in names.split():
            if not isinstance(data[name], kind) or not _is_sound(data[name]):
                raise ValueError(f"not a valid alert: {name} is {data[name]!r}"[:200])
    for name, length in (("box", 4), ("frame_size", 2)):
        sides = data[name] if isinstance(data[name], list) else []
        if [type(side) for side in sides] != [int] * length or not all(map(_is_sound, sides)):
            raise ValueError(f"not a valid alert: {name} is not {length} whole numbers")


def _is_sound(value: str | float) -> bool:
    """Returns whether a value can be stored, shown and sent: JSON allows half of a surrogate pair, and any number."""
    if isinstance(value, str):
        return not any("\ud800" <= letter <= "\udfff" for letter in value)
    return -LARGEST_NUMBER < value < LARGEST_NUMBER


def utc_now() -> str:
    """Returns the present time as UTC ISO 8601 with milliseconds and Z."""
    return utc_iso(time.time())


def uuid7() -> uuid.UUID:
    """Makes a UUID that sorts by time (RFC 9562, section 5.7). Python has its own from 3.14 on."""
    value = (time.time_ns() // 1_000_000) << 80 | secrets.randbits(80)
    value = value & ~(0xF << 76) | 0x7 << 76
    return uuid.UUID(int=value & ~(0x3 << 62) | 0x2 << 62)


@dataclass(frozen=True, slots=True)
class Command:
    """A switch, and whether it is to be on."""

    name: str
    value: bool


def parse(topic: str, payload: bytes, retained: bool, root: str, switches: Collection[str]) -> Command:
    """Parses a command to one of the ``switches`` under ``root`` (``prefix/device``).

    Raises ``ValueError`` with the reason to ignore it. Retained commands are ignored: an old pause at the broker must
    not return with every connection.
    """
    name = topic.removeprefix(f"{root}/").removesuffix("/set")
    if topic != f"{root}/{name}/set" or name not in switches:
        known = ", ".join(f"{switch}/set" for switch in switches)
        raise ValueError(f"unknown command; this camera takes: {known}")
    if retained:
        raise ValueError("retained commands are ignored; publish it without the retain flag")
    if len(payload) > LIMIT:
        raise ValueError(f"longer than {LIMIT} bytes")
    if payload not in VALUES:
        raise ValueError(f"must be {' or '.join(value.decode() for value in VALUES)}")
    return Command(name, VALUES[payload])
