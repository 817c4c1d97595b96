"""Declares every option: default, range and help are declared only here.

``systemd/maskwatch.toml`` is the reference for people; a test holds it to this file.
"""

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Literal, get_args

from .option import Allowed, option
from .phone import PhoneConfig
from .report import ReportConfig
from .sign import SignConfig
from .store import StoreConfig
from .web import WebConfig
from .zone import Zone

if TYPE_CHECKING:  # nothing of outputs is loaded unless one is configured
    from .outputs import OutputConfig

DetectorName = Literal["haar", "yunet"]
SnapshotMode = Literal["off", "blurred", "full"]
BlurredPart = Literal["face", "eyes"]
Rotation = Literal[0, 90, 180, 270]


@dataclass(frozen=True, slots=True)
class DeviceConfig:
    """Options of the device."""

    name: str = option("entrance", "name of this camera in MQTT topics; every camera needs its own", name=True)


@dataclass(frozen=True, slots=True)
class SourceConfig:
    """Options of the source."""

    source: str = option(
        "auto",
        "auto (Pi camera, else the first USB camera), picamera, usb:N, /dev/videoN, "
        "rtsp://address/stream, a video file, a folder of pictures, or demo",
    )
    user: str = option("", "user name for a network camera; empty for none, or for the one in the address")
    password_file: str = option(
        "",
        "file with the camera's password, not readable by every user (chmod 640); empty takes systemd's credential "
        "camera-password if there is one",
        secret=True,
    )
    verify: bool = option(
        False, "true checks the certificate of an rtsps:// or https:// camera; false encrypts without this check"
    )
    ca_file: str = option(
        "", "certificate authority (PEM) to trust, or the camera's own certificate; empty for those of the system"
    )
    width: int = option(
        640, "requested from the camera, in pixels; more finds faces further away and costs more", low=160, high=3840
    )
    height: int = option(480, "requested from the camera, in pixels", low=120, high=2160)
    fps: float = option(
        15.0,
        "frames per second requested from the camera; also the pace of a folder, and of requests to a snapshot address",
        low=0.1,
        high=120,
    )
    rotate: Rotation = option(0, "degrees clockwise by which frames are turned upright", choices=get_args(Rotation))
    realtime: bool = option(False, "true plays a file at its own pace instead of as fast as possible")
    repeat: bool = option(False, "true plays a file again and again")


@dataclass(frozen=True, slots=True)
class DetectConfig:
    """Options of face detection."""

    detector: DetectorName = option(
        "haar",
        "haar is OpenCV's cascade; yunet also finds masked faces",
        choices=get_args(DetectorName),
    )
    # alt2: on 354 street and room pictures, with faces of 40 pixels and more, it found more bare faces than default
    # (0.71 against 0.66), gave half as many boxes without a face, and cost less
    cascade: str = option(
        "alt2", "OpenCV's frontal-face cascade: default, alt, alt2, alt_tree, or the path of an .xml file"
    )
    min_face: int = option(48, "smallest face that is detected, in pixels of the frame", low=24, high=1000)
    scale_step: float = option(
        1.1, "ratio between two sizes that the cascade searches; larger is faster and misses more", low=1.01, high=2
    )
    neighbours: int = option(2, "overlapping hits of the cascade that make a face; more is stricter", low=0, high=20)
    network: str = option("", "YuNet's .onnx file; empty takes the one of maskwatch")
    threads: int = option(1, "threads of OpenCV; more find faces sooner and use more of the machine", low=1, high=8)
    gate: bool = option(
        True,
        "true searches only the parts that changed or where a person is expected; false searches every frame "
        "completely",
    )
    score: float = option(0.6, "lowest confidence of YuNet that counts as a face", low=0.1, high=0.99)
    zones: tuple[Zone, ...] = option(
        (),
        "polygons to watch, with corners [x, y] from 0 to 1 of the frame, counted from the upper left, for example "
        "[[[0.2, 0.1], [0.8, 0.1], [0.8, 1.0], [0.2, 1.0]]]; none watches the whole frame; at most 32 zones of 3 to 64 "
        'corners; a zone may have a name: {name = "left door", corners = [[0.2, 0.1], ...]}',
    )


@dataclass(frozen=True, slots=True)
class ClassifyConfig:
    """Options of the classifier."""

    model: str = option("", "a .tflite file with its card (.json) beside it; empty takes the model of maskwatch")
    threads: int = option(1, "threads of the TFLite runtime", low=1, high=8)
    # 0.4: on the development scenes a third fewer of the cascade's false faces counted as bare than with 0.5, and less
    # than one true face of a hundred was lost by it (in backlight with YuNet: two)
    reject: float = option(0.4, "a detection whose not_face probability is higher is dropped", low=0.01, high=1)


@dataclass(frozen=True, slots=True)
class TrackConfig:
    """Options of tracking."""

    forget: float = option(
        3.0, "seconds after which an unseen person is gone; later the same person counts as a new one", low=0.1, high=60
    )


@dataclass(frozen=True, slots=True)
class DecideConfig:
    """Options of the alert policy."""

    threshold: float = option(
        0.8, "mean probability from which a person counts as bare, and likewise as masked", low=0.5, high=1
    )
    frames: int = option(4, "sightings of a person needed within the window", low=1, high=100)
    seconds: float = option(0.3, "seconds needed between the first and the last of them", low=0, high=60)
    window: float = option(1.0, "seconds for which a sighting counts; more where frames are rare", low=0.1, high=60)
    persistence: float = option(
        0.3, "share of the searched frames in which the face must be found; patterns only flicker", low=0, high=1
    )
    cool_down: float = option(
        5.0, "seconds at least between two alerts about one person who takes the mask off again", low=0, high=86400
    )


@dataclass(frozen=True, slots=True)
class MqttConfig:
    """Options of the broker."""

    host: str = option("", "name or address of the broker; empty starts an embedded broker for this machine only")
    port: int = option(1883, "port of the broker; 8883 is usual with TLS", low=1, high=65535)
    prefix: str = option("maskwatch", "first level of every topic", name=True)
    user: str = option("", "user name for the broker; empty for none")
    password_file: str = option(
        "",
        "file with the password, not readable by every user (chmod 640); empty takes systemd's credential "
        "mqtt-password if there is one, as the installed service has",
        secret=True,
    )
    tls: bool = option(False, "true encrypts the connection and checks the broker's certificate")
    ca_file: str = option("", "certificate authority (PEM) to trust; empty for those of the system")
    cert_file: str = option("", "client certificate (PEM), if the broker asks for one")
    key_file: str = option("", "key of the client certificate")
    keepalive: int = option(15, "seconds between signs of life", low=5, high=3600)


@dataclass(frozen=True, slots=True)
class StateConfig:
    """Options of the state folder."""

    folder: str = option(
        "", "folder for undelivered alerts, the pause and snapshots; empty for ~/.local/state/maskwatch/DEVICE"
    )


@dataclass(frozen=True, slots=True)
class SnapshotsConfig:
    """Options of snapshots."""

    mode: SnapshotMode = option(
        "off",
        "whether a picture goes with each alert: blurred hides every face that is found, full hides none",
        choices=get_args(SnapshotMode),
    )
    keep_days: float = option(7.0, "days after which a picture is deleted", low=0.01, high=365)
    keep_mb: float = option(100.0, "megabytes of pictures that are kept, the newest first", low=1, high=100_000)


@dataclass(frozen=True, slots=True)
class PrivacyConfig:
    """Options of privacy."""

    blur: BlurredPart = option(
        "face",
        "what is hidden where faces are blurred, on the page and in snapshots: face, or eyes, which still shows the "
        "mask and hides less well who it is",
        choices=get_args(BlurredPart),
    )


@dataclass(frozen=True, slots=True)
class HomeAssistantConfig:
    """Options of Home Assistant discovery."""

    discovery: bool = option(True, "true announces this camera to Home Assistant over the broker")
    prefix: str = option("homeassistant", "Home Assistant's discovery prefix", name=True)
    page: str = option("", "address of the page for the link in Home Assistant; empty for no link")


@dataclass(frozen=True, slots=True)
class Config:
    """Every option of maskwatch, by section."""

    device: DeviceConfig = DeviceConfig()
    source: SourceConfig = SourceConfig()
    detect: DetectConfig = DetectConfig()
    classify: ClassifyConfig = ClassifyConfig()
    track: TrackConfig = TrackConfig()
    decide: DecideConfig = DecideConfig()
    mqtt: MqttConfig = MqttConfig()
    state: StateConfig = StateConfig()
    snapshots: SnapshotsConfig = SnapshotsConfig()
    privacy: PrivacyConfig = PrivacyConfig()
    web: WebConfig = WebConfig()
    sign: SignConfig = SignConfig()
    homeassistant: HomeAssistantConfig = HomeAssistantConfig()
    phone: PhoneConfig = PhoneConfig()
    report: ReportConfig = ReportConfig()
    store: StoreConfig = StoreConfig()
    outputs: "tuple[OutputConfig, ...]" = ()
    """One per table ``[outputs.NAME]``, in the order of the file."""


def options() -> list[tuple[str, str, Any, Allowed]]:
    """Returns every option as (section, key, default, allowed), in the order of the example file; not the outputs'."""
    return [
        (part.name, entry.name, entry.default, entry.metadata["allowed"])
        for part in fields(Config)
        if part.name != "outputs"
        for entry in fields(type(getattr(Config(), part.name)))
    ]
